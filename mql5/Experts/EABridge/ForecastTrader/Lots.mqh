//+------------------------------------------------------------------+
//| ForecastTrader/Lots.mqh                                          |
//| How much to trade: what the stop would cost is a fixed share of  |
//| the account's equity.                                            |
//+------------------------------------------------------------------+
#ifndef FORECAST_TRADER_LOTS_MQH
#define FORECAST_TRADER_LOTS_MQH

#include "Inputs.mqh"
#include "Rules.mqh"

// Digits that a volume of this step is written with.
int LotDigits(const double step)
  {
   int digits = 0;
   double scaled = step;
   while(digits < 8 && MathAbs(scaled - MathRound(scaled)) > 1e-8)
     {
      scaled *= 10.0;
      digits++;
     }
   return digits;
  }

// The largest volume whose loss at the stop is within the risk, on the symbol's grid of volumes;
// 0, and `why`, where even the smallest risks more, or margin is short. It is rounded down, never
// up: the risk is a limit.
double LotsForRisk(const ENUM_DIRECTION direction, const double entry, const double distance,
                   string &why)
  {
   const double tick_size = SymbolInfoDouble(_Symbol, SYMBOL_TRADE_TICK_SIZE);
   const double tick_value = SymbolInfoDouble(_Symbol, SYMBOL_TRADE_TICK_VALUE_LOSS);
   const double least = SymbolInfoDouble(_Symbol, SYMBOL_VOLUME_MIN);
   const double most = SymbolInfoDouble(_Symbol, SYMBOL_VOLUME_MAX);
   const double step = SymbolInfoDouble(_Symbol, SYMBOL_VOLUME_STEP);
   if(tick_size <= 0.0 || tick_value <= 0.0 || step <= 0.0 || distance <= 0.0)
     {
      why = "the broker's tick value is not known yet";
      return 0.0;
     }
   const double risk = AccountInfoDouble(ACCOUNT_EQUITY) * InpRiskPercent / 100.0;
   const double loss_per_lot = distance / tick_size * tick_value;
   const double hair = 1e-6;   // 0.3 / 0.1 is a hair less than 3
   const double steps = MathFloor(MathMin(risk / loss_per_lot, most) / step + hair);
   const double lots = NormalizeDouble(steps * step, LotDigits(step));
   if(lots < least)
     {
      why = StringFormat("%.2f %% of equity is %.2f, and the smallest volume risks %.2f",
                         InpRiskPercent, risk, least * loss_per_lot);
      return 0.0;
     }
   double margin = 0.0;
   const ENUM_ORDER_TYPE type = direction == DIRECTION_UP ? ORDER_TYPE_BUY : ORDER_TYPE_SELL;
   if(!OrderCalcMargin(type, _Symbol, lots, entry, margin))
     {
      why = StringFormat("the margin cannot be told (error %d)", GetLastError());
      return 0.0;
     }
   if(margin > AccountInfoDouble(ACCOUNT_MARGIN_FREE))
     {
      why = StringFormat("%s lots need a margin of %.2f and %.2f is free",
                         DoubleToString(lots, LotDigits(step)), margin,
                         AccountInfoDouble(ACCOUNT_MARGIN_FREE));
      return 0.0;
     }
   return lots;
  }

#endif
