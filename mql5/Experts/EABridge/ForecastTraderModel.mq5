//+------------------------------------------------------------------+
//| ForecastTraderModel.mq5                                          |
//| Anywhere, the MQL5 Cloud Network too: the model runs inside the  |
//| terminal.                                                        |
//| An example, and no promise of profit.                            |
//+------------------------------------------------------------------+
#property copyright "eabridge"
#property version   "1.00"
#property description "Anywhere, the MQL5 Cloud Network too: the model runs inside the terminal."
#property description "An example of trading on forecasts, and no promise of profit."

#define FORECAST_TRADER_MODEL
#define FORECAST_TRADER_SOURCE TRADER_MODEL

#include "ForecastTrader/Trader.mqh"
