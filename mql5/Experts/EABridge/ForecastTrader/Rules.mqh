//+------------------------------------------------------------------+
//| ForecastTrader/Rules.mqh                                         |
//| From a forecast to a direction, or to the reason why none.       |
//+------------------------------------------------------------------+
#ifndef FORECAST_TRADER_RULES_MQH
#define FORECAST_TRADER_RULES_MQH

#include <EABridge/Forecast.mqh>
#include "Inputs.mqh"

enum ENUM_DIRECTION
  {
   DIRECTION_NONE,
   DIRECTION_UP,
   DIRECTION_DOWN
  };

// The direction to trade; `why` says on what grounds, or what was missing.
ENUM_DIRECTION ChooseDirection(const CForecast &forecast, const int spread_points, string &why)
  {
   const double up = forecast.ProbUp(InpHorizon);
   const double move = forecast.ExpectedMovePoints(InpHorizon);
   if(up == EMPTY_VALUE || move == EMPTY_VALUE)
     {
      why = StringFormat("%s forecasts %d bars ahead, not %d", forecast.Model(),
                         forecast.Horizon(), InpHorizon);
      return DIRECTION_NONE;
     }
   if(forecast.AgeSeconds() > InpMaxAgeSeconds)
     {
      why = StringFormat("the forecast is %d seconds old", forecast.AgeSeconds());
      return DIRECTION_NONE;
     }
   if(InpMaxSpreadPoints > 0 && spread_points > InpMaxSpreadPoints)
     {
      why = StringFormat("the spread is %d points", spread_points);
      return DIRECTION_NONE;
     }
   const double least = InpMinMoveSpreads * spread_points;
   why = StringFormat("up %.1f %%, move %+.1f points, spread %d", 100.0 * up, move, spread_points);
   if(up >= InpMinProbability && move > 0.0 && move >= least)
      return DIRECTION_UP;
   if(1.0 - up >= InpMinProbability && move < 0.0 && -move >= least)
      return DIRECTION_DOWN;
   return DIRECTION_NONE;
  }

#endif
