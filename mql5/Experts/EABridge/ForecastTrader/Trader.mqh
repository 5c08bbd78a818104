//+------------------------------------------------------------------+
//| ForecastTrader/Trader.mqh                                        |
//| An example of trading on forecasts, and no promise of profit.    |
//|                                                                  |
//| On each new bar it asks for the forecast from the closed ones.   |
//| Where the forecast is fresh, the direction likely and the move   |
//| worth its spread, it opens one position with a stop, and closes  |
//| it when the bars that were forecast have passed. Without a       |
//| forecast it opens nothing: open positions keep their stops.      |
//+------------------------------------------------------------------+
#ifndef FORECAST_TRADER_TRADER_MQH
#define FORECAST_TRADER_TRADER_MQH

#include <EABridge/Forecaster.mqh>
#include <EABridge/Fan.mqh>
#include "Criterion.mqh"
#include "Inputs.mqh"
#include "LostBars.mqh"
#include "Lots.mqh"
#include "Panel.mqh"
#include "Positions.mqh"
#include "Rules.mqh"
#include "Stops.mqh"
#ifdef FORECAST_TRADER_MODEL
#include <EABridge/Models/Default.mqh>
CDefaultModel ExtModel;
#endif

#define FORECAST_TRADER_BEAT_SECONDS 5

class CForecastTrader
  {
private:
   CForecaster         m_forecaster;
   CForecast           m_forecast;
   CFan                m_fan;
   CPositions          m_positions;
   CLostBars           m_lost_bars;
   datetime            m_bar;         // open time of the bar that forms
   bool                m_awaiting;    // its forecast has not come yet
   datetime            m_again_at;    // when something that failed is tried again
   ENUM_FORECAST_ERROR m_paused_by;   // FORECAST_OK where it is not paused
   string              m_state;       // for the panel

   bool                Connect();
   bool                CloseWhatIsOver();
   bool                Follow();
   void                Consider();
   void                Enter(const ENUM_DIRECTION direction, const MqlTick &tick, const string why);
   void                Pause();
   void                Resume();
   void                Show()    { ShowPanel(m_forecaster, m_forecast, m_state); }

public:
                       CForecastTrader();
   int                 Start();
   void                Stop();
   void                Tick();
   void                Beat();
   double              Criterion() const;
  };

CForecastTrader::CForecastTrader()
   : m_bar(0),
     m_awaiting(false),
     m_again_at(0),
     m_paused_by(FORECAST_OK),
     m_state("")
  {
  }

// The terminal keeps the program's variables when inputs or the chart's timeframe change, and
// starts it again: everything is set anew here.
int CForecastTrader::Start()
  {
   const string problem = InputsProblem();
   if(problem != "")
     {
      Alert("ForecastTrader: ", problem);
      return INIT_PARAMETERS_INCORRECT;
     }
   if(!Connect())
     {
      Alert("ForecastTrader: ", m_forecaster.LastErrorText());
      return INIT_FAILED;
     }
   m_forecaster.TimeLimit(InpTimeLimitMs);
   m_positions.SetUp();
   m_forecast.Clear();
   m_lost_bars.Clear();
   m_bar = 0;
   m_awaiting = false;
   m_again_at = 0;
   m_paused_by = FORECAST_OK;
   m_state = "waiting for a tick";
   if(MQLInfoInteger(MQL_TESTER) == 0)
      EventSetTimer(FORECAST_TRADER_BEAT_SECONDS);
   Print("Forecasts come from: ", m_forecaster.Source());
   Show();
   return INIT_SUCCEEDED;
  }

bool CForecastTrader::Connect()
  {
   switch(InpSource)
     {
      case TRADER_BOOK:
         return m_forecaster.UseBook(InpBook);
#ifdef FORECAST_TRADER_MODEL
      case TRADER_MODEL:
         return m_forecaster.UseEmbedded(ExtModel);
#endif
      case TRADER_DAEMON:
      default:
         return m_forecaster.UseDaemon(InpEndpoint, InpModel);
     }
  }

void CForecastTrader::Stop()
  {
   EventKillTimer();
   m_fan.Remove();
   m_forecaster.Close();
   if(InpShowPanel)
      Comment("");
  }

// Something that failed is tried again a second later, not at every tick.
void CForecastTrader::Tick()
  {
   const datetime bar = iTime(_Symbol, PERIOD_CURRENT, 0);
   if(bar != m_bar)
     {
      m_bar = bar;
      m_awaiting = true;
      m_again_at = 0;
     }
   if(TimeCurrent() < m_again_at)
      return;
   const bool closed = CloseWhatIsOver();
   const bool followed = !m_awaiting || Follow();
   m_again_at = closed && followed ? 0 : TimeCurrent() + 1;
   Show();
  }

// The heartbeat: a daemon that has gone is seen, and said on the panel, before the next bar. One
// that is there ends no pause as long as it owes this bar's forecast.
void CForecastTrader::Beat()
  {
   if(!m_forecaster.Beat())
      Pause();
   else if(!m_awaiting)
      Resume();
   Show();
  }

bool CForecastTrader::CloseWhatIsOver()
  {
   const ulong ticket = m_positions.Own();
   if(ticket == 0 || !m_positions.HorizonIsOver(ticket))
      return true;
   return m_positions.Close(ticket, StringFormat("its %d bars have passed", InpHorizon));
  }

// The forecast for this bar, and what to do about it. False where it is to be asked for again:
// never in the tester, where what fails goes on failing and a test must not depend on luck.
bool CForecastTrader::Follow()
  {
   const bool answered = m_forecaster.Ask(m_forecast);
   if(InpShowFan)
      m_fan.Draw(m_forecast);   // without a forecast it takes the last one's away
   if(!answered)
     {
      Pause();
      m_awaiting = MQLInfoInteger(MQL_TESTER) == 0;
      if(!m_awaiting)
         m_lost_bars.Lost(m_forecaster.LastError(), m_forecaster.LastErrorText());
      return !m_awaiting;
     }
   m_awaiting = false;
   m_lost_bars.Found();
   Resume();
   Consider();
   return true;
  }

// Enters, or says why not.
void CForecastTrader::Consider()
  {
   MqlTick tick;
   if(m_positions.Own() != 0)
      m_state = "holding a position";
   else if(m_positions.SymbolIsTaken())
      m_state = "another program or a hand holds " + _Symbol + " on this netting account";
   else if(m_positions.Refusal() != "")
      m_state = "no trades: " + m_positions.Refusal();
   else if(!SymbolInfoTick(_Symbol, tick) || tick.bid <= 0.0 || tick.ask < tick.bid)
      m_state = "no price yet";
   else
     {
      const int spread = (int)MathRound((tick.ask - tick.bid) / _Point);
      string why = "";
      const ENUM_DIRECTION direction = ChooseDirection(m_forecast, spread, why);
      if(direction == DIRECTION_NONE)
         m_state = "no trade: " + why;
      else
         Enter(direction, tick, why);
     }
  }

void CForecastTrader::Enter(const ENUM_DIRECTION direction, const MqlTick &tick, const string why)
  {
   CStops stops;
   if(!stops.Place(m_forecast, direction, tick))
     {
      m_state = StringFormat("no trade: the model does not forecast an interval of %.0f %%",
                             100.0 * InpStopInterval);
      return;
     }
   string too_small = "";
   const double lots = LotsForRisk(direction, stops.entry, stops.Distance(), too_small);
   if(lots <= 0.0)
      m_state = "no trade: " + too_small;
   else if(m_positions.Open(direction, lots, stops, why))
      m_state = "opened a position: " + why;
   else
      m_state = "the order was refused: see the journal";
  }

// Without forecasts nothing is opened. The journal tells when it begins, and again where the reason
// is another; that the next try to connect waits is none.
void CForecastTrader::Pause()
  {
   const ENUM_FORECAST_ERROR error = m_forecaster.LastError();
   m_state = "paused: no entries without a fresh forecast";
   if(error == m_paused_by || error == FORECAST_BACKING_OFF)
      return;
   PrintFormat("Paused (%s): %s", ForecastErrorName(error), m_forecaster.LastErrorText());
   m_paused_by = error;
  }

void CForecastTrader::Resume()
  {
   if(m_paused_by != FORECAST_OK)
     {
      Print("The forecasts are back");
      m_state = "waiting for the next bar";
     }
   m_paused_by = FORECAST_OK;
  }

// For the optimiser. A test that lacked forecasts is none, however well it went.
double CForecastTrader::Criterion() const
  {
   return m_lost_bars.Any() ? 0.0 : ProfitTStatistic();
  }

CForecastTrader ExtTrader;

int OnInit()
  {
   return ExtTrader.Start();
  }

void OnDeinit(const int reason)
  {
   ExtTrader.Stop();
  }

void OnTick()
  {
   ExtTrader.Tick();
  }

void OnTimer()
  {
   ExtTrader.Beat();
  }

double OnTester()
  {
   return ExtTrader.Criterion();
  }

#endif
