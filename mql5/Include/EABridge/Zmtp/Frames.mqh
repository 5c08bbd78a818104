//+------------------------------------------------------------------+
//| EABridge/Zmtp/Frames.mqh                                         |
//| ZeroMQ's frames out of bytes that come in pieces of any size.    |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_ZMTP_FRAMES_MQH
#define EABRIDGE_ZMTP_FRAMES_MQH

#include "Commands.mqh"

#define EABRIDGE_MOST_FRAME_BYTES 16777216
#define EABRIDGE_MOST_COMMAND_BYTES 8192

// Room is made for what has come and at most this much of what is announced: a peer makes this
// program allocate no more than it sends.
#define EABRIDGE_FRAME_PIECE 65536

// A frame is a byte of flags, its length in one byte or eight, and its body. The reader is fed
// wherever Owed says that something is missing, and keeps what it has between calls, so that a
// wait may be given up and taken up again in the middle of a frame.
class CFrameReader
  {
private:
   int               m_from;        // where the next frame begins
   int               m_to;          // where the next bytes go
   int               m_flags;       // of the frame taken last
   int               m_body_from;
   int               m_body_count;

   int               HeadBytes() const;
   ulong             BodyBytes() const;

public:
   uchar             bytes[];

                     CFrameReader();
   void              Clear();
   bool              IsEmpty() const   { return m_to == m_from; }
   int               Owed() const;
   bool              IsBroken() const;
   void              MakeRoom(const int more);
   int               End() const       { return m_to; }
   int               Room() const      { return ArraySize(bytes) - m_to; }
   void              Added(const int count) { m_to += count; }

   void              Take();
   bool              IsCommand() const { return (m_flags & EABRIDGE_FRAME_COMMAND) != 0; }
   bool              HasMore() const   { return (m_flags & EABRIDGE_FRAME_MORE) != 0; }
   int               From() const      { return m_body_from; }
   int               Count() const     { return m_body_count; }
  };

CFrameReader::CFrameReader()
  {
   Clear();
  }

void CFrameReader::Clear()
  {
   m_from = 0;
   m_to = 0;
   m_flags = 0;
   m_body_from = 0;
   m_body_count = 0;
  }

// How many bytes are known to be missing until a frame is whole: 0 where one is.
int CFrameReader::Owed() const
  {
   const int here = m_to - m_from;
   if(here < HeadBytes())
      return HeadBytes() - here;
   return (int)MathMax((long)BodyBytes() - (here - HeadBytes()), (long)0);
  }

// Whether what begins here can be no frame, by its flags or by its length.
bool CFrameReader::IsBroken() const
  {
   if(IsEmpty())
      return false;
   const int flags = bytes[m_from];
   const bool command = (flags & EABRIDGE_FRAME_COMMAND) != 0;
   if(flags > 7 || (command && (flags & EABRIDGE_FRAME_MORE) != 0))
      return true;
   const ulong most = command ? EABRIDGE_MOST_COMMAND_BYTES : EABRIDGE_MOST_FRAME_BYTES;
   return m_to - m_from >= HeadBytes() && BodyBytes() > most;
  }

// Makes room behind End() for `more` bytes, or for a first piece of them.
void CFrameReader::MakeRoom(const int more)
  {
   if(IsEmpty())
     {
      m_from = 0;
      m_to = 0;
     }
   const int piece = MathMin(more, EABRIDGE_FRAME_PIECE);
   if(Room() >= piece)
      return;
   if(m_from > 0)
     {
      m_to -= m_from;
      for(int i = 0; i < m_to; i++)
         bytes[i] = bytes[m_from + i];
      m_from = 0;
     }
   if(Room() < piece)
      ArrayResize(bytes, MathMax(m_to + piece, 2 * ArraySize(bytes)));
  }

// Steps behind the frame that is whole. Its body stays where it is until room is made.
void CFrameReader::Take()
  {
   m_flags = bytes[m_from];
   m_body_from = m_from + HeadBytes();
   m_body_count = (int)BodyBytes();
   m_from = m_body_from + m_body_count;
  }

// Flags and length: as long as the flags say, once they are here.
int CFrameReader::HeadBytes() const
  {
   return (!IsEmpty() && (bytes[m_from] & EABRIDGE_FRAME_LONG) != 0) ? 9 : 2;
  }

// The body's length, once the head is whole.
ulong CFrameReader::BodyBytes() const
  {
   const int head = HeadBytes();
   ulong count = 0;
   for(int i = 1; i < head; i++)
      count = (count << 8) | bytes[m_from + i];
   return count;
  }

#endif
