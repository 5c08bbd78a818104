//+------------------------------------------------------------------+
//| EABridge/Zmtp/Commands.mqh                                       |
//| What ZeroMQ peers tell each other beside messages: READY, ERROR, |
//| PING and PONG.                                                   |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_ZMTP_COMMANDS_MQH
#define EABRIDGE_ZMTP_COMMANDS_MQH

#define EABRIDGE_FRAME_MORE 1
#define EABRIDGE_FRAME_LONG 2
#define EABRIDGE_FRAME_COMMAND 4

#define EABRIDGE_PING_TTL_BYTES 2
#define EABRIDGE_PING_MOST_CONTEXT 16

// A command is its name's length, its name, and data. Nothing of it is kept but where it stands.
class CCommand
  {
private:
   string            m_name;
   int               m_data_from;
   int               m_data_end;

   int               Put(uchar &bytes[], const int at, const string text) const;

public:
                     CCommand();
   bool              Read(const uchar &bytes[], const int from, const int count);
   string            Name() const { return m_name; }
   bool              SocketType(const uchar &bytes[], string &type) const;
   string            Reason(const uchar &bytes[]) const;

   int               WriteReady(uchar &bytes[]) const;
   int               WritePong(const uchar &ping[], uchar &bytes[]) const;
  };

CCommand::CCommand()
   : m_name(""),
     m_data_from(0),
     m_data_end(0)
  {
  }

// Takes the body of a command's frame. False where the name reaches beyond it.
bool CCommand::Read(const uchar &bytes[], const int from, const int count)
  {
   if(count < 1 || 1 + (int)bytes[from] > count)
      return false;
   m_data_from = from + 1 + (int)bytes[from];
   m_data_end = from + count;
   m_name = bytes[from] == 0 ? "" : CharArrayToString(bytes, from + 1, (int)bytes[from], CP_UTF8);
   return true;
  }

// What READY says of the peer's socket: properties of a name, its length before it in one byte,
// and a value, its length in four. False where READY is malformed or does not say.
bool CCommand::SocketType(const uchar &bytes[], string &type) const
  {
   bool found = false;
   int at = m_data_from;
   while(at < m_data_end)
     {
      const int name_from = at + 1;
      const int name_count = (int)bytes[at];
      at = name_from + name_count;
      if(at + 4 > m_data_end)
         return false;
      uint count = 0;
      for(int i = 0; i < 4; i++)
         count = (count << 8) | bytes[at + i];
      at += 4;
      if(count > (uint)(m_data_end - at))
         return false;
      string name = name_count == 0 ? "" : CharArrayToString(bytes, name_from, name_count, CP_UTF8);
      StringToLower(name);
      if(name == "socket-type")
        {
         found = true;
         type = count == 0 ? "" : CharArrayToString(bytes, at, (int)count, CP_UTF8);
        }
      at += (int)count;
     }
   return found;
  }

// What ERROR says, a sentence or so.
string CCommand::Reason(const uchar &bytes[]) const
  {
   const int room = m_data_end - m_data_from - 1;
   const int count = room < 1 ? 0 : MathMin((int)bytes[m_data_from], room);
   return count == 0 ? "no reason" : CharArrayToString(bytes, m_data_from + 1, count, CP_UTF8);
  }

// Our own READY as a frame, that of a REQ socket. How many bytes it has.
int CCommand::WriteReady(uchar &bytes[]) const
  {
   ArrayResize(bytes, 27);
   bytes[0] = EABRIDGE_FRAME_COMMAND;
   bytes[1] = 25;
   int at = Put(bytes, 2, "READY");
   at = Put(bytes, at, "Socket-Type");
   for(int i = 0; i < 3; i++)
      bytes[at + i] = 0;
   return Put(bytes, at + 3, "REQ");
  }

// The answer to the PING that was read: a PONG with the same context. How many bytes it has.
int CCommand::WritePong(const uchar &ping[], uchar &bytes[]) const
  {
   const int from = m_data_from + EABRIDGE_PING_TTL_BYTES;
   const int count = MathMin(MathMax(m_data_end - from, 0), EABRIDGE_PING_MOST_CONTEXT);
   ArrayResize(bytes, 7 + count);
   bytes[0] = EABRIDGE_FRAME_COMMAND;
   bytes[1] = (uchar)(5 + count);
   const int at = Put(bytes, 2, "PONG");
   if(count > 0)
      ArrayCopy(bytes, ping, at, from, count);
   return at + count;
  }

// A text behind its length in one byte. Where the next thing goes.
int CCommand::Put(uchar &bytes[], const int at, const string text) const
  {
   const int count = StringLen(text);
   bytes[at] = (uchar)count;
   for(int i = 0; i < count; i++)
      bytes[at + 1 + i] = (uchar)text[i];
   return at + 1 + count;
  }

#endif
