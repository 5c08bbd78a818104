//+------------------------------------------------------------------+
//| Ping.mq5                                                         |
//| How fast the daemon answers this terminal: round trips of its    |
//| health and of forecasts, and what to make of them.               |
//+------------------------------------------------------------------+
#property copyright "eabridge"
#property version   "1.00"
#property description "Measures how fast eabridge serve answers this terminal, and says what to do."
#property script_show_inputs

#include <EABridge/Forecaster.mqh>

input string InpEndpoint = "127.0.0.1:5655";   // The daemon's address
input string InpModel = "";                    // Model (empty: the daemon's default)
input int InpRounds = 500;                     // Round trips of each kind
input uint InpTimeLimitMs = 1000;              // Longest wait for one, in ms

#define PING_MOST_ROUNDS 100000
#define PING_FAST_US 2000           // the slowest in a hundred of a local daemon that is well
#define PING_FAIR_US 20000          // slower than this an hourly bar does not care, a scalper does

// Round trips in microseconds.
class CRoundTrips
  {
private:
   double            m_sorted[];
   int               m_count;

public:
                     CRoundTrips() : m_count(0) {}
   void              Add(const ulong microseconds);
   void              Sort();
   int               Count() const    { return m_count; }
   double            Percentile(const double percent) const;
   void              Tell(const string what) const;
  };

void CRoundTrips::Add(const ulong microseconds)
  {
   m_count = ArraySize(m_sorted) + 1;
   ArrayResize(m_sorted, m_count, PING_MOST_ROUNDS);
   m_sorted[m_count - 1] = (double)microseconds;
  }

void CRoundTrips::Sort()
  {
   if(m_count > 0)
      ArraySort(m_sorted);
  }

// The nearest rank: a round trip that was measured, not one between two.
double CRoundTrips::Percentile(const double percent) const
  {
   const int rank = (int)MathCeil(percent / 100.0 * m_count);
   return m_sorted[MathMin(MathMax(rank, 1), m_count) - 1];
  }

void CRoundTrips::Tell(const string what) const
  {
   PrintFormat("%s, %d round trips in microseconds: p50 %.0f, p90 %.0f, p99 %.0f, max %.0f",
               what, m_count, Percentile(50.0), Percentile(90.0), Percentile(99.0),
               Percentile(100.0));
  }

ulong Deadline()
  {
   return GetMicrosecondCount() + (ulong)InpTimeLimitMs * 1000;
  }

// The way to the daemon and back, with as little work in between as it can do. Ends at the first
// failure: what fails once in a row of questions is what the user should know.
bool MeasureHealth(CRoundTrips &trips, string &problem)
  {
   CDaemonSource daemon;
   CHealth health;
   if(!daemon.Open(InpEndpoint, InpModel) || !daemon.Health(health, Deadline()))  // connects
     {
      problem = daemon.ErrorText();
      return false;
     }
   for(int i = 0; i < InpRounds && !IsStopped(); i++)
     {
      const ulong begun_us = GetMicrosecondCount();
      if(!daemon.Health(health, Deadline()))
        {
         problem = daemon.ErrorText();
         return false;
        }
      trips.Add(GetMicrosecondCount() - begun_us);
     }
   PrintFormat("The daemon is %s and has answered %I64u requests, %I64u of them with an error",
               health.status, health.requests, health.errors);
   return true;
  }

// What an Expert Advisor waits on a new bar: gathering the bars, the way, the model. The daemon
// would answer the same window out of its cache: how long its model takes is told by the first.
bool MeasureForecasts(CRoundTrips &trips, string &problem)
  {
   CForecaster forecaster;
   CForecast forecast;
   forecaster.TimeLimit(InpTimeLimitMs);
   if(!forecaster.UseDaemon(InpEndpoint, InpModel) || !forecaster.Ask(forecast))
     {
      problem = forecaster.LastErrorText();
      return false;
     }
   PrintFormat("%s answered the bar of %s; its model took %u microseconds, the daemon %u in " +
               "all%s",
               forecast.Model(), TimeToString(forecast.Time()), forecast.InferMicroseconds(),
               forecast.ServerMicroseconds(), forecast.IsCached() ? " (out of its cache)" : "");
   for(int i = 0; i < InpRounds && !IsStopped(); i++)
     {
      if(!forecaster.Ask(forecast))
        {
         problem = forecaster.LastErrorText();
         return false;
        }
      trips.Add(forecaster.LastAskMicroseconds());
     }
   return true;
  }

string Verdict(const CRoundTrips &trips)
  {
   const double slowest = trips.Percentile(99.0);
   if(slowest <= PING_FAST_US)
      return "Verdict: fast. Nothing to do.";
   if(slowest <= PING_FAIR_US)
      return "Verdict: good for bars. For less, close programs that keep the processor busy, and " +
             "let the daemon run on this computer and not in a virtual machine.";
   return "Verdict: slow. The computer is busy, or the daemon is far away: look at the " +
          "processor's load in the Task Manager, exclude the daemon from real-time virus scans, " +
          "or run it nearer. Until then leave the time limit of your programs well above the " +
          "maximum.";
  }

void OnStart()
  {
   if(InpRounds < 1 || InpRounds > PING_MOST_ROUNDS)
     {
      Alert(StringFormat("Ping: give 1 to %d round trips", PING_MOST_ROUNDS));
      return;
     }
   string problem = "";
   CRoundTrips health;
   if(!MeasureHealth(health, problem))
     {
      Alert("Ping: ", problem);
      return;
     }
   health.Sort();
   CRoundTrips forecasts;
   const bool forecast = MeasureForecasts(forecasts, problem);
   forecasts.Sort();
   if(health.Count() > 0)
      health.Tell("health");
   if(forecasts.Count() > 0)
      forecasts.Tell("forecast");
   if(!forecast)
      Alert("Ping: the daemon is there, but gives no forecast for this chart. ", problem);
   else if(health.Count() > 0)
      Print(Verdict(health));
  }
