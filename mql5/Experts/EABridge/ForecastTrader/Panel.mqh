//+------------------------------------------------------------------+
//| ForecastTrader/Panel.mqh                                         |
//| What is going on, in the chart's upper left corner.              |
//+------------------------------------------------------------------+
#ifndef FORECAST_TRADER_PANEL_MQH
#define FORECAST_TRADER_PANEL_MQH

#include <EABridge/Forecaster.mqh>
#include "Inputs.mqh"

// Whether anybody sees a chart: in most tests nobody does.
bool ChartIsSeen()
  {
   return MQLInfoInteger(MQL_TESTER) == 0 || MQLInfoInteger(MQL_VISUAL_MODE) != 0;
  }

// One line on the forecast's bar, one on what it says of the bar that is traded.
string DescribeForecast(const CForecast &forecast, const ulong asked_us)
  {
   if(!forecast.IsValid())
      return "forecast: none";
   string text = StringFormat("forecast: %s, bar of %s, %d s old, asked in %.2f ms",
                              forecast.Model(), TimeToString(forecast.Time()),
                              forecast.AgeSeconds(), (double)asked_us / 1000.0);
   double low = 0.0;
   double high = 0.0;
   if(forecast.Interval(InpHorizon, InpStopInterval, low, high))
      text += StringFormat("\n%d bars ahead: up with %.1f %%, move %+.1f points, %.0f %% between " +
                           "%s and %s",
                           InpHorizon, 100.0 * forecast.ProbUp(InpHorizon),
                           forecast.ExpectedMovePoints(InpHorizon), 100.0 * InpStopInterval,
                           DoubleToString(low, _Digits), DoubleToString(high, _Digits));
   return text;
  }

void ShowPanel(CForecaster &forecaster, const CForecast &forecast, const string state)
  {
   if(!InpShowPanel || !ChartIsSeen())
      return;
   const string trouble = forecaster.LastErrorText();
   Comment("ForecastTrader: an example, and no promise of profit\n",
           "source: ", forecaster.Source(), "\n",
           DescribeForecast(forecast, forecaster.LastAskMicroseconds()), "\n",
           "now: ", state,
           trouble == "" ? "" : "\nlast error: " + trouble);
  }

#endif
