//+------------------------------------------------------------------+
//|                                                      Numbers.mq5 |
//| Arithmetic, limits and Math* functions.                          |
//+------------------------------------------------------------------+
#include <Expect.mqh>

union DoubleBits
  {
   double            number;
   ulong             bits;
   uchar             bytes[8];
  };

void TestTypes()
  {
   ExpectLong("char", sizeof(char), 1);
   ExpectLong("short", sizeof(short), 2);
   ExpectLong("int", sizeof(int), 4);
   ExpectLong("long", sizeof(long), 8);
   ExpectLong("datetime", sizeof(datetime), 8);
   ExpectLong("the largest char", CHAR_MAX, 127);
   ExpectLong("the largest ushort", USHORT_MAX, 65535);
   ExpectLong("the largest uint", UINT_MAX, 4294967295);
   ExpectTrue("the largest long", LONG_MAX == 9223372036854775807);
   ExpectTrue("the largest ulong", ULONG_MAX == 0xFFFFFFFFFFFFFFFF);
   ExpectTrue("EMPTY_VALUE is the largest double", EMPTY_VALUE == DBL_MAX);
   uint wrapped = 0;
   wrapped--;
   ExpectLong("unsigned numbers wrap", wrapped, UINT_MAX);
   ExpectLong("a narrowing cast", (uchar)0x1FF, 255);
   ExpectLong("a cast from a negative double", (int)-2.9, -2);
   DoubleBits one;
   one.number = 1.0;
   ExpectTrue("a union's bits", one.bits == 0x3FF0000000000000);
   ExpectLong("little-endian", one.bytes[7], 0x3F);
  }

void TestArithmetic()
  {
   int seven = 7;
   int two = 2;
   ExpectLong("integers divide towards zero", seven / two, 3);
   ExpectLong("also below zero", -seven / two, -3);
   ExpectLong("the remainder has the dividend's sign", -seven % two, -1);
   seven /= two;
   ExpectLong("divided in place", seven, 3);
   ExpectLong("a shift", 1 << 10, 1024);
   ExpectTrue("and, or, xor, not", (6 & 3) == 2 && (6 | 3) == 7 && (6 ^ 3) == 5 && ~0 == -1);
  }

void TestMath()
  {
   ExpectLong("MathAbs of an int", MathAbs(-3), 3);
   ExpectDouble("MathAbs of a double", MathAbs(-2.5), 2.5);
   ExpectLong("MathMax of ints", MathMax(3, -4), 3);
   ExpectDouble("MathMin", MathMin(3.5, -4.5), -4.5);
   ExpectDouble("MathFloor", MathFloor(-1.5), -2.0);
   ExpectDouble("MathCeil", MathCeil(1.2), 2.0);
   ExpectDouble("MathRound, half away from zero", MathRound(-2.5), -3.0);
   ExpectDouble("MathPow", MathPow(2.0, 10.0), 1024.0);
   ExpectDouble("MathSqrt", MathSqrt(9.0), 3.0);
   ExpectDouble("MathMod", MathMod(7.5, 2.0), 1.5);
   ExpectDouble("MathLog", MathLog(M_E), 1.0);
   ExpectTrue("a number", MathIsValidNumber(1e308));
   ExpectTrue("no number", !MathIsValidNumber(MathSqrt(-1.0)));
   ExpectTrue("infinity", !MathIsValidNumber(MathLog(0.0)));
   ExpectDouble("NormalizeDouble", NormalizeDouble(1.123456, 5), 1.12346);
   ExpectTrue("MathSwap", MathSwap((uint)0x01020304) == 0x04030201);
   MathSrand(7);
   int first = MathRand();
   MathSrand(7);
   ExpectLong("the same seed, the same series", MathRand(), first);
   bool in_range = true;
   for(int i = 0; i < 1000; i++)
     {
      int random = MathRand();
      in_range = in_range && random >= 0 && random <= 32767;
     }
   ExpectTrue("MathRand's range", in_range);
  }

void OnStart()
  {
   TestTypes();
   TestArithmetic();
   TestMath();
   ExpectEnd();
  }
