//+------------------------------------------------------------------+
//|                                                      Formats.mq5 |
//| What StringFormat, Print and their kin write.                    |
//+------------------------------------------------------------------+
#include <Expect.mqh>

void OnStart()
  {
   ExpectText("no arguments", StringFormat("100%% sure"), "100% sure");
   ExpectText("integers", StringFormat("%d %u %x %X %o", -5, 5, 255, 255, 8), "-5 5 ff FF 10");
   ExpectText("widths", StringFormat("[%5d|%-5d|%05d|%+d]", 42, 42, 42, 42), "[   42|42   |00042|+42]");
   ExpectText("64 bits", StringFormat("%I64d %I64u %lld", LONG_MIN, ULONG_MAX, LONG_MAX), "-9223372036854775808 18446744073709551615 9223372036854775807");
   ExpectText("doubles", StringFormat("%f %.2f %8.3f %e %g", 1.5, 1.005, 3.14159, 12345.678, 0.0001), "1.500000 1.00    3.142 1.234568e+04 0.0001");
   ExpectText("strings", StringFormat("[%s|%5s|%-5s|%.2s]", "ab", "ab", "ab", "abc"), "[ab|   ab|ab   |ab]");
   ExpectText("strings count UTF-16 units", StringFormat("[%4s]", "ü€"), "[  ü€]");
   ExpectText("characters", StringFormat("%c%c", 'o', 'k'), "ok");
   ExpectText("a width as argument", StringFormat("[%*d]", 4, 7), "[   7]");
   ExpectText("small types", StringFormat("%d %d %d", (uchar)200, (short)-3, true), "200 -3 1");

   Print("one line of ", 3, " parts ", 0.1, " ", 1.0, " ", 1e-10, " ", true, " ", (uchar)65, " ", 'A');
   Print(1.0 / 3.0, " ", (float)1.1, " ", 123456789.125, " ", 1e300, " ", ULONG_MAX);
   Print("two\nlines");
   PrintFormat("%s at %.5f", "EURUSD", 1.08421);
   Print(D'2020.01.01 00:00:05');
   Alert("look ", 1);
   ExpectEnd();
  }
