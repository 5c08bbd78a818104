//+------------------------------------------------------------------+
//| ForecastTrader.mq5                                               |
//| Live, over MetaTrader's own sockets: no DLL in the program.      |
//| An example, and no promise of profit.                            |
//+------------------------------------------------------------------+
#property copyright "eabridge"
#property version   "1.00"
#property description "Live, over MetaTrader's own sockets: no DLL in the program."
#property description "An example of trading on forecasts, and no promise of profit."

#include "ForecastTrader/Trader.mqh"
