//+------------------------------------------------------------------+
//| ForecastTraderDll.mq5                                            |
//| Live, and in the local Strategy Tester by Windows' own sockets:  |
//| needs Allow DLL imports.                                         |
//| An example, and no promise of profit.                            |
//+------------------------------------------------------------------+
#property copyright "eabridge"
#property version   "1.00"
#property description "Live, and in the local tester by Windows' own sockets: needs Allow DLL imports."
#property description "An example of trading on forecasts, and no promise of profit."

#define EABRIDGE_WINSOCK

#include "ForecastTrader/Trader.mqh"
