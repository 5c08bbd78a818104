//+------------------------------------------------------------------+
//| EABridge/Wire/Unpacker.mqh                                       |
//| msgpack to values.                                               |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_WIRE_UNPACKER_MQH
#define EABRIDGE_WIRE_UNPACKER_MQH

#include "Cursor.mqh"

// Reads one value after the other, each as the type that is asked for. A value of another type,
// or an integer out of range, breaks the cursor like malformed bytes: no read succeeds after it.
class CUnpacker : public CWireCursor
  {
private:
   int               m_key_from;
   int               m_key_count;
   DoubleBlock       m_block;

   bool              HeadOf(const ENUM_WIRE_TYPE type);
   bool              Numbers(double &values[]);

public:
                     CUnpacker();
   bool              Nil();
   bool              Bool(bool &value);
   bool              Integer(ulong &bits, bool &negative);
   bool              Int(long &value);
   bool              UInt(ulong &value);
   bool              Number(double &value);
   bool              String(string &text);
   bool              Bin(uchar &data[]);
   bool              Ext(int &type, uchar &data[]);
   bool              Doubles(double &values[]);
   bool              ArrayOf(int &count);
   bool              MapOf(int &count);
   bool              Key();
   bool              KeyIs(const string name) const;
  };

CUnpacker::CUnpacker()
   : m_key_from(0),
     m_key_count(0)
  {
   ArrayInitialize(m_block.bytes, 0);
  }

bool CUnpacker::Nil()
  {
   return HeadOf(WIRE_NIL);
  }

bool CUnpacker::Bool(bool &value)
  {
   if(!HeadOf(WIRE_BOOL))
      return false;
   value = m_bits == 1;
   return true;
  }

// An integer of any width: its bits, and whether they are those of a long below zero.
bool CUnpacker::Integer(ulong &bits, bool &negative)
  {
   if(!HeadOf(WIRE_INT))
      return false;
   bits = m_bits;
   negative = m_negative;
   return true;
  }

bool CUnpacker::Int(long &value)
  {
   if(!HeadOf(WIRE_INT) || (!m_negative && m_bits > (ulong)LONG_MAX))
      return Break();
   value = (long)m_bits;
   return true;
  }

bool CUnpacker::UInt(ulong &value)
  {
   if(!HeadOf(WIRE_INT) || m_negative)
      return Break();
   value = m_bits;
   return true;
  }

// A float, or an integer in a float's place.
bool CUnpacker::Number(double &value)
  {
   if(Peek() == WIRE_FLOAT)
     {
      if(!Head())
         return false;
      value = m_real;
      return true;
     }
   if(!HeadOf(WIRE_INT))
      return false;
   value = m_negative ? (double)(long)m_bits : (double)m_bits;
   return true;
  }

bool CUnpacker::String(string &text)
  {
   if(!HeadOf(WIRE_STRING) || !Utf8IsValid(m_bytes, m_at, m_length))
      return Break();
   text = m_length == 0 ? "" : CharArrayToString(m_bytes, m_at, m_length, CP_UTF8);
   m_at += m_length;
   return true;
  }

bool CUnpacker::Bin(uchar &data[])
  {
   if(!HeadOf(WIRE_BIN))
      return false;
   ArrayResize(data, m_length);
   if(m_length > 0)
      ArrayCopy(data, m_bytes, 0, m_at, m_length);
   m_at += m_length;
   return true;
  }

bool CUnpacker::Ext(int &type, uchar &data[])
  {
   if(!HeadOf(WIRE_EXT))
      return false;
   type = m_ext_type;
   ArrayResize(data, m_length);
   if(m_length > 0)
      ArrayCopy(data, m_bytes, 0, m_at, m_length);
   m_at += m_length;
   return true;
  }

// Numbers in either of the wire's forms: bin of little-endian float64, or an array.
bool CUnpacker::Doubles(double &values[])
  {
   if(Peek() == WIRE_ARRAY)
      return Numbers(values);
   if(!HeadOf(WIRE_BIN) || m_length % 8 != 0)
      return Break();
   const int count = m_length / 8;
   ArrayResize(values, count);
   for(int done = 0; done < count; done += EABRIDGE_BLOCK_DOUBLES)
     {
      const int taken = MathMin(count - done, EABRIDGE_BLOCK_DOUBLES);
      ArrayCopy(m_block.bytes, m_bytes, 0, m_at, taken * 8);
      ArrayCopy(values, m_block.values, done, 0, taken);
      m_at += taken * 8;
     }
   return true;
  }

// Begins an array: its `count` values follow.
bool CUnpacker::ArrayOf(int &count)
  {
   if(!HeadOf(WIRE_ARRAY))
      return false;
   count = m_length;
   return true;
  }

// Begins a map: `count` times a key and its value follow.
bool CUnpacker::MapOf(int &count)
  {
   if(!HeadOf(WIRE_MAP))
      return false;
   count = m_length;
   return true;
  }

// Passes a key, which KeyIs then compares where it stands. A key of bin is one that nobody knows.
bool CUnpacker::Key()
  {
   if(Peek() == WIRE_BIN)
     {
      m_key_count = -1;
      return Skip();
     }
   if(!HeadOf(WIRE_STRING) || !Utf8IsValid(m_bytes, m_at, m_length))
      return Break();
   m_key_from = m_at;
   m_key_count = m_length;
   m_at += m_length;
   return true;
  }

// Whether the key that was passed last is `name`, which is ASCII as all of the wire's are.
bool CUnpacker::KeyIs(const string name) const
  {
   if(StringLen(name) != m_key_count)
      return false;
   for(int i = 0; i < m_key_count; i++)
      if(m_bytes[m_key_from + i] != name[i])
         return false;
   return true;
  }

bool CUnpacker::HeadOf(const ENUM_WIRE_TYPE type)
  {
   return (Head() && m_type == type) || Break();
  }

bool CUnpacker::Numbers(double &values[])
  {
   int count = 0;
   if(!ArrayOf(count))
      return false;
   ArrayResize(values, count);
   double value = 0.0;
   for(int i = 0; i < count && Number(value); i++)
      values[i] = value;
   return !m_broken;
  }

#endif
