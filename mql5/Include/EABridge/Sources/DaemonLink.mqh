//+------------------------------------------------------------------+
//| EABridge/Sources/DaemonLink.mqh                                  |
//| Requests and their replies, whatever happens to the connection.  |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_SOURCES_DAEMON_LINK_MQH
#define EABRIDGE_SOURCES_DAEMON_LINK_MQH

#include "../Wire/Packer.mqh"
#include "../Wire/Replies.mqh"
#include "../Zmtp/BackOff.mqh"
#include "../Zmtp/Channel.mqh"

// A daemon that was silent for so many requests in a row is connected to anew.
#define EABRIDGE_MOST_TIMEOUTS 3

// Reliable in the way of the ZeroMQ guide's pirates. Every wait ends. A request that is given up
// is forgotten: its reply, should it still come, answers no other, since each has an id of its
// own. A connection is proven by its first sound reply; until then whatever fails closes it, and
// the next try waits, longer each time.
class CDaemonLink : public CFallible
  {
private:
   static ulong      s_last_id;      // over all links of the program
   CEndpoint         m_endpoint;
   CChannel         *m_channel;      // its own; NULL where there is none
   CBackOff          m_back_off;
   string            m_reason;       // why the last try to connect failed
   bool              m_proven;
   int               m_timeouts;     // in a row
   ulong             m_heard_us;
   uchar             m_body[];

   bool              ConnectOnce(const ulong deadline_us);
   bool              AwaitNextTry(const ulong deadline_us) const;
   bool              Failed(const ENUM_FORECAST_ERROR error, const string text);

public:
                     CDaemonLink();
                    ~CDaemonLink();
   bool              Aim(const string endpoint);
   void              Use(CChannel *channel);
   bool              Connect(const ulong deadline_us);
   ulong             NextId();
   bool              Exchange(const CPacker &request, const ulong id, CReply &reply,
                              const ulong deadline_us);
   bool              IsUsable() const     { return m_channel != NULL; }
   bool              IsOpen() const       { return m_channel != NULL && m_channel.IsOpen(); }
   bool              IsBackingOff() const { return m_back_off.MillisecondsToGo() > 0; }
   bool              HeardWithin(const ulong microseconds) const;
   void              Close();
   string            Name() const;
  };

ulong CDaemonLink::s_last_id = 0;

CDaemonLink::CDaemonLink()
   : m_channel(NULL),
     m_reason(""),
     m_proven(false),
     m_timeouts(0),
     m_heard_us(0)
  {
  }

CDaemonLink::~CDaemonLink()
  {
   Use(NULL);
  }

// Takes where to connect to. Connects to nothing yet.
bool CDaemonLink::Aim(const string endpoint)
  {
   Use(NULL);
   return m_endpoint.Parse(endpoint) ? Succeed() : FailAs(m_endpoint);
  }

// Takes what to connect by: the channel is this link's from now on.
void CDaemonLink::Use(CChannel *channel)
  {
   Close();
   if(m_channel != NULL)
      delete m_channel;
   m_channel = channel;
   m_back_off.Reset();
  }

// Connects. A chart must not feel frozen: there one try is all, and none as long as the last one
// that failed is too short a time ago. In the tester nobody waits at a chart, and a bar without a
// forecast is lost to the test: there it is tried until the time is up.
bool CDaemonLink::Connect(const ulong deadline_us)
  {
   bool connected = ConnectOnce(deadline_us);
   while(!connected && MQLInfoInteger(MQL_TESTER) != 0 && AwaitNextTry(deadline_us))
      connected = ConnectOnce(deadline_us);
   return connected;
  }

bool CDaemonLink::ConnectOnce(const ulong deadline_us)
  {
   const uint to_go_ms = m_back_off.MillisecondsToGo();
   if(to_go_ms > 0)
      return Fail(FORECAST_BACKING_OFF,
                  StringFormat("%s (the next try is in %d ms)", m_reason, (int)to_go_ms));
   m_proven = false;
   m_timeouts = 0;
   if(!m_channel.Open(m_endpoint, deadline_us))
      return Failed(m_channel.Error(), m_channel.ErrorText());
   return Succeed();
  }

// Waits by looking at the clock, since Sleep does not wait in the tester. False where the deadline
// comes first.
bool CDaemonLink::AwaitNextTry(const ulong deadline_us) const
  {
   uint to_go_ms = m_back_off.MillisecondsToGo();
   if(to_go_ms >= MillisecondsLeft(deadline_us))
      return false;
   while(to_go_ms > 0 && !IsStopped())
      to_go_ms = m_back_off.MillisecondsToGo();
   return !IsStopped();
  }

// An id that no other request of this program has.
ulong CDaemonLink::NextId()
  {
   s_last_id++;
   return s_last_id;
  }

// Sends a request and waits for its reply, which may be a refusal.
bool CDaemonLink::Exchange(const CPacker &request, const ulong id, CReply &reply,
                           const ulong deadline_us)
  {
   int count = 0;
   if(!m_channel.Request(request.bytes, request.Count(), deadline_us))
      return Failed(m_channel.Error(), m_channel.ErrorText());
   while(m_channel.Reply(m_body, count, deadline_us))
     {
      if(!reply.Read(m_body, count))
        {
         m_channel.Close();
         return Failed(reply.Error(), reply.ErrorText());
        }
      m_heard_us = GetMicrosecondCount();
      m_proven = true;
      m_timeouts = 0;
      m_back_off.Reset();
      // A refusal of bytes in which the daemon found no id has 0.
      if(reply.Id() == id || (reply.Id() == 0 && !reply.IsOk()))
         return Succeed();
      if(MillisecondsLeft(deadline_us) == 0)
         return Failed(FORECAST_TIMEOUT, "");
     }
   return Failed(m_channel.Error(), m_channel.ErrorText());
  }

bool CDaemonLink::HeardWithin(const ulong microseconds) const
  {
   return IsOpen() && m_proven && GetMicrosecondCount() - m_heard_us < microseconds;
  }

void CDaemonLink::Close()
  {
   if(IsOpen())
      m_channel.Close();
  }

string CDaemonLink::Name() const
  {
   return m_endpoint.Text() + (m_channel == NULL ? "" : " (" + m_channel.Name() + ")");
  }

// What a failure means for the connection, and for the next try to make one.
bool CDaemonLink::Failed(const ENUM_FORECAST_ERROR error, const string text)
  {
   Fail(error, text);
   if(error == FORECAST_TIMEOUT)
      m_timeouts++;
   if(!m_proven || m_timeouts >= EABRIDGE_MOST_TIMEOUTS)
      Close();
   if(!m_proven)
     {
      m_back_off.Failed();
      m_reason = ErrorText();
     }
   return false;
  }

#endif
