//+------------------------------------------------------------------+
//|                                                  Conversions.mq5 |
//| Numbers, times, characters and bytes to strings, and back.       |
//+------------------------------------------------------------------+
#include <Expect.mqh>

void TestNumbers()
  {
   ExpectText("eight digits", DoubleToString(1.1), "1.10000000");
   ExpectText("five digits", DoubleToString(1.123456789, 5), "1.12346");
   ExpectText("no digits", DoubleToString(2.6, 0), "3");
   ExpectText("scientific", DoubleToString(1234.5, -3), "1.234e+03");
   ExpectText("a whole number", IntegerToString(-42), "-42");
   ExpectText("filled up", IntegerToString(42, 5, '0'), "00042");
   ExpectText("the smallest long", IntegerToString(LONG_MIN), "-9223372036854775808");
   ExpectLong("read", StringToInteger("12345678901"), 12345678901);
   ExpectLong("read to the first letter", StringToInteger(" -7 bars"), -7);
   ExpectLong("nothing to read", StringToInteger("bars"), 0);
   ExpectDouble("read a double", StringToDouble("1.0842"), 1.0842);
   ExpectDouble("read an exponent", StringToDouble("-2.5e-3"), -0.0025);
   ExpectText("cast from an integer", (string)7, "7");
   ExpectText("cast from a double", (string)0.1, "0.1");
   ExpectText("cast from a bool", (string)true, "true");
   double third = 1.0 / 3.0;
   ExpectDouble("sixteen digits are enough to print", NormalizeDouble(StringToDouble((string)third), 8), NormalizeDouble(third, 8));
  }

void TestCharacters()
  {
   ExpectText("a character", CharToString('A'), "A");
   ExpectText("a UTF-16 unit", ShortToString(0x20AC), "€");
   ExpectText("a colour", ColorToString(clrOrange), "255,165,0");
   uchar bytes[];
   ExpectLong("with the terminating zero", StringToCharArray("abc", bytes), 4);
   ExpectLong("the terminating zero", bytes[3], 0);
   ExpectLong("counted, without", StringToCharArray("abc", bytes, 0, 3), 3);
   ExpectLong("UTF-8", StringToCharArray("ü€", bytes, 0, WHOLE_ARRAY, CP_UTF8), 6);
   ExpectLong("UTF-8: first", bytes[0], 0xC3);
   ExpectText("and back", CharArrayToString(bytes, 0, WHOLE_ARRAY, CP_UTF8), "ü€");
   ExpectText("a part", CharArrayToString(bytes, 0, 2, CP_UTF8), "ü");
   ExpectText("outside", CharArrayToString(bytes, 99, 2, CP_UTF8), "");
   ExpectLong("at a position", StringToCharArray("xy", bytes, 10, 2), 2);
   ExpectLong("the array grew", ArraySize(bytes), 12);
   ExpectLong("what is not of the code page", StringToCharArray("ж", bytes, 0, 1), 1);
   ExpectLong("becomes a question mark", bytes[0], '?');
   uchar broken[] = {'a', 0xC3, 'b', 0xFF, 0xED, 0xA0, 0x80, 0xF0, 0x9D};
   string mended = CharArrayToString(broken, 0, WHOLE_ARRAY, CP_UTF8);
   ExpectLong("broken UTF-8", StringGetCharacter(mended, 1), 0xFFFD);
   ExpectLong("broken UTF-8: what follows stays", StringGetCharacter(mended, 2), 'b');
   ExpectLong("broken UTF-8: all of it", StringLen(mended), 8);
   uchar ended[] = {'a', 0, 'b'};
   ExpectText("a zero ends a string", CharArrayToString(ended), "a");
   ushort units[];
   ExpectLong("UTF-16 units", StringToShortArray("a€", units), 3);
   ExpectText("UTF-16 units and back", ShortArrayToString(units), "a€");
  }

void TestTimes()
  {
   datetime time = D'2020.02.29 13:05:09';
   ExpectLong("a literal", time, 1582981509);
   ExpectText("date and minutes", TimeToString(time), "2020.02.29 13:05");
   ExpectText("date", TimeToString(time, TIME_DATE), "2020.02.29");
   ExpectText("minutes", TimeToString(time, TIME_MINUTES), "13:05");
   ExpectText("all", TimeToString(time, TIME_DATE | TIME_SECONDS), "2020.02.29 13:05:09");
   ExpectText("cast", (string)time, "2020.02.29 13:05:09");
   ExpectLong("read all", StringToTime("2020.02.29 13:05:09"), time);
   ExpectLong("read minutes", StringToTime("2020.02.29 13:05"), time - 9);
   ExpectLong("read a date", StringToTime("2020.02.29"), D'2020.02.29');
   ExpectLong("no date", StringToTime("tomorrow"), 0);
   ExpectError("no date", ERR_WRONG_STRING_DATE);
   MqlDateTime parts;
   ExpectTrue("taken apart", TimeToStruct(time, parts));
   ExpectLong("year", parts.year, 2020);
   ExpectLong("month", parts.mon, 2);
   ExpectLong("second", parts.sec, 9);
   ExpectLong("Saturday", parts.day_of_week, 6);
   ExpectLong("day of the year from 0", parts.day_of_year, 59);
   ExpectLong("put together", StructToTime(parts), time);
   parts.day = 30;
   ExpectLong("a day that is not", StructToTime(parts), 0);
   ExpectError("a day that is not", ERR_INVALID_DATETIME);
  }

void OnStart()
  {
   TestNumbers();
   TestCharacters();
   TestTimes();
   ExpectEnd();
  }
