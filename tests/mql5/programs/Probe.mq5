//+------------------------------------------------------------------+
//| Probe.mq5                                                        |
//| Asks for a forecast on every new bar, from any source, and       |
//| writes down everything that comes.                               |
//+------------------------------------------------------------------+
#property tester_file "forecast.book"

#define EABRIDGE_WINSOCK
#include <EABridge/Forecaster.mqh>
#include <EABridge/Models/Default.mqh>

input string InpSource = "daemon";   // daemon, book or model
input string InpEndpoint = "";
input string InpModel = "";
input string InpBook = "forecast.book";

CDefaultModel ExtModel;
CForecaster ExtForecaster;
datetime ExtBar = 0;
int ExtFile = INVALID_HANDLE;
string ExtTrouble = "";

int OnInit()
  {
   ExtFile = FileOpen("probe.bin", FILE_WRITE | FILE_BIN);
   bool chosen = false;
   if(InpSource == "book")
      chosen = ExtForecaster.UseBook(InpBook);
   else if(InpSource == "model")
      chosen = ExtForecaster.UseEmbedded(ExtModel);
   else
      chosen = ExtForecaster.UseDaemon(InpEndpoint, InpModel);
   Print("source\t", ExtForecaster.Source());
   if(!chosen)
      TellTrouble();
   return INIT_SUCCEEDED;
  }

void TellTrouble()
  {
   if(ExtForecaster.LastErrorText() != ExtTrouble)
      Print("error\t", ForecastErrorName(ExtForecaster.LastError()), "\t",
            ExtForecaster.LastErrorText());
   ExtTrouble = ExtForecaster.LastErrorText();
  }

// Of each bar: its open time, the error, the microseconds, how many numbers follow, and these:
// all quantiles row by row, then the probabilities.
void OnTick()
  {
   if(iTime(_Symbol, PERIOD_CURRENT, 0) == ExtBar)
      return;
   ExtBar = iTime(_Symbol, PERIOD_CURRENT, 0);
   CForecast forecast;
   const bool answered = ExtForecaster.Ask(forecast);
   const int numbers = forecast.Horizon() * (forecast.Levels() + 1);
   FileWriteDouble(ExtFile, (double)(long)ExtBar);
   FileWriteDouble(ExtFile, (double)(int)ExtForecaster.LastError());
   FileWriteDouble(ExtFile, (double)(long)ExtForecaster.LastAskMicroseconds());
   FileWriteDouble(ExtFile, (double)numbers);
   for(int h = 1; h <= forecast.Horizon(); h++)
      for(int i = 0; i < forecast.Levels(); i++)
         FileWriteDouble(ExtFile, forecast.Quantile(h, forecast.Level(i)));
   for(int h = 1; h <= forecast.Horizon(); h++)
      FileWriteDouble(ExtFile, forecast.ProbUp(h));
   if(!answered)
      TellTrouble();
  }

void OnDeinit(const int reason)
  {
   FileClose(ExtFile);
   ExtForecaster.Close();
  }
