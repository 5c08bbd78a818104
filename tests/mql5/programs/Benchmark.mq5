//+------------------------------------------------------------------+
//| Benchmark.mq5                                                    |
//| MQL5's turns of tests/mql5/bench.py: does one thing many times   |
//| and writes down how long each time took.                         |
//+------------------------------------------------------------------+
#include <EABridge/Forecaster.mqh>

enum ENUM_WORK
  {
   WORK_HEALTH,     // round trips of the daemon's health
   WORK_FORECAST,   // round trips of a forecast, from windows that are there already
   WORK_ASK,        // a forecaster's Ask: gathers the window, then the same
   WORK_WIRE,       // a request to bytes and a reply from bytes, without the way between
   WORK_BOOK        // a book's answers for one bar after the other
  };

input ENUM_WORK InpWork = WORK_HEALTH;
input string InpEndpoint = "127.0.0.1:5655";
input string InpBook = "forecast.book";
input int InpCount = 200;
input int InpUncounted = 100;  // the first ones find caches that other programs filled

#define BENCHMARK_TIME_LIMIT_US 10000000
#define BENCHMARK_WINDOWS 64

CWindow ExtWindows[BENCHMARK_WINDOWS];
long ExtMicroseconds[];

ulong Deadline()
  {
   return GetMicrosecondCount() + BENCHMARK_TIME_LIMIT_US;
  }

// The window that ends with the closed bar of a shift.
bool FillWindow(CWindow &window, const int shift, const CModelInfo &info)
  {
   MqlRates rates[];
   if(CopyRates(_Symbol, _Period, shift, info.context, rates) < info.context)
      return false;
   double values[];
   ArrayResize(values, info.context * info.columns);
   for(int i = 0; i < info.context; i++)
     {
      if(info.columns == 4)
        {
         values[i * 4] = rates[i].open;
         values[i * 4 + 1] = rates[i].high;
         values[i * 4 + 2] = rates[i].low;
        }
      values[(i + 1) * info.columns - 1] = rates[i].close;
     }
   window.Set(_Symbol, _Period, rates[info.context - 1].time, info.columns, values);
   return true;
  }

bool FillWindows(CSource &source)
  {
   CModelInfo info;
   if(!source.Describe(info, Deadline()))
      return false;
   for(int i = 0; i < BENCHMARK_WINDOWS; i++)
      if(!FillWindow(ExtWindows[i], 1 + i, info))
         return false;
   return true;
  }

// Keeps a time, unless it is one of the first.
void Keep(const int i, const ulong begun_us)
  {
   if(i >= InpUncounted)
      ExtMicroseconds[i - InpUncounted] = (long)(GetMicrosecondCount() - begun_us);
  }

bool MeasureHealth()
  {
   CDaemonSource daemon;
   CHealth health;
   bool done = daemon.Open(InpEndpoint, "");
   for(int i = 0; i < InpUncounted + InpCount && done; i++)
     {
      const ulong begun_us = GetMicrosecondCount();
      done = daemon.Health(health, Deadline());
      Keep(i, begun_us);
     }
   return done;
  }

bool MeasureForecast()
  {
   CDaemonSource daemon;
   CForecast forecast;
   bool done = daemon.Open(InpEndpoint, "") && FillWindows(daemon);
   for(int i = 0; i < InpUncounted + InpCount && done; i++)
     {
      const ulong begun_us = GetMicrosecondCount();
      done = daemon.Ask(ExtWindows[i % BENCHMARK_WINDOWS], forecast, Deadline());
      Keep(i, begun_us);
     }
   return done;
  }

bool MeasureAsk()
  {
   CForecaster forecaster;
   CForecast forecast;
   forecaster.TimeLimit(BENCHMARK_TIME_LIMIT_US / 1000);
   bool done = forecaster.UseDaemon(InpEndpoint);
   for(int i = 0; i < InpUncounted + InpCount && done; i++)
     {
      const ulong begun_us = GetMicrosecondCount();
      done = forecaster.Ask(forecast);
      Keep(i, begun_us);
     }
   return done;
  }

// Times of all rounds together: one is as short as the clock's step.
bool MeasureWire()
  {
   CDaemonSource daemon;
   CZmtpChannel channel(new CNativeSocket());
   CEndpoint endpoint;
   CPacker packer;
   CReply reply;
   CForecastReply answer;
   CForecast forecast;
   uchar body[];
   int count = 0;
   if(!daemon.Open(InpEndpoint, "") || !FillWindows(daemon) || !endpoint.Parse(InpEndpoint) ||
      !channel.Open(endpoint, Deadline()))
      return false;
   PackForecast(packer, 1, 1000, "", ExtWindows[0]);
   if(!channel.Request(packer.bytes, packer.Count(), Deadline()) ||
      !channel.Reply(body, count, Deadline()))
      return false;
   bool done = true;
   const ulong begun_us = GetMicrosecondCount();
   for(int i = 0; i < InpCount && done; i++)
     {
      PackForecast(packer, (ulong)i, 1000, "", ExtWindows[0]);
      done = reply.Read(body, count) && reply.ReadForecast(answer) &&
             forecast.Set(answer.model, ExtWindows[0], answer.horizon, answer.levels,
                          answer.quantiles, answer.up);
     }
   ExtMicroseconds[0] = (long)(GetMicrosecondCount() - begun_us);
   return done;
  }

// As a test asks: each bar's window, then the next bar's. Only the asking is counted.
bool MeasureBook()
  {
   CBookSource book;
   CModelInfo info;
   CWindow window;
   CForecast forecast;
   bool done = book.Open(InpBook) && book.Describe(info, 0);
   for(int i = 0; i < InpUncounted + InpCount && done; i++)
     {
      done = FillWindow(window, InpUncounted + InpCount - i, info);
      const ulong begun_us = GetMicrosecondCount();
      done = done && book.Ask(window, forecast, 0);
      Keep(i, begun_us);
     }
   return done;
  }

bool Measure()
  {
   switch(InpWork)
     {
      case WORK_HEALTH:
         return MeasureHealth();
      case WORK_FORECAST:
         return MeasureForecast();
      case WORK_ASK:
         return MeasureAsk();
      case WORK_WIRE:
         return MeasureWire();
      case WORK_BOOK:
         return MeasureBook();
      default:
         return false;
     }
  }

void OnStart()
  {
   ArrayResize(ExtMicroseconds, InpCount);
   ArrayInitialize(ExtMicroseconds, 0);
   if(!Measure())
     {
      Print("failed");
      return;
     }
   const int file = FileOpen("benchmark.bin", FILE_WRITE | FILE_BIN);
   FileWriteArray(file, ExtMicroseconds);
   FileClose(file);
  }
