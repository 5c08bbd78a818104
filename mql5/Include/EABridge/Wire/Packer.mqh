//+------------------------------------------------------------------+
//| EABridge/Wire/Packer.mqh                                         |
//| Values to msgpack, each in its shortest form.                    |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_WIRE_PACKER_MQH
#define EABRIDGE_WIRE_PACKER_MQH

#include "Bits.mqh"

// Writes one value after the other into a buffer that is kept between messages: a program that
// asks every bar allocates once. A map is MapOf, then each key and its value.
class CPacker
  {
private:
   int               m_count;
   DoubleBlock       m_block;
   uchar             m_text[];

   void              Reserve(const int more);
   void              Byte(const uchar value);
   void              Head(const uchar code, const ulong value, const int width);
   void              ShortestHead(const uchar code, const ulong value);

public:
   // The message: its first Count() bytes. The rest is room to grow.
   uchar             bytes[];

                     CPacker();
   void              Clear()       { m_count = 0; }
   int               Count() const { return m_count; }

   void              Nil();
   void              Bool(const bool value);
   void              Int(const long value);
   void              UInt(const ulong value);
   void              Float(const double value);
   void              String(const string text);
   void              Bin(const uchar &data[], const int from, const int count);
   void              Doubles(const double &values[], const int from, const int count);
   void              ArrayOf(const uint count);
   void              MapOf(const uint count);
  };

CPacker::CPacker()
   : m_count(0)
  {
   ArrayInitialize(m_block.bytes, 0);
  }

void CPacker::Nil()
  {
   Byte(0xC0);
  }

void CPacker::Bool(const bool value)
  {
   Byte(value ? (uchar)0xC3 : (uchar)0xC2);
  }

void CPacker::Int(const long value)
  {
   if(value >= 0)
      UInt((ulong)value);
   else if(value >= -32)
      Byte((uchar)(value & 0xFF));
   else if(value >= -128)
      Head(0xD0, (ulong)value, 1);
   else if(value >= -32768)
      Head(0xD1, (ulong)value, 2);
   else if(value >= (long)INT_MIN)
      Head(0xD2, (ulong)value, 4);
   else
      Head(0xD3, (ulong)value, 8);
  }

void CPacker::UInt(const ulong value)
  {
   if(value < 0x80)
      Byte((uchar)value);
   else
      ShortestHead(0xCC, value);
  }

void CPacker::Float(const double value)
  {
   DoubleBits number;
   number.value = value;
   Head(0xCB, number.bits, 8);
  }

// Text as UTF-8. Keys, symbols and names are nearly always ASCII, which needs no conversion. For
// the rest, the terminal's conversion appends a zero that is not part of the text.
void CPacker::String(const string text)
  {
   const int length = StringLen(text);
   bool ascii = true;
   for(int i = 0; i < length && ascii; i++)
      ascii = text[i] < 0x80;
   const int count = ascii ? length
                           : StringToCharArray(text, m_text, 0, WHOLE_ARRAY, CP_UTF8) - 1;
   if(count < 32)
      Byte((uchar)(0xA0 | count));
   else
      ShortestHead(0xD9, (ulong)count);
   Reserve(count);
   if(ascii)
      for(int i = 0; i < count; i++)
         bytes[m_count + i] = (uchar)text[i];
   else
      ArrayCopy(bytes, m_text, m_count, 0, count);
   m_count += count;
  }

// The bytes data[from] to data[from + count - 1].
void CPacker::Bin(const uchar &data[], const int from, const int count)
  {
   ShortestHead(0xC4, (ulong)count);
   if(count == 0)
      return;
   Reserve(count);
   ArrayCopy(bytes, data, m_count, from, count);
   m_count += count;
  }

// The numbers values[from] to values[from + count - 1], as bin of little-endian float64.
void CPacker::Doubles(const double &values[], const int from, const int count)
  {
   ShortestHead(0xC4, (ulong)count * 8);
   Reserve(count * 8);
   for(int done = 0; done < count; done += EABRIDGE_BLOCK_DOUBLES)
     {
      const int taken = MathMin(count - done, EABRIDGE_BLOCK_DOUBLES);
      ArrayCopy(m_block.values, values, 0, from + done, taken);
      ArrayCopy(bytes, m_block.bytes, m_count, 0, taken * 8);
      m_count += taken * 8;
     }
  }

// Begins an array: its `count` values follow.
void CPacker::ArrayOf(const uint count)
  {
   if(count < 16)
      Byte((uchar)(0x90 | count));
   else if(count <= 0xFFFF)
      Head(0xDC, count, 2);
   else
      Head(0xDD, count, 4);
  }

// Begins a map: `count` times a key and its value follow.
void CPacker::MapOf(const uint count)
  {
   if(count < 16)
      Byte((uchar)(0x80 | count));
   else if(count <= 0xFFFF)
      Head(0xDE, count, 2);
   else
      Head(0xDF, count, 4);
  }

// Room for `more` bytes. It doubles, so that a long message is not copied again and again.
void CPacker::Reserve(const int more)
  {
   const int needed = m_count + more;
   const int size = ArraySize(bytes);
   if(needed > size)
      ArrayResize(bytes, MathMax(needed, MathMax(size * 2, 1024)));
  }

void CPacker::Byte(const uchar value)
  {
   Reserve(1);
   bytes[m_count] = value;
   m_count++;
  }

// A code, and behind it the lowest `width` bytes of a value, the highest first.
void CPacker::Head(const uchar code, const ulong value, const int width)
  {
   Reserve(1 + width);
   bytes[m_count] = code;
   m_count++;
   for(int shift = (width - 1) * 8; shift >= 0; shift -= 8)
     {
      bytes[m_count] = (uchar)((value >> shift) & 0xFF);
      m_count++;
     }
  }

// A value in as few bytes as hold it. msgpack's codes for 1, 2, 4 and 8 bytes follow each other.
void CPacker::ShortestHead(const uchar code, const ulong value)
  {
   if(value <= 0xFF)
      Head(code, value, 1);
   else if(value <= 0xFFFF)
      Head((uchar)(code + 1), value, 2);
   else if(value <= UINT_MAX)
      Head((uchar)(code + 2), value, 4);
   else
      Head((uchar)(code + 3), value, 8);
  }

#endif
