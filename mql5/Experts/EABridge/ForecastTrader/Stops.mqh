//+------------------------------------------------------------------+
//| ForecastTrader/Stops.mqh                                         |
//| Stop and target from the forecast's interval: where it says the  |
//| price may well go, the stop is far; where not, near.             |
//+------------------------------------------------------------------+
#ifndef FORECAST_TRADER_STOPS_MQH
#define FORECAST_TRADER_STOPS_MQH

#include <EABridge/Forecast.mqh>
#include "Inputs.mqh"
#include "Rules.mqh"

class CStops
  {
public:
   double            entry;    // the price the order would be filled at
   double            stop;
   double            target;   // 0 where there is none

                     CStops();
   bool              Place(const CForecast &forecast, const ENUM_DIRECTION direction,
                           const MqlTick &tick);
   double            Distance() const    { return MathAbs(entry - stop); }

private:
   double            OnGrid(const double price, const bool upward) const;
  };

CStops::CStops()
   : entry(0.0),
     stop(0.0),
     target(0.0)
  {
  }

// False where the model does not forecast the interval. Both prices lie at least the broker's stop
// level and one spread from the price that would trigger them (the bid for a long position, the
// ask for a short one), and are rounded to the symbol's tick size away from it.
bool CStops::Place(const CForecast &forecast, const ENUM_DIRECTION direction, const MqlTick &tick)
  {
   double low = 0.0;
   double high = 0.0;
   if(!forecast.Interval(InpHorizon, InpStopInterval, low, high))
      return false;
   const double level = (double)SymbolInfoInteger(_Symbol, SYMBOL_TRADE_STOPS_LEVEL) * _Point;
   const double nearest = MathMax(level, tick.ask - tick.bid);
   if(direction == DIRECTION_UP)
     {
      entry = tick.ask;
      stop = OnGrid(MathMin(low, tick.bid - nearest), false);
      target = OnGrid(MathMax(high, tick.bid + nearest), true);
     }
   else
     {
      entry = tick.bid;
      stop = OnGrid(MathMax(high, tick.ask + nearest), true);
      target = OnGrid(MathMin(low, tick.ask - nearest), false);
     }
   if(!InpUseTarget)
      target = 0.0;
   return stop > 0.0;
  }

// The next price up or down that the symbol can have.
double CStops::OnGrid(const double price, const bool upward) const
  {
   const double size = SymbolInfoDouble(_Symbol, SYMBOL_TRADE_TICK_SIZE);
   if(size <= 0.0)
      return NormalizeDouble(price, _Digits);
   const double hair = 1e-6;   // a price on a tick stays there, whatever its last bits are
   const double ticks = upward ? MathCeil(price / size - hair) : MathFloor(price / size + hair);
   return NormalizeDouble(ticks * size, _Digits);
  }

#endif
