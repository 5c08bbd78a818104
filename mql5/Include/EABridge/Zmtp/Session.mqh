//+------------------------------------------------------------------+
//| EABridge/Zmtp/Session.mqh                                        |
//| A REQ socket's side of ZMTP 3.1, over any transport.             |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_ZMTP_SESSION_MQH
#define EABRIDGE_ZMTP_SESSION_MQH

#include "../Wire/Printable.mqh"
#include "Commands.mqh"
#include "Deadline.mqh"
#include "Frames.mqh"
#include "Greeting.mqh"
#include "Transport.mqh"

// After FORECAST_TIMEOUT the session may go on: what has come of a message is kept, and the next
// call takes it up there. After any other error the connection is of no more use.
class CZmtpSession : public CFallible
  {
private:
   CTransport       *m_transport;
   CFrameReader      m_frames;
   CCommand          m_command;
   bool              m_in_message;   // the delimiter has come, the body has not
   uchar             m_out[];

   bool              Greet(const ulong deadline_us);
   bool              TakeReady(const ulong deadline_us);
   bool              CheckPeer();
   bool              TakeCommand(const ulong deadline_us);
   bool              NextFrame(const ulong deadline_us);
   bool              Fill(const int least, const int most, const ulong deadline_us);
   bool              SendOut(const int count, const ulong deadline_us);
   bool              Broken(const string what);
   bool              TimedOut();
   bool              Lost();

public:
                     CZmtpSession();
   bool              Begin(CTransport *transport, const ulong deadline_us);
   bool              Send(const uchar &body[], const int count, const ulong deadline_us);
   bool              Receive(uchar &body[], int &count, const ulong deadline_us);
  };

CZmtpSession::CZmtpSession()
   : m_transport(NULL),
     m_in_message(false)
  {
  }

// Greeting and READY, both ways, over a transport that is open and stays the caller's.
bool CZmtpSession::Begin(CTransport *transport, const ulong deadline_us)
  {
   m_transport = transport;
   m_frames.Clear();
   m_in_message = false;
   return Greet(deadline_us) && TakeReady(deadline_us) && Succeed();
  }

// Sends a body in REQ's envelope: an empty delimiter frame before it. All in one piece, so that it
// leaves at once whatever the system does with small ones.
bool CZmtpSession::Send(const uchar &body[], const int count, const ulong deadline_us)
  {
   const int head = count <= 0xFF ? 2 : 9;
   const int total = 2 + head + count;
   if(ArraySize(m_out) < total)
      ArrayResize(m_out, total);
   m_out[0] = EABRIDGE_FRAME_MORE;
   m_out[1] = 0;
   m_out[2] = head == 2 ? (uchar)0 : (uchar)EABRIDGE_FRAME_LONG;
   for(int i = 1; i < head; i++)
     {
      const int shift = 8 * (head - 1 - i);
      m_out[2 + i] = (uchar)(((ulong)count >> shift) & 0xFF);
     }
   ArrayCopy(m_out, body, 2 + head, 0, count);
   return SendOut(total, deadline_us);
  }

// The next body that comes, in its envelope.
bool CZmtpSession::Receive(uchar &body[], int &count, const ulong deadline_us)
  {
   count = 0;
   while(NextFrame(deadline_us))
     {
      if(m_frames.IsCommand())
        {
         if(!TakeCommand(deadline_us))
            return false;
         continue;
        }
      if(!m_in_message)
        {
         if(m_frames.Count() != 0 || !m_frames.HasMore())
            return Broken("a message without REQ's envelope");
         m_in_message = true;
         continue;
        }
      if(m_frames.HasMore())
         return Broken("a message of more than one part");
      m_in_message = false;
      count = m_frames.Count();
      if(ArraySize(body) < count)
         ArrayResize(body, count);
      if(count > 0)
         ArrayCopy(body, m_frames.bytes, 0, m_frames.From(), count);
      return Succeed();
     }
   return false;
  }

bool CZmtpSession::Greet(const ulong deadline_us)
  {
   CGreeting greeting;
   greeting.Write(m_out);
   if(!SendOut(EABRIDGE_GREETING_BYTES, deadline_us))
      return false;
   // In three steps, so that a peer of another kind is told by the little that it sends. A ZeroMQ
   // peer holds back all behind its version until it has seen ours.
   m_frames.MakeRoom(EABRIDGE_GREETING_BYTES);
   while(m_frames.End() < EABRIDGE_GREETING_BYTES)
     {
      const int here = m_frames.End();
      const int wanted = here < 1 ? 1 : (here <= EABRIDGE_GREETING_SIGNATURE_BYTES
                                         ? EABRIDGE_GREETING_SIGNATURE_BYTES + 1
                                         : EABRIDGE_GREETING_BYTES);
      if(!Fill(wanted - here, EABRIDGE_GREETING_BYTES - here, deadline_us))
         return false;
      if(!greeting.Check(m_frames.bytes, m_frames.End()))
         return FailAs(greeting);
     }
   m_frames.Clear();
   return true;
  }

bool CZmtpSession::TakeReady(const ulong deadline_us)
  {
   if(!SendOut(m_command.WriteReady(m_out), deadline_us))
      return false;
   do
     {
      if(!NextFrame(deadline_us))
         return false;
      if(!m_frames.IsCommand())
         return Broken("a message before its READY");
      if(!TakeCommand(deadline_us))
         return false;
     }
   while(m_command.Name() != "READY");
   return CheckPeer();
  }

bool CZmtpSession::CheckPeer()
  {
   string type = "";
   if(!m_command.SocketType(m_frames.bytes, type))
      return Broken("a READY that cannot be read");
   if(type == "ROUTER" || type == "REP")
      return true;
   return Fail(FORECAST_NOT_ZMTP,
               "A ZeroMQ socket of another kind (" + Printable(type) + ") listens there: give " +
               "the port that eabridge serve names when it starts");
  }

// Does what a command asks for. Those that are not for a REQ socket are passed over, as later
// versions of the protocol may have more of them.
bool CZmtpSession::TakeCommand(const ulong deadline_us)
  {
   if(!m_command.Read(m_frames.bytes, m_frames.From(), m_frames.Count()))
      return Broken("a malformed command");
   if(m_command.Name() == "ERROR")
      return Fail(FORECAST_NOT_ZMTP,
                  "What listens there refused the connection (" +
                  Printable(m_command.Reason(m_frames.bytes)) +
                  "): give the port that eabridge serve names when it starts");
   if(m_command.Name() == "PING" &&
      !SendOut(m_command.WritePong(m_frames.bytes, m_out), deadline_us))
      return false;
   // A peer that sends nothing but commands cannot hold the caller past its time.
   return MillisecondsLeft(deadline_us) > 0 || TimedOut();
  }

// Waits for a frame and takes it.
bool CZmtpSession::NextFrame(const ulong deadline_us)
  {
   while(!m_frames.IsBroken())
     {
      int owed = m_frames.Owed();
      if(owed == 0)
        {
         m_frames.Take();
         return true;
        }
      // Nothing that a peer begins with is shorter than 4 bytes: a command has a name, and behind
      // a delimiter stands at least a head. To ask for them at once saves a call of the system.
      if(m_frames.IsEmpty() && !m_in_message)
         owed = 4;
      m_frames.MakeRoom(owed);
      if(!Fill(MathMin(owed, m_frames.Room()), m_frames.Room(), deadline_us))
         return false;
     }
   return Broken("a frame that cannot be");
  }

bool CZmtpSession::Fill(const int least, const int most, const ulong deadline_us)
  {
   const uint left_ms = MillisecondsLeft(deadline_us);
   if(left_ms == 0)
      return TimedOut();
   const int got = m_transport.Receive(m_frames.bytes, m_frames.End(), least, most, left_ms);
   if(got < 0)
      return Lost();
   m_frames.Added(got);
   return got > 0 || TimedOut();
  }

bool CZmtpSession::SendOut(const int count, const ulong deadline_us)
  {
   const uint left_ms = MillisecondsLeft(deadline_us);
   if(left_ms == 0)
      return TimedOut();
   return m_transport.Send(m_out, count, left_ms) || Lost();
  }

bool CZmtpSession::Broken(const string what)
  {
   return Fail(FORECAST_BAD_REPLY,
               "What listens there sent " + what + ": if it is an eabridge daemon, update eabridge, " +
               "then eabridge mt5 install, and compile again");
  }

bool CZmtpSession::TimedOut()
  {
   return Fail(FORECAST_TIMEOUT, "");
  }

bool CZmtpSession::Lost()
  {
   return Fail(FORECAST_LOST, "");
  }

#endif
