//+------------------------------------------------------------------+
//| EABridge/Zmtp/NativeSocket.mqh                                   |
//| The terminal's own sockets: no DLL, but not in the tester.       |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_ZMTP_NATIVE_SOCKET_MQH
#define EABRIDGE_ZMTP_NATIVE_SOCKET_MQH

#include "Deadline.mqh"
#include "Transport.mqh"

// The terminal refuses addresses that the user has not listed with this error.
#define EABRIDGE_ERR_NOT_ALLOWED 4014

#define EABRIDGE_NATIVE_CHUNK 16384

// The terminal's own default; each read waits less.
#define EABRIDGE_NATIVE_READ_MS 120000

class CNativeSocket : public CTransport
  {
private:
   int               m_socket;
   // Of a fixed size: then there is no doubt where SocketRead puts what it reads.
   uchar             m_chunk[EABRIDGE_NATIVE_CHUNK];

   bool              HasEnded(const ulong began_us, const uint timeout_ms) const;

public:
                     CNativeSocket();
   virtual          ~CNativeSocket();
   virtual bool      Open(const string host, const ushort port, const uint timeout_ms) override;
   virtual bool      Send(const uchar &data[], const int count, const uint timeout_ms) override;
   virtual int       Receive(uchar &data[], const int at, const int least, const int most,
                             const uint timeout_ms) override;
   virtual bool      IsOpen() const override { return m_socket != INVALID_HANDLE; }
   virtual void      Close() override;
   virtual string    Name() const override { return "socket"; }
  };

CNativeSocket::CNativeSocket()
   : m_socket(INVALID_HANDLE)
  {
   ArrayInitialize(m_chunk, 0);
  }

CNativeSocket::~CNativeSocket()
  {
   Close();
  }

bool CNativeSocket::Open(const string host, const ushort port, const uint timeout_ms)
  {
   Close();
   ResetLastError();
   m_socket = SocketCreate();
   if(m_socket != INVALID_HANDLE && SocketConnect(m_socket, host, port, timeout_ms))
     {
      // A write has no time-out of its own, as a read has: the socket's bounds it.
      SocketTimeouts(m_socket, timeout_ms, EABRIDGE_NATIVE_READ_MS);
      return Succeed();
     }
   const int error = GetLastError();
   Close();
   if(error == EABRIDGE_ERR_NOT_ALLOWED)
      return Fail(FORECAST_NOT_ALLOWED,
                  StringFormat("The terminal does not let programs connect to %s: add it in " +
                               "Tools > Options > Expert Advisors > Allow WebRequest for listed " +
                               "URL, and tick its box", host));
   return Fail(FORECAST_NO_DAEMON,
               StringFormat("Nothing answers at %s:%d (error %d): start the daemon there with " +
                            "eabridge serve", host, (int)port, error));
  }

bool CNativeSocket::Send(const uchar &data[], const int count, const uint timeout_ms)
  {
   // A request is far smaller than what the system takes over at once: that less than all of it
   // goes means that the other side has ended, or has stopped reading.
   return SocketSend(m_socket, data, (uint)count) == count;
  }

// Asks for `least` bytes and never for more: SocketRead may wait for all that it is asked for, and
// SocketIsReadable, which could tell of more, may say 1 where there is nothing. `most` is for
// transports that take what there is in one call.
int CNativeSocket::Receive(uchar &data[], const int at, const int least, const int most,
                           const uint timeout_ms)
  {
   const ulong deadline_us = GetMicrosecondCount() + (ulong)timeout_ms * 1000;
   int got = 0;
   uint left_ms = timeout_ms;
   while(got < least && left_ms > 0)
     {
      const ulong began_us = GetMicrosecondCount();
      const int read = SocketRead(m_socket, m_chunk,
                                  (uint)MathMin(least - got, EABRIDGE_NATIVE_CHUNK), left_ms);
      if(read <= 0)
         return (got > 0 || !HasEnded(began_us, left_ms)) ? got : -1;
      ArrayCopy(data, m_chunk, at + got, 0, read);
      got += read;
      left_ms = MillisecondsLeft(deadline_us);
     }
   return got;
  }

// Whether a read that brought nothing did so because the connection ended. The terminal's answer
// is the same where only the time was up; but then the time is up.
bool CNativeSocket::HasEnded(const ulong began_us, const uint timeout_ms) const
  {
   return !SocketIsConnected(m_socket) ||
          GetMicrosecondCount() - began_us < (ulong)timeout_ms * 500;
  }

void CNativeSocket::Close()
  {
   if(m_socket != INVALID_HANDLE)
      SocketClose(m_socket);
   m_socket = INVALID_HANDLE;
  }

#endif
