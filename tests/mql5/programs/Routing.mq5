//+------------------------------------------------------------------+
//| Routing.mq5                                                      |
//| A model inside the terminal with a specialist: who answers.      |
//+------------------------------------------------------------------+
#include <EABridge/Forecaster.mqh>
#include <EABridge/Models/Routed.mqh>

input string InpWritten = "";   // symbols and what they may stand for: EURGBP.r|EURGBP;...
input string InpAsked = "";     // symbols to ask about, in turn: EURUSD;EURGBP;...

CRoutedModel ExtModel;

void Ask(CEmbeddedSource &source, const string symbol)
  {
   const double prices[] = {1.0, 1.0, 1.0, 1.5};
   CWindow window;
   CForecast forecast;
   window.Set(symbol, PERIOD_H1, D'2024.01.02 03:00', 1, prices);
   if(source.Ask(window, forecast, 0))
      Print("asked\t", symbol, "\t", forecast.Model());
   else
      Print("asked\t", symbol, "\t", source.ErrorText());
  }

void OnStart()
  {
   string parts[];
   string pair[];
   for(int i = 0; i < StringSplit(InpWritten, ';', parts); i++)
     {
      StringSplit(parts[i], '|', pair);
      Print("written\t", parts[i], "\t", SymbolIsFor(pair[0], pair[1]));
     }
   CEmbeddedSource source(GetPointer(ExtModel));
   if(!source.Open())
      Print("error\t", source.ErrorText());
   CModelInfo info;
   source.Describe(info, 0);
   Print("chart\t", _Symbol, "\t", info.label);
   for(int i = 0; i < StringSplit(InpAsked, ';', parts); i++)
      Ask(source, parts[i]);
  }
