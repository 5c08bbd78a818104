//+------------------------------------------------------------------+
//| EABridge/Sources/Fold.mqh                                        |
//| The checksum of books: Horner's rule over 64-bit words, each     |
//| mixed first, modulo 2^64. bridge/book/checksums.py has the same. |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_SOURCES_FOLD_MQH
#define EABRIDGE_SOURCES_FOLD_MQH

#define EABRIDGE_FOLD_BASE ((ulong)0xD1342543DE82EF95)
// Its square, cube and fourth power.
#define EABRIDGE_FOLD_BASE2 ((ulong)0xB1B9D47C9F8B8CB9)
#define EABRIDGE_FOLD_BASE3 ((ulong)0x739D9FCD088B9EAD)
#define EABRIDGE_FOLD_BASE4 ((ulong)0x49136017EC40DDB1)

ulong FoldMix(const ulong word)
  {
   const ulong spread = (word ^ (word >> 32)) * (ulong)0x9E3779B97F4A7C15;
   return spread ^ (spread >> 29);
  }

// Goes on from a checksum, 0 at the start, with one word.
ulong FoldOne(const ulong sum, const ulong word)
  {
   return sum * EABRIDGE_FOLD_BASE + FoldMix(word);
  }

// Goes on with four words at once: a book is asked at every bar of a test, and here no product
// waits for the one before.
ulong FoldFour(const ulong sum, const ulong first, const ulong second, const ulong third,
               const ulong fourth)
  {
   return sum * EABRIDGE_FOLD_BASE4 + (FoldMix(first) * EABRIDGE_FOLD_BASE3 +
          FoldMix(second) * EABRIDGE_FOLD_BASE2 + FoldMix(third) * EABRIDGE_FOLD_BASE +
          FoldMix(fourth));
  }

// Goes on with words[at] to words[at + count - 1].
ulong Fold(const ulong begun, const ulong &words[], const int at, const int count)
  {
   const int end = at + count;
   ulong sum = begun;
   int i = at;
   for(; i + 3 < end; i += 4)
      sum = FoldFour(sum, words[i], words[i + 1], words[i + 2], words[i + 3]);
   for(; i < end; i++)
      sum = FoldOne(sum, words[i]);
   return sum;
  }

#endif
