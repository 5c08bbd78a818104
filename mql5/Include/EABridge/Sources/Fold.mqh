//+------------------------------------------------------------------+
//| EABridge/Sources/Fold.mqh                                        |
//| The checksum of books: Horner's rule over 64-bit words, each     |
//| mixed first, modulo 2^64. bridge/book/checksums.py has the same. |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_SOURCES_FOLD_MQH
#define EABRIDGE_SOURCES_FOLD_MQH

#define EABRIDGE_FOLD_BASE ((ulong)0xD1342543DE82EF95)

ulong FoldMix(const ulong word)
  {
   const ulong spread = (word ^ (word >> 32)) * (ulong)0x9E3779B97F4A7C15;
   return spread ^ (spread >> 29);
  }

// Goes on from a checksum (0 at the start) over words[at] to words[at + count - 1].
ulong Fold(const ulong begun, const ulong &words[], const int at, const int count)
  {
   ulong sum = begun;
   for(int i = at; i < at + count; i++)
      sum = sum * EABRIDGE_FOLD_BASE + FoldMix(words[i]);
   return sum;
  }

#endif
