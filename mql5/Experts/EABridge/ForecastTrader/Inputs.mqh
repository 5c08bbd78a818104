//+------------------------------------------------------------------+
//| ForecastTrader/Inputs.mqh                                        |
//| What the user sets, in the words of the terminal's dialog.       |
//+------------------------------------------------------------------+
#ifndef FORECAST_TRADER_INPUTS_MQH
#define FORECAST_TRADER_INPUTS_MQH

enum ENUM_TRADER_SOURCE
  {
   TRADER_DAEMON,   // The daemon: eabridge serve
   TRADER_BOOK,     // A book: eabridge book
   TRADER_MODEL     // The model inside the terminal
  };

// The main file chooses the default before it includes this one.
#ifndef FORECAST_TRADER_SOURCE
#define FORECAST_TRADER_SOURCE TRADER_DAEMON
#endif

input group "Source of forecasts"
input ENUM_TRADER_SOURCE InpSource = FORECAST_TRADER_SOURCE; // Where forecasts come from
input string InpEndpoint = "127.0.0.1:5655";                 // Daemon: its address
input string InpModel = "";                                  // Daemon: model (empty: its default)
input string InpBook = "forecast.book";                      // Book: file in MQL5/Files
input uint InpTimeLimitMs = 0;                               // Longest wait, ms (0: 250 or 5000)

input group "Rules"
input int InpHorizon = 4;                                    // Bars ahead that are traded
input double InpMinProbability = 0.55;                       // Least probability of the way
input double InpMinMoveSpreads = 1.0;                        // Least expected move, in spreads
input int InpMaxSpreadPoints = 30;                           // Widest spread, in points (0: any)
input int InpMaxAgeSeconds = 300;                            // Oldest forecast to enter on, s

input group "Risk"
input double InpRiskPercent = 0.5;                           // Risk per trade, percent of equity
input double InpStopInterval = 0.8;                          // Interval from stop to target (0..1)
input bool InpUseTarget = true;                              // Take profit at its far side
input int InpDeviationPoints = 10;                           // Largest slippage, in points
input long InpMagic = 20265655;                              // Magic number of this chart's trades

input group "Chart"
input bool InpShowFan = true;                                // Draw the forecast
input bool InpShowPanel = true;                              // Say what is going on

// What is wrong with the inputs, in a sentence; empty where nothing is.
string InputsProblem()
  {
#ifndef FORECAST_TRADER_MODEL
   if(InpSource == TRADER_MODEL)
      return "This build has no model inside: use ForecastTraderModel";
#endif
   if(InpHorizon < 1)
      return "Bars ahead that are traded must be at least 1";
   if(!(InpMinProbability >= 0.5 && InpMinProbability < 1.0))
      return "The least probability of the direction must be at least 0.5 and below 1";
   if(!(InpMinMoveSpreads >= 0.0))
      return "The least expected move must not be negative";
   if(InpMaxSpreadPoints < 0 || InpMaxAgeSeconds < 0 || InpDeviationPoints < 0)
      return "Spread, age and slippage must not be negative";
   if(!(InpRiskPercent > 0.0 && InpRiskPercent <= 10.0))
      return "The risk per trade must be above 0 and at most 10 percent";
   if(!(InpStopInterval > 0.0 && InpStopInterval < 1.0))
      return "The interval between stop and target must lie between 0 and 1";
   return "";
  }

#endif
