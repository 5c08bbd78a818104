//+------------------------------------------------------------------+
//| EABridge/Forecaster.mqh                                          |
//| The one class that an Expert Advisor needs.                      |
//|                                                                  |
//|    #include <EABridge/Forecaster.mqh>                            |
//|    CForecaster forecaster;                                       |
//|                                                                  |
//|    int OnInit()                                                  |
//|      {                                                           |
//|       if(forecaster.UseDaemon())                                 |
//|          return INIT_SUCCEEDED;                                  |
//|       Print(forecaster.LastErrorText());                         |
//|       return INIT_FAILED;                                        |
//|      }                                                           |
//|                                                                  |
//|    ... on a new bar, in OnTick:                                  |
//|       CForecast forecast;                                        |
//|       if(forecaster.Ask(forecast))                               |
//|          Print(forecast.Median(1), " ", forecast.ProbUp(1));     |
//|       else                                                       |
//|          Print(forecaster.LastErrorText());                      |
//|                                                                  |
//| Nothing has to be cleaned up. For the Strategy Tester put        |
//| #define EABRIDGE_WINSOCK before the include, or call UseBook or  |
//| UseEmbedded in the place of UseDaemon: mql5/README.md says where |
//| each of them works.                                              |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_FORECASTER_MQH
#define EABRIDGE_FORECASTER_MQH

#include "Errors.mqh"
#include "Forecast.mqh"
#include "ModelInfo.mqh"
#include "Timeframe.mqh"
#include "Window.mqh"
#include "Sources/Source.mqh"
#include "Sources/Daemon.mqh"
#include "Sources/Book.mqh"
#include "Sources/Embedded.mqh"

#define EABRIDGE_TIME_LIMIT_MS 250          // a chart must not feel frozen
#define EABRIDGE_TESTER_TIME_LIMIT_MS 5000  // nobody waits at a chart, and no bar should be lost

class CForecaster
  {
private:
   CSource            *m_source;             // owned; NULL until one is chosen
   CModelInfo          m_info;
   bool                m_described;          // m_info is the source's
   CWindow             m_window;
   uint                m_time_limit_ms;
   ulong               m_last_ask_us;
   ENUM_FORECAST_ERROR m_error;
   string              m_error_text;

   bool                AskOnce(CForecast &forecast, const string symbol,
                               const ENUM_TIMEFRAMES period, const ulong deadline_us);
   bool                Describe(const ulong deadline_us);
   bool                CheckTimeframe(const ENUM_TIMEFRAMES period);
   bool                ModelMayHaveChanged() const;
   ulong               Deadline() const;
   bool                Fail(const ENUM_FORECAST_ERROR error, const string text);
   bool                FailAsSource();
   bool                Succeed();

public:
                       CForecaster();
                      ~CForecaster();

   // Choose one, in OnInit. None of them waits for anything: a daemon may be started later.
   bool                UseDaemon(const string endpoint = "127.0.0.1:5655",
                                 const string model = "");
#ifdef EABRIDGE_LIBZMQ
   bool                UseRemoteDaemon(const string endpoint, const string server_key,
                                        const string public_key = "", const string secret_key = "",
                                        const string model = "");
#endif
   bool                UseBook(const string file);
   bool                UseEmbedded(CEmbeddedModel &model);
   // How long a call may take in all; 0 is 250 ms, and 5 seconds in the tester.
   void                TimeLimit(const uint milliseconds);

   // The forecast from the last closed bars of this chart, or of another one.
   bool                Ask(CForecast &forecast);
   bool                Ask(CForecast &forecast, const string symbol, const ENUM_TIMEFRAMES period);
   // Whether the source is there: for OnTimer, every few seconds.
   bool                Beat();
   // Lets go of the source. The destructor does it too.
   void                Close();

   ENUM_FORECAST_ERROR LastError() const            { return m_error; }
   // What is wrong and what to do about it; empty where nothing is.
   string              LastErrorText() const        { return m_error_text; }
   string              Source() const;
   ulong               LastAskMicroseconds() const  { return m_last_ask_us; }
  };

CForecaster::CForecaster()
   : m_source(NULL),
     m_described(false),
     m_time_limit_ms(0),
     m_last_ask_us(0),
     m_error(FORECAST_NOT_SET_UP),
     m_error_text(ForecastErrorAdvice(FORECAST_NOT_SET_UP))
  {
   TimeLimit(0);
  }

CForecaster::~CForecaster()
  {
   Close();
  }

// `model` is name or name@version; empty is the daemon's default.
bool CForecaster::UseDaemon(const string endpoint, const string model)
  {
   Close();
   CDaemonSource *daemon = new CDaemonSource();
   m_source = daemon;
   return daemon.Open(endpoint, model) ? Succeed() : FailAsSource();
  }

#ifdef EABRIDGE_LIBZMQ
// A daemon on another computer, encrypted by CURVE: its public key and this program's own pair, 40
// letters each, which `eabridge keys new` makes and the daemon's owner allows there. Without a pair
// the program makes one for this run, and a daemon lets no such stranger in.
bool CForecaster::UseRemoteDaemon(const string endpoint, const string server_key,
                                   const string public_key, const string secret_key,
                                   const string model)
  {
   Close();
   CDaemonSource *daemon = new CDaemonSource();
   m_source = daemon;
   daemon.Curve(server_key, public_key, secret_key);
   return daemon.Open(endpoint, model) ? Succeed() : FailAsSource();
  }
#endif

// A file of `eabridge book` in MQL5/Files or in the folder common to all terminals.
bool CForecaster::UseBook(const string file)
  {
   Close();
   CBookSource *book = new CBookSource();
   m_source = book;
   return book.Open(file) ? Succeed() : FailAsSource();
  }

// A model out of EABridge/Models: declare it beside the forecaster, where it lives as long.
bool CForecaster::UseEmbedded(CEmbeddedModel &model)
  {
   Close();
   CEmbeddedSource *embedded = new CEmbeddedSource(GetPointer(model));
   m_source = embedded;
   return embedded.Open() ? Succeed() : FailAsSource();
  }

void CForecaster::TimeLimit(const uint milliseconds)
  {
   m_time_limit_ms = milliseconds;
   if(milliseconds == 0)
      m_time_limit_ms = MQLInfoInteger(MQL_TESTER) == 0 ? EABRIDGE_TIME_LIMIT_MS
                                                        : EABRIDGE_TESTER_TIME_LIMIT_MS;
  }

bool CForecaster::Ask(CForecast &forecast)
  {
   return Ask(forecast, _Symbol, PERIOD_CURRENT);
  }

bool CForecaster::Ask(CForecast &forecast, const string symbol, const ENUM_TIMEFRAMES period)
  {
   const ulong begun_us = GetMicrosecondCount();
   const ulong deadline_us = Deadline();
   const ENUM_TIMEFRAMES timeframe = period == PERIOD_CURRENT ? Period() : period;
   bool answered = AskOnce(forecast, symbol, timeframe, deadline_us);
   if(!answered && ModelMayHaveChanged())
      answered = AskOnce(forecast, symbol, timeframe, deadline_us);
   if(!answered)
      forecast.Clear();
   m_last_ask_us = GetMicrosecondCount() - begun_us;
   return answered;
  }

// Whatever fails, the model is described anew before it is next asked: another daemon, or the
// same one with another model, may stand behind the address by then.
bool CForecaster::AskOnce(CForecast &forecast, const string symbol, const ENUM_TIMEFRAMES period,
                          const ulong deadline_us)
  {
   if(m_source == NULL)
      return Fail(FORECAST_NOT_SET_UP, "");
   if(!Describe(deadline_us) || !CheckTimeframe(period))
      return false;
   if(!m_window.Gather(symbol, period, m_info.context, m_info.columns))
      return Fail(m_window.Error(), m_window.ErrorText());
   return m_source.Ask(m_window, forecast, deadline_us) ? Succeed() : FailAsSource();
  }

bool CForecaster::Describe(const ulong deadline_us)
  {
   if(!m_described)
     {
      if(!m_source.Describe(m_info, deadline_us))
         return FailAsSource();
      m_described = true;
     }
   return true;
  }

bool CForecaster::CheckTimeframe(const ENUM_TIMEFRAMES period)
  {
   if(m_info.tf == 0 || m_info.tf == PeriodSeconds(period))
      return true;
   const string wanted = TimeframeName(m_info.tf);
   return Fail(m_source.OtherTimeframe(),
               StringFormat("%s was trained on %s bars and this chart shows %s: open a chart of " +
                            "%s, or choose another model",
                            m_info.label, wanted, TimeframeName(PeriodSeconds(period)), wanted));
  }

// The daemon's refusals that come of reading an old description: asked once more, it gets a
// window that suits what it serves now.
bool CForecaster::ModelMayHaveChanged() const
  {
   return m_error == FORECAST_SHORT_WINDOW || m_error == FORECAST_BAD_FIELD ||
          m_error == FORECAST_WRONG_TIMEFRAME;
  }

// In the tester nothing is asked: its timer runs on simulated time, thousands of times a second.
bool CForecaster::Beat()
  {
   if(m_source == NULL)
      return Fail(FORECAST_NOT_SET_UP, "");
   if(MQLInfoInteger(MQL_TESTER) != 0)
      return true;
   return m_source.Beat(Deadline()) ? Succeed() : FailAsSource();
  }

void CForecaster::Close()
  {
   if(m_source != NULL)
     {
      m_source.Close();
      delete m_source;
     }
   m_source = NULL;
   m_described = false;
   Fail(FORECAST_NOT_SET_UP, "");
  }

// A few words for a panel.
string CForecaster::Source() const
  {
   return m_source == NULL ? "no source" : m_source.Name();
  }

ulong CForecaster::Deadline() const
  {
   return GetMicrosecondCount() + (ulong)m_time_limit_ms * 1000;
  }

bool CForecaster::Fail(const ENUM_FORECAST_ERROR error, const string text)
  {
   m_error = error;
   m_error_text = text == "" ? ForecastErrorAdvice(error) : text;
   m_described = false;
   return false;
  }

bool CForecaster::FailAsSource()
  {
   return Fail(m_source.Error(), m_source.ErrorText());
  }

bool CForecaster::Succeed()
  {
   m_error = FORECAST_OK;
   m_error_text = "";
   return true;
  }

#endif
