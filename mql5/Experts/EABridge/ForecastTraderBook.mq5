//+------------------------------------------------------------------+
//| ForecastTraderBook.mq5                                           |
//| In any Strategy Tester, remote agents too, from a book: no       |
//| daemon, no DLL.                                                  |
//| An example, and no promise of profit.                            |
//+------------------------------------------------------------------+
#property copyright "eabridge"
#property version   "1.00"
#property description "In any Strategy Tester, remote agents too, from a book: no daemon, no DLL."
#property description "An example of trading on forecasts, and no promise of profit."
// Copied to every agent from MQL5/Files, if it was there when this program was compiled: first the
// book, then F7. It is the default of InpBook; for a book of another name, change both.
#property tester_file "forecast.book"

#define FORECAST_TRADER_SOURCE TRADER_BOOK

#include "ForecastTrader/Trader.mqh"
