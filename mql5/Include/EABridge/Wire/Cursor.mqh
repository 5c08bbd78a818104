//+------------------------------------------------------------------+
//| EABridge/Wire/Cursor.mqh                                         |
//| Where each value of a msgpack message begins and ends, however   |
//| hostile its bytes.                                               |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_WIRE_CURSOR_MQH
#define EABRIDGE_WIRE_CURSOR_MQH

#include "Bits.mqh"
#include "Utf8.mqh"

// The daemon's own limits.
#define EABRIDGE_MOST_DEPTH 1024     // arrays and maps within each other, the outermost among them
#define EABRIDGE_MOST_PARTS 65536    // arrays, maps and map entries of one message, together

#define EABRIDGE_TIMESTAMP -1        // the one type of extension that msgpack itself defines

enum ENUM_WIRE_TYPE
  {
   WIRE_NOTHING,    // the end, or the one byte that begins no value
   WIRE_NIL,
   WIRE_BOOL,
   WIRE_INT,
   WIRE_FLOAT,
   WIRE_STRING,
   WIRE_BIN,
   WIRE_EXT,
   WIRE_ARRAY,
   WIRE_MAP
  };

// Every length is held against the bytes that are there before it is believed, and nothing
// recurses. What is malformed breaks the cursor: from then on every read fails, so that a caller
// may read on and ask once, at the end.
class CWireCursor
  {
private:
   int               m_parts;
   int               m_owed[EABRIDGE_MOST_DEPTH];     // values that an open array or map still has
   bool              m_is_map[EABRIDGE_MOST_DEPTH];

   ENUM_WIRE_TYPE    TypeOf(const uchar code) const;
   ulong             BigEndian(const int width);
   void              IntHead(const uchar code);
   void              FloatHead(const uchar code);
   ulong             Length(const uchar code);
   bool              Announced(const ulong length, const ulong bytes_each);
   bool              TimestampIsValid() const;
   bool              SkipContent();

protected:
   uchar             m_bytes[];
   int               m_count;
   int               m_at;
   bool              m_broken;
   //--- the value whose head was read last
   ENUM_WIRE_TYPE    m_type;
   ulong             m_bits;        // an integer or bool
   bool              m_negative;    // whether m_bits are those of a long below zero
   double            m_real;
   int               m_length;      // bytes of a string, bin or ext; entries of an array or map
   int               m_ext_type;

   bool              Break();
   bool              Head();

public:
                     CWireCursor();
   void              Load(const uchar &data[], const int from, const int count);
   void              Rewind();
   ENUM_WIRE_TYPE    Peek() const;
   bool              Skip();
   bool              IsOneMap();
   bool              IsBroken() const { return m_broken; }
  };

CWireCursor::CWireCursor()
   : m_parts(0),
     m_count(0),
     m_at(0),
     m_broken(false),
     m_type(WIRE_NOTHING),
     m_bits(0),
     m_negative(false),
     m_real(0.0),
     m_length(0),
     m_ext_type(0)
  {
   ArrayInitialize(m_owed, 0);
   ArrayInitialize(m_is_map, false);
  }

// Takes a copy of data[from] to data[from + count - 1] and stands before its first value.
void CWireCursor::Load(const uchar &data[], const int from, const int count)
  {
   if(ArraySize(m_bytes) < count)
      ArrayResize(m_bytes, count);
   if(count > 0)
      ArrayCopy(m_bytes, data, 0, from, count);
   m_count = count;
   Rewind();
  }

void CWireCursor::Rewind()
  {
   m_at = 0;
   m_parts = 0;
   m_broken = false;
  }

// The type of the next value, which stays where it is.
ENUM_WIRE_TYPE CWireCursor::Peek() const
  {
   return (m_broken || m_at >= m_count) ? WIRE_NOTHING : TypeOf(m_bytes[m_at]);
  }

// Passes one value with all that is in it, and checks all of it: a map's keys are strings or bin.
bool CWireCursor::Skip()
  {
   int depth = 0;
   bool key = false;
   do
     {
      if(!Head())
         return false;
      if(key && m_type != WIRE_STRING && m_type != WIRE_BIN)
         return Break();
      if(m_type == WIRE_ARRAY || m_type == WIRE_MAP)
        {
         if(depth == EABRIDGE_MOST_DEPTH)
            return Break();
         m_is_map[depth] = m_type == WIRE_MAP;
         m_owed[depth] = 1 + (m_type == WIRE_MAP ? 2 * m_length : m_length);
         depth++;
        }
      else if(!SkipContent())
         return false;
      // What is passed is one value less for what it stands in; for an array or map just opened,
      // its own head was the one.
      while(depth > 0 && --m_owed[depth - 1] == 0)
         depth--;
      key = depth > 0 && m_is_map[depth - 1] && m_owed[depth - 1] % 2 == 0;
     }
   while(depth > 0);
   return true;
  }

// Whether the message is exactly one map and sound throughout. Stands before it again.
bool CWireCursor::IsOneMap()
  {
   Rewind();
   const bool one_map = Peek() == WIRE_MAP && Skip() && m_at == m_count;
   Rewind();
   m_broken = !one_map;
   return one_map;
  }

bool CWireCursor::Break()
  {
   m_broken = true;
   return false;
  }

// Reads what stands before a value's content: its type, and its number or its length.
bool CWireCursor::Head()
  {
   if(m_broken || m_at >= m_count)
      return Break();
   const uchar code = m_bytes[m_at];
   m_at++;
   m_type = TypeOf(code);
   switch(m_type)
     {
      case WIRE_NIL:
         return true;
      case WIRE_BOOL:
         m_bits = (ulong)(code & 1);
         m_negative = false;
         return true;
      case WIRE_INT:
         IntHead(code);
         return !m_broken;
      case WIRE_FLOAT:
         FloatHead(code);
         return !m_broken;
      case WIRE_STRING:
      case WIRE_BIN:
         return Announced(Length(code), 1);
      case WIRE_EXT:
        {
         const ulong length = Length(code);
         m_ext_type = (int)(char)BigEndian(1);
         return Announced(length, 1);
        }
      case WIRE_ARRAY:
         m_parts++;
         return Announced(Length(code), 1);
      case WIRE_MAP:
        {
         const ulong length = Length(code);
         m_parts += 1 + (int)MathMin(length, (ulong)EABRIDGE_MOST_PARTS);
         return Announced(length, 2);
        }
      case WIRE_NOTHING:
      default:
         return Break();
     }
  }

ENUM_WIRE_TYPE CWireCursor::TypeOf(const uchar code) const
  {
   if(code < 0x80 || code >= 0xE0)
      return WIRE_INT;
   if(code < 0x90)
      return WIRE_MAP;
   if(code < 0xA0)
      return WIRE_ARRAY;
   if(code < 0xC0)
      return WIRE_STRING;
   switch(code)
     {
      case 0xC0:
         return WIRE_NIL;
      case 0xC1:
         return WIRE_NOTHING;
      case 0xC2:
      case 0xC3:
         return WIRE_BOOL;
      case 0xC4:
      case 0xC5:
      case 0xC6:
         return WIRE_BIN;
      case 0xCA:
      case 0xCB:
         return WIRE_FLOAT;
      case 0xD9:
      case 0xDA:
      case 0xDB:
         return WIRE_STRING;
      case 0xDC:
      case 0xDD:
         return WIRE_ARRAY;
      case 0xDE:
      case 0xDF:
         return WIRE_MAP;
      default:
         return code >= 0xCC && code <= 0xD3 ? WIRE_INT : WIRE_EXT;
     }
  }

// The next `width` bytes, the highest first.
ulong CWireCursor::BigEndian(const int width)
  {
   if(m_broken || width > m_count - m_at)
     {
      Break();
      return 0;
     }
   ulong value = 0;
   for(int i = 0; i < width; i++)
     {
      value = (value << 8) | m_bytes[m_at];
      m_at++;
     }
   return value;
  }

void CWireCursor::IntHead(const uchar code)
  {
   m_negative = false;
   if(code < 0x80)
      m_bits = code;
   if(code >= 0xCC && code <= 0xCF)
      m_bits = BigEndian(1 << (code - 0xCC));
   if(code >= 0xD0)
     {
      const int width = code >= 0xE0 ? 1 : 1 << (code - 0xD0);
      m_bits = code >= 0xE0 ? code : BigEndian(width);
      m_negative = ((m_bits >> (8 * width - 1)) & 1) == 1;
      if(m_negative && width < 8)
         m_bits |= ULONG_MAX << (8 * width);
     }
  }

void CWireCursor::FloatHead(const uchar code)
  {
   if(code == 0xCA)
     {
      FloatBits single;
      single.bits = (uint)BigEndian(4);
      m_real = (double)single.value;
      return;
     }
   DoubleBits number;
   number.bits = BigEndian(8);
   m_real = number.value;
  }

// The length that a string, bin, ext, array or map announces.
ulong CWireCursor::Length(const uchar code)
  {
   if(code < 0xA0)
      return (ulong)(code & 0x0F);
   if(code < 0xC0)
      return (ulong)(code & 0x1F);
   if(code >= 0xD4 && code <= 0xD8)
      return (ulong)1 << (code - 0xD4);
   switch(code)
     {
      case 0xC4:
      case 0xC7:
      case 0xD9:
         return BigEndian(1);
      case 0xC5:
      case 0xC8:
      case 0xDA:
      case 0xDC:
      case 0xDE:
         return BigEndian(2);
      default:
         return BigEndian(4);
     }
  }

// Believes a length if there are the bytes for it, and not too much in the message so far.
bool CWireCursor::Announced(const ulong length, const ulong bytes_each)
  {
   if(m_broken || length * bytes_each > (ulong)(m_count - m_at) || m_parts > EABRIDGE_MOST_PARTS)
      return Break();
   m_length = (int)length;
   return true;
  }

bool CWireCursor::SkipContent()
  {
   if(m_type == WIRE_STRING && !Utf8IsValid(m_bytes, m_at, m_length))
      return Break();
   if(m_type == WIRE_EXT && m_ext_type == EABRIDGE_TIMESTAMP && !TimestampIsValid())
      return Break();
   if(m_type == WIRE_STRING || m_type == WIRE_BIN || m_type == WIRE_EXT)
      m_at += m_length;
   return true;
  }

// A timestamp is seconds in 4 bytes, or with nanoseconds before them in 8 or 12.
bool CWireCursor::TimestampIsValid() const
  {
   if(m_length == 4)
      return true;
   if(m_length != 8 && m_length != 12)
      return false;
   ulong nanoseconds = 0;
   for(int i = 0; i < 4; i++)
      nanoseconds = (nanoseconds << 8) | m_bytes[m_at + i];
   if(m_length == 8)
      nanoseconds >>= 2;
   return nanoseconds < 1000000000;
  }

#endif
