//+------------------------------------------------------------------+
//| ForecastTrader/Criterion.mqh                                     |
//| What the tester's optimiser should look for.                     |
//+------------------------------------------------------------------+
#ifndef FORECAST_TRADER_CRITERION_MQH
#define FORECAST_TRADER_CRITERION_MQH

#include "Inputs.mqh"

#define FORECAST_TRADER_LEAST_TRADES 30

// The t-statistic of the profit per trade: its mean over its standard error. An optimiser that
// looks for profit finds the one lucky trade; this asks how surely the mean is above zero, counts
// every trade alike, and grows with their number. Fewer than 30 prove nothing and get 0, which
// ranks them above a losing and below a winning pass. Beyond about 2 it deserves a second look on
// data that the optimiser has not seen: the best of many passes is lucky for certain.
double ProfitTStatistic()
  {
   if(!HistorySelect(0, TimeCurrent()))
      return 0.0;
   double result = 0.0;   // of the trade whose deals are being counted
   double sum = 0.0;
   double squares = 0.0;
   int trades = 0;
   for(int i = 0; i < HistoryDealsTotal(); i++)
     {
      const ulong deal = HistoryDealGetTicket(i);
      if(HistoryDealGetInteger(deal, DEAL_MAGIC) != InpMagic ||
         HistoryDealGetString(deal, DEAL_SYMBOL) != _Symbol)
         continue;
      result += HistoryDealGetDouble(deal, DEAL_PROFIT) + HistoryDealGetDouble(deal, DEAL_SWAP) +
                HistoryDealGetDouble(deal, DEAL_COMMISSION) + HistoryDealGetDouble(deal, DEAL_FEE);
      if(HistoryDealGetInteger(deal, DEAL_ENTRY) == DEAL_ENTRY_IN)
         continue;
      sum += result;
      squares += result * result;
      trades++;
      result = 0.0;
     }
   if(trades < FORECAST_TRADER_LEAST_TRADES)
      return 0.0;
   const double mean = sum / trades;
   const double variance = (squares - sum * mean) / (trades - 1);
   return variance > 0.0 ? mean / MathSqrt(variance / trades) : 0.0;
  }

#endif
