//+------------------------------------------------------------------+
//| SyntheticWindow.mqh                                              |
//| Bars that Python makes as well: synthetic_bars in                |
//| tests/mql5/network.py.                                           |
//+------------------------------------------------------------------+
#ifndef SYNTHETIC_WINDOW_MQH
#define SYNTHETIC_WINDOW_MQH

#include <EABridge/Window.mqh>

#define SYNTHETIC_TIME 1700000000

// Prices with all their bits in a few: each is exact.
void FillSyntheticWindow(CWindow &window, const int bars, const int columns)
  {
   double prices[];
   ArrayResize(prices, bars * columns);
   for(int bar = 0; bar < bars; bar++)
     {
      const double open = 1.0 + (bar * 37 % 101) / 4096.0;
      const double close = 1.0 + ((bar + 1) * 37 % 101) / 4096.0;
      prices[bar * columns + columns - 1] = close;
      if(columns == 1)
         continue;
      prices[bar * 4] = open;
      prices[bar * 4 + 1] = MathMax(open, close) + 3.0 / 4096.0;
      prices[bar * 4 + 2] = MathMin(open, close) - 2.0 / 4096.0;
     }
   window.Set("EURUSD", PERIOD_H1, (datetime)SYNTHETIC_TIME, columns, prices);
  }

#endif
