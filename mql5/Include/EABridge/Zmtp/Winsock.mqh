//+------------------------------------------------------------------+
//| EABridge/Zmtp/Winsock.mqh                                        |
//| Windows' sockets: a DLL that every Windows has, for the tester   |
//| on this computer, where the terminal's own are refused.          |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_ZMTP_WINSOCK_MQH
#define EABRIDGE_ZMTP_WINSOCK_MQH

#include "Deadline.mqh"
#include "Transport.mqh"

#define EABRIDGE_WS_VERSION 0x0202
#define EABRIDGE_WS_AF_INET 2
#define EABRIDGE_WS_STREAM 1
#define EABRIDGE_WS_TCP 6
#define EABRIDGE_WS_TCP_NODELAY 1
#define EABRIDGE_WS_SOL_SOCKET 0xFFFF
#define EABRIDGE_WS_SO_ERROR 0x1007
#define EABRIDGE_WS_FIONBIO -2147195266    // 0x8004667E as the long that it is passed as
#define EABRIDGE_WS_WOULD_BLOCK 10035
#define EABRIDGE_WS_TIMED_OUT 10060
#define EABRIDGE_WS_CHUNK 16384
#define EABRIDGE_WS_NO_SOCKET ULONG_MAX

struct WinsockAddress
  {
   ushort            family;
   ushort            port;         // the high byte first, as on the wire
   uchar             host[4];
   uchar             zero[8];
  };

// fd_set for the one socket that is ever waited for. The four bytes that a 64-bit Windows leaves
// between count and sockets are written out.
struct WinsockSet
  {
   uint              count;
   uint              unused;
   ulong             sockets[1];
  };

struct WinsockTime
  {
   int               seconds;
   int               microseconds;
  };

#import "ws2_32.dll"
int WSAStartup(ushort version, uchar &data[]);
int WSACleanup();
int WSAGetLastError();
ulong socket(int family, int type, int protocol);
int closesocket(ulong handle);
int ioctlsocket(ulong handle, int command, uint &argument);
int setsockopt(ulong handle, int level, int name, int &value, int size);
int getsockopt(ulong handle, int level, int name, int &value, int &size);
int connect(ulong handle, WinsockAddress &address, int size);
int select(int unused, WinsockSet &readable, WinsockSet &writable, WinsockSet &failed,
           WinsockTime &timeout);
int send(ulong handle, const uchar &data[], int count, int flags);
int recv(ulong handle, uchar &data[], int count, int flags);
#import

class CWinsock : public CTransport
  {
private:
   ulong             m_socket;
   bool              m_started;
   uchar             m_chunk[EABRIDGE_WS_CHUNK];

   bool              Resolve(const string host, uchar &numbers[]) const;
   int               Connect(const uchar &numbers[], const ushort port, const uint timeout_ms);
   bool              Wait(const bool to_write, const uint timeout_ms);

public:
                     CWinsock();
   virtual          ~CWinsock();
   virtual bool      Open(const string host, const ushort port, const uint timeout_ms) override;
   virtual bool      Send(const uchar &data[], const int count, const uint timeout_ms) override;
   virtual int       Receive(uchar &data[], const int at, const int least, const int most,
                             const uint timeout_ms) override;
   virtual bool      IsOpen() const override { return m_socket != EABRIDGE_WS_NO_SOCKET; }
   virtual void      Close() override;
   virtual string    Name() const override { return "winsock"; }
  };

CWinsock::CWinsock()
   : m_socket(EABRIDGE_WS_NO_SOCKET),
     m_started(false)
  {
   ArrayInitialize(m_chunk, 0);
  }

CWinsock::~CWinsock()
  {
   Close();
  }

bool CWinsock::Open(const string host, const ushort port, const uint timeout_ms)
  {
   Close();
   uchar numbers[4];
   ArrayInitialize(numbers, 0);
   if(!Resolve(host, numbers))
      return Fail(FORECAST_BAD_ENDPOINT,
                  StringFormat("'%s' is a name: write the daemon's address in numbers, such as " +
                               "127.0.0.1, as this build does not look names up", host));
   uchar about[512];
   ArrayInitialize(about, 0);
   m_started = WSAStartup(EABRIDGE_WS_VERSION, about) == 0;
   if(!m_started)
      return Fail(FORECAST_NO_DAEMON, "Windows' sockets did not start: restart the computer");
   m_socket = socket(EABRIDGE_WS_AF_INET, EABRIDGE_WS_STREAM, EABRIDGE_WS_TCP);
   const int error = IsOpen() ? Connect(numbers, port, timeout_ms) : WSAGetLastError();
   if(error == 0)
      return Succeed();
   Close();
   return Fail(FORECAST_NO_DAEMON,
               StringFormat("Nothing answers at %s:%d (error %d): start the daemon there with " +
                            "eabridge serve", host, (int)port, error));
  }

bool CWinsock::Send(const uchar &data[], const int count, const uint timeout_ms)
  {
   const ulong deadline_us = GetMicrosecondCount() + (ulong)timeout_ms * 1000;
   int sent = send(m_socket, data, count, 0);
   // What the system did not take over at once is moved to the front of the chunk: a DLL cannot
   // be given the middle of an array.
   int done = MathMax(sent, 0);
   while(done < count)
     {
      if(sent < 0 && WSAGetLastError() != EABRIDGE_WS_WOULD_BLOCK)
         return false;
      if(!Wait(true, MillisecondsLeft(deadline_us)))
         return false;
      const int next = MathMin(count - done, EABRIDGE_WS_CHUNK);
      ArrayCopy(m_chunk, data, 0, done, next);
      sent = send(m_socket, m_chunk, next, 0);
      done += MathMax(sent, 0);
     }
   return true;
  }

int CWinsock::Receive(uchar &data[], const int at, const int least, const int most,
                      const uint timeout_ms)
  {
   const ulong deadline_us = GetMicrosecondCount() + (ulong)timeout_ms * 1000;
   int got = 0;
   while(got < least && Wait(false, MillisecondsLeft(deadline_us)))
     {
      const int read = recv(m_socket, m_chunk, MathMin(most - got, EABRIDGE_WS_CHUNK), 0);
      if(read <= 0 && (read == 0 || WSAGetLastError() != EABRIDGE_WS_WOULD_BLOCK))
         return got > 0 ? got : -1;
      if(read > 0)
        {
         ArrayCopy(data, m_chunk, at + got, 0, read);
         got += read;
        }
     }
   return got;
  }

void CWinsock::Close()
  {
   if(m_socket != EABRIDGE_WS_NO_SOCKET)
      closesocket(m_socket);
   m_socket = EABRIDGE_WS_NO_SOCKET;
   if(m_started)
      WSACleanup();
   m_started = false;
  }

// An address in numbers, or localhost. Windows looks names up too, but answers with a pointer,
// which MQL5 cannot follow.
bool CWinsock::Resolve(const string host, uchar &numbers[]) const
  {
   string parts[];
   if(StringSplit(host == "localhost" ? "127.0.0.1" : host, '.', parts) != 4)
      return false;
   for(int i = 0; i < 4; i++)
     {
      const long number = StringToInteger(parts[i]);
      if(number < 0 || number > 255 || IntegerToString(number) != parts[i])
         return false;
      numbers[i] = (uchar)number;
     }
   return true;
  }

// Connects without blocking: the wait for the outcome is this program's own, and bounded. 0, or
// Windows' number for what went wrong.
int CWinsock::Connect(const uchar &numbers[], const ushort port, const uint timeout_ms)
  {
   uint on = 1;
   int no_delay = 1;
   if(ioctlsocket(m_socket, EABRIDGE_WS_FIONBIO, on) != 0)
      return WSAGetLastError();
   setsockopt(m_socket, EABRIDGE_WS_TCP, EABRIDGE_WS_TCP_NODELAY, no_delay, 4);
   WinsockAddress address;
   address.family = EABRIDGE_WS_AF_INET;
   address.port = (ushort)(((port & 0xFF) << 8) | (port >> 8));
   ArrayCopy(address.host, numbers);
   ArrayInitialize(address.zero, 0);
   if(connect(m_socket, address, 16) == 0)
      return 0;
   int error = WSAGetLastError();
   if(error != EABRIDGE_WS_WOULD_BLOCK)
      return error;
   if(!Wait(true, timeout_ms))
      return EABRIDGE_WS_TIMED_OUT;
   int size = 4;
   if(getsockopt(m_socket, EABRIDGE_WS_SOL_SOCKET, EABRIDGE_WS_SO_ERROR, error, size) != 0)
      return WSAGetLastError();
   return error;
  }

// Waits until the socket can be written to, or read from, or has failed: then the call that
// follows says so.
bool CWinsock::Wait(const bool to_write, const uint timeout_ms)
  {
   if(timeout_ms == 0)
      return false;
   WinsockSet waited;
   waited.count = 1;
   waited.unused = 0;
   waited.sockets[0] = m_socket;
   WinsockSet failed = waited;
   WinsockSet none = waited;
   none.count = 0;
   WinsockTime timeout;
   timeout.seconds = (int)(timeout_ms / 1000);
   timeout.microseconds = (int)(timeout_ms % 1000) * 1000;
   return to_write ? select(0, none, waited, failed, timeout) > 0
                   : select(0, waited, none, failed, timeout) > 0;
  }

#endif
