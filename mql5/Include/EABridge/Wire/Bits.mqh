//+------------------------------------------------------------------+
//| EABridge/Wire/Bits.mqh                                           |
//| Numbers and the bytes they are made of.                          |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_WIRE_BITS_MQH
#define EABRIDGE_WIRE_BITS_MQH

// MQL5 has no casts of memory; a union is its way to a number's bits.
union DoubleBits
  {
   double            value;
   ulong             bits;
  };

union FloatBits
  {
   float             value;
   uint              bits;
  };

#define EABRIDGE_BLOCK_DOUBLES 64
#define EABRIDGE_BLOCK_BYTES 512

// Many doubles at once: ArrayCopy moves a block's bytes in one call, which is many times faster
// than a loop over them. The wire's float64 are little-endian, as every machine that runs a
// terminal is.
union DoubleBlock
  {
   double            values[EABRIDGE_BLOCK_DOUBLES];
   uchar             bytes[EABRIDGE_BLOCK_BYTES];
  };

#endif
