//+------------------------------------------------------------------+
//|                                                      Winsock.mq5 |
//| ws2_32.dll as a program imports it: what its functions return,   |
//| on Windows and in the host's stand-in alike.                     |
//+------------------------------------------------------------------+
#include <Expect.mqh>

#define WOULD_BLOCK 10035
#define NOT_A_SOCKET 10038
#define REFUSED 10061
#define NOT_STARTED 10093
#define FIONBIO_COMMAND -2147195266
#define FIONREAD_COMMAND 0x4004667F

input int Port = 0;         // something that sends back what it gets
input int DeadPort = 0;     // nothing listens there

struct Address
  {
   ushort family;
   ushort port;
   uchar  host[4];
   uchar  zero[8];
  };

struct Set
  {
   uint  count;
   uint  unused;
   ulong sockets[1];
  };

struct Time
  {
   int seconds;
   int microseconds;
  };

#import "ws2_32.dll"
int    WSAStartup(ushort version, uchar &data[]);
int    WSACleanup();
int    WSAGetLastError();
ulong  socket(int family, int type, int protocol);
int    closesocket(ulong handle);
int    connect(ulong handle, Address &address, int size);
int    send(ulong handle, const uchar &data[], int count, int flags);
int    recv(ulong handle, uchar &data[], int count, int flags);
int    select(int unused, Set &readable, Set &writable, Set &failed, Time &timeout);
int    ioctlsocket(ulong handle, int command, uint &argument);
int    getsockopt(ulong handle, int level, int name, int &value, int &size);
int    setsockopt(ulong handle, int level, int name, int &value, int size);
ushort htons(ushort value);
uint   inet_addr(uchar &text[]);
#import

Address Loopback(const int port)
  {
   Address address;
   ZeroMemory(address);
   address.family = 2;
   address.port = htons((ushort)port);
   address.host[0] = 127;
   address.host[3] = 1;
   return address;
  }

// Which of the three sets the socket is in after waiting: "r", "w", "f" or none.
string Waited(const ulong handle, const int milliseconds)
  {
   Set readable;
   readable.count = 1;
   readable.unused = 0;
   readable.sockets[0] = handle;
   Set writable = readable;
   Set failed = readable;
   Time timeout;
   timeout.seconds = 0;
   timeout.microseconds = milliseconds * 1000;
   const int ready = select(0, readable, writable, failed, timeout);
   ExpectLong("select counts", ready,
              (long)readable.count + (long)writable.count + (long)failed.count);
   return (readable.count > 0 ? "r" : "") + (writable.count > 0 ? "w" : "") +
          (failed.count > 0 ? "f" : "");
  }

ulong Connecting(const int port)
  {
   const ulong handle = socket(2, 1, 6);
   uint on = 1;
   ExpectLong("non-blocking", ioctlsocket(handle, FIONBIO_COMMAND, on), 0);
   Address address = Loopback(port);
   ExpectLong("connect does not wait", connect(handle, address, 16), -1);
   ExpectLong("connect would block", WSAGetLastError(), WOULD_BLOCK);
   return handle;
  }

void TalkToTheEcho()
  {
   const ulong handle = Connecting(Port);
   ExpectText("connected", Waited(handle, 5000), "w");
   int value = -1;
   int size = 4;
   ExpectLong("getsockopt", getsockopt(handle, 0xFFFF, 0x1007, value, size), 0);
   ExpectLong("no error", value, 0);
   int one = 1;
   ExpectLong("no delay", setsockopt(handle, 6, 1, one, 4), 0);
   uchar bytes[16];
   ArrayInitialize(bytes, 65);
   ExpectLong("nothing to receive", recv(handle, bytes, 16, 0), -1);
   ExpectLong("it would block", WSAGetLastError(), WOULD_BLOCK);
   ExpectLong("send", send(handle, bytes, 5, 0), 5);
   string ready = "";
   for(int i = 0; i < 500 && StringFind(ready, "r") < 0; i++)
     {
      ready = Waited(handle, 10);
      Sleep(1);
     }
   ExpectText("the echo came", ready, "rw");
   uint waiting = 0;
   ExpectLong("ioctlsocket", ioctlsocket(handle, FIONREAD_COMMAND, waiting), 0);
   ExpectLong("bytes waiting", waiting, 5);
   ArrayInitialize(bytes, 0);
   ExpectLong("recv", recv(handle, bytes, 16, 0), 5);
   ExpectText("what was sent", CharArrayToString(bytes, 0, 5), "AAAAA");
   ExpectLong("closesocket", closesocket(handle), 0);
   ExpectLong("closed twice", closesocket(handle), -1);
   ExpectLong("not a socket", WSAGetLastError(), NOT_A_SOCKET);
  }

void MeetNobody()
  {
   const ulong handle = Connecting(DeadPort);
   // Windows sets the failed set alone; wine may call the socket readable too when the refusal
   // is there before it looks. Writable, which a client takes for connected, it is in neither.
   const string told = Waited(handle, 5000);
   ExpectTrue("refused: " + told, StringFind(told, "f") >= 0 && StringFind(told, "w") < 0);
   int value = 0;
   int size = 4;
   getsockopt(handle, 0xFFFF, 0x1007, value, size);
   ExpectLong("why", value, REFUSED);
   closesocket(handle);
  }

void OnStart()
  {
   ExpectTrue("not started yet", socket(2, 1, 6) == ULONG_MAX);
   ExpectLong("why not", WSAGetLastError(), NOT_STARTED);
   uchar about[512];
   ExpectLong("WSAStartup", WSAStartup(0x0202, about), 0);
   ExpectLong("htons", htons(0x1234), 0x3412);
   uchar text[];
   StringToCharArray("127.0.0.1", text);
   ExpectLong("inet_addr", inet_addr(text), 0x0100007F);
   TalkToTheEcho();
   MeetNobody();
   ExpectLong("WSACleanup", WSACleanup(), 0);
   ExpectEnd();
  }
