//+------------------------------------------------------------------+
//|                                                       Expect.mqh |
//| What test programs check with. Each check that fails is a line   |
//| of the journal that starts with "FAILED"; ExpectEnd counts.      |
//+------------------------------------------------------------------+
#ifndef EXPECT_MQH
#define EXPECT_MQH

int g_expectations = 0;
int g_failures = 0;

void ExpectFailed(const string what, const string got, const string wanted)
  {
   g_failures++;
   Print("FAILED ", what, ": got ", got, ", wanted ", wanted);
  }

void ExpectTrue(const string what, const bool holds)
  {
   g_expectations++;
   if(!holds)
      ExpectFailed(what, "false", "true");
  }

void ExpectLong(const string what, const long got, const long wanted)
  {
   g_expectations++;
   if(got != wanted)
      ExpectFailed(what, IntegerToString(got), IntegerToString(wanted));
  }

void ExpectDouble(const string what, const double got, const double wanted)
  {
   g_expectations++;
   if(got != wanted)
      ExpectFailed(what, DoubleToString(got, 16), DoubleToString(wanted, 16));
  }

void ExpectText(const string what, const string got, const string wanted)
  {
   g_expectations++;
   if(got != wanted)
      ExpectFailed(what, "\"" + got + "\"", "\"" + wanted + "\"");
  }

// The last error, which is forgotten then.
void ExpectError(const string what, const int wanted)
  {
   ExpectLong(what + ": the last error", _LastError, wanted);
   ResetLastError();
  }

// The last line of every test program: without it, a program that ended early would pass.
void ExpectEnd()
  {
   Print("expected ", g_expectations, ", failed ", g_failures);
  }

#endif
