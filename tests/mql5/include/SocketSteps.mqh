//+------------------------------------------------------------------+
//|                                                  SocketSteps.mqh |
//| Does what a test says to the terminal's sockets, one step after  |
//| the other, and prints what each call returned, the last error    |
//| and whether the socket was connected afterwards.                 |
//+------------------------------------------------------------------+
#ifndef SOCKET_STEPS_MQH
#define SOCKET_STEPS_MQH

input string Steps = "";   // "connect 500;send hello;read 5 500;readable;..."
input string Host = "127.0.0.1";
input int    Port = 0;

int ExtSocket = INVALID_HANDLE;

string Words(const uchar &bytes[], const int count)
  {
   return count > 0 ? CharArrayToString(bytes, 0, count, CP_UTF8) : "";
  }

int Send(const string text)
  {
   uchar bytes[];
   const int count = StringToCharArray(text, bytes, 0, WHOLE_ARRAY, CP_UTF8) - 1;
   return SocketSend(ExtSocket, bytes, (uint)count);
  }

string Read(const uint most, const uint timeout_ms)
  {
   uchar bytes[];
   const ulong start = GetTickCount64();
   const int got = SocketRead(ExtSocket, bytes, most, timeout_ms);
   const bool waited = GetTickCount64() - start >= timeout_ms;
   return IntegerToString(got) + " " + Words(bytes, got) + (waited ? " waited" : "") +
          (got == ArraySize(bytes) || got < 0 ? "" : " wrong size");
  }

// As many sockets as there are, all closed again.
int MakeAll()
  {
   int made[256];
   int count = 0;
   while(count < 256)
     {
      made[count] = SocketCreate();
      if(made[count] == INVALID_HANDLE)
         break;
      count++;
     }
   for(int i = 0; i < count; i++)
      SocketClose(made[i]);
   return count;
  }

string Do(const string &words[])
  {
   const string step = words[0];
   if(step == "create")
     {
      ExtSocket = SocketCreate();
      return ExtSocket == INVALID_HANDLE ? "invalid" : "created";
     }
   if(step == "connect")
      return (string)SocketConnect(ExtSocket, Host, (uint)Port, (uint)StringToInteger(words[1]));
   if(step == "send")
      return (string)Send(words[1]);
   if(step == "read")
      return Read((uint)StringToInteger(words[1]), (uint)StringToInteger(words[2]));
   if(step == "readable")
      return (string)SocketIsReadable(ExtSocket);
   if(step == "writable")
      return (string)SocketIsWritable(ExtSocket);
   if(step == "sleep")
      Sleep((int)StringToInteger(words[1]));
   if(step == "close")
      return (string)SocketClose(ExtSocket);
   if(step == "all")
      return (string)MakeAll();
   return "";
  }

void Run()
  {
   string steps[];
   const int count = StringSplit(Steps, ';', steps);
   for(int i = 0; i < count; i++)
     {
      string words[];
      StringSplit(steps[i], ' ', words);
      ResetLastError();
      const string outcome = Do(words);
      const int error = GetLastError();
      Print(words[0], "|", outcome, "|", error, "|",
            SocketIsConnected(ExtSocket) ? "connected" : "not connected");
     }
  }

#endif
