//+------------------------------------------------------------------+
//| EABridge/Forecast.mqh                                            |
//| The answer: quantiles of the close for each of the next bars,    |
//| and the probability that it is above the last close.             |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_FORECAST_MQH
#define EABRIDGE_FORECAST_MQH

#include "ModelInfo.mqh"
#include "Window.mqh"

// Bars ahead are counted from 1. What lies outside the model (a bar beyond its horizon, a level
// beyond its outermost ones) is answered with EMPTY_VALUE: an order at such a price is refused,
// so a mistake ends in no trade and not in a wrong one.
class CForecast
  {
private:
   string            m_model;
   string            m_symbol;
   datetime          m_time;
   int               m_timeframe;
   int               m_horizon;
   int               m_levels_count;
   double            m_last_close;
   double            m_point;
   double            m_levels[];
   double            m_quantiles[];   // m_horizon rows of m_levels_count prices
   double            m_up[];
   bool              m_cached;
   uint              m_infer_us;
   uint              m_server_us;

   int               Row(const int h) const;
   bool              IsSound() const;

public:
                     CForecast();
   void              Clear();
   bool              Set(const string model, const CWindow &window, const int horizon,
                         const double &levels[], const double &quantiles[], const double &up[]);
   void              SetTimings(const bool cached, const uint infer_us, const uint server_us);

   bool              IsValid() const         { return m_horizon > 0; }
   string            Model() const           { return m_model; }
   string            Symbol() const          { return m_symbol; }
   datetime          Time() const            { return m_time; }        // of the last bar read
   int               Timeframe() const       { return m_timeframe; }   // seconds per bar
   int               Horizon() const         { return m_horizon; }
   int               Levels() const          { return m_levels_count; }
   double            Level(const int i) const;
   double            LastClose() const       { return m_last_close; }
   int               AgeSeconds() const;
   bool              IsCached() const        { return m_cached; }      // out of the daemon's cache
   uint              InferMicroseconds() const   { return m_infer_us; }
   uint              ServerMicroseconds() const { return m_server_us; }

   double            Median(const int h) const;
   double            Quantile(const int h, const double level) const;
   bool              Interval(const int h, const double level, double &low, double &high) const;
   double            ProbUp(const int h) const;
   double            ProbAbove(const double price, const int h) const;
   double            ExpectedMovePoints(const int h) const;
  };

CForecast::CForecast()
  {
   Clear();
  }

void CForecast::Clear()
  {
   m_model = "";
   m_symbol = "";
   m_time = 0;
   m_timeframe = 0;
   m_horizon = 0;
   m_levels_count = 0;
   m_last_close = 0.0;
   m_point = 0.0;
   m_cached = false;
   m_infer_us = 0;
   m_server_us = 0;
  }

// Called by a source. Everything is copied. False, and the forecast is empty, where it is not
// sound: wrong sizes, numbers that are not finite, prices of a bar that descend, probabilities
// outside 0 to 1.
bool CForecast::Set(const string model, const CWindow &window, const int horizon,
                    const double &levels[], const double &quantiles[], const double &up[])
  {
   Clear();
   const int count = ArraySize(levels);
   if(horizon < 1 || horizon > EABRIDGE_MOST_BARS || !LevelsAreSound(levels) ||
      ArraySize(quantiles) != horizon * count || ArraySize(up) != horizon)
      return false;
   m_horizon = horizon;
   m_levels_count = count;
   ArrayResize(m_levels, count);
   ArrayCopy(m_levels, levels);
   ArrayResize(m_quantiles, horizon * count);
   ArrayCopy(m_quantiles, quantiles);
   ArrayResize(m_up, horizon);
   ArrayCopy(m_up, up);
   if(!IsSound())
     {
      Clear();
      return false;
     }
   m_model = model;
   m_symbol = window.Symbol();
   m_time = window.Time();
   m_timeframe = window.Timeframe();
   m_last_close = window.LastClose();
   m_point = SymbolInfoDouble(m_symbol, SYMBOL_POINT);
   return true;
  }

// What the daemon says of its own time.
void CForecast::SetTimings(const bool cached, const uint infer_us, const uint server_us)
  {
   m_cached = cached;
   m_infer_us = infer_us;
   m_server_us = server_us;
  }

double CForecast::Level(const int i) const
  {
   return i >= 0 && i < m_levels_count ? m_levels[i] : EMPTY_VALUE;
  }

// Seconds by the server's clock since the last bar read closed; 0 where the clock stands before
// that, as it does when no tick has come since.
int CForecast::AgeSeconds() const
  {
   const long age = (long)TimeCurrent() - (long)m_time - (long)m_timeframe;
   return (int)MathMin(MathMax(age, (long)0), (long)INT_MAX);
  }

double CForecast::Median(const int h) const
  {
   return Quantile(h, 0.5);
  }

// The price that the close h bars ahead stays below with probability `level`, linear between the
// model's levels.
double CForecast::Quantile(const int h, const double level) const
  {
   const int row = Row(h);
   if(row < 0 || !(level >= m_levels[0] && level <= m_levels[m_levels_count - 1]))
      return EMPTY_VALUE;
   int i = 0;
   while(i < m_levels_count - 1 && m_levels[i + 1] <= level)
      i++;
   const double price = m_quantiles[row + i];
   if(i == m_levels_count - 1 || level == m_levels[i])
      return price;
   const double slope = (m_quantiles[row + i + 1] - price) / (m_levels[i + 1] - m_levels[i]);
   return slope * (level - m_levels[i]) + price;
  }

// The prices between which the close h bars ahead lies with probability `level`, as much below
// as above: 0.8 is from the quantile 0.1 to 0.9. False, and both EMPTY_VALUE, where the model
// does not forecast that far out.
bool CForecast::Interval(const int h, const double level, double &low, double &high) const
  {
   // (1 - 0.8) / 2 is a hair less than 0.1: the outermost levels are meant all the same.
   const double hair = 1e-12;
   double lower = (1.0 - level) / 2.0;
   double upper = (1.0 + level) / 2.0;
   low = EMPTY_VALUE;
   high = EMPTY_VALUE;
   if(!IsValid() || !(level > 0.0 && level < 1.0))
      return false;
   if(MathAbs(lower - m_levels[0]) < hair)
      lower = m_levels[0];
   if(MathAbs(upper - m_levels[m_levels_count - 1]) < hair)
      upper = m_levels[m_levels_count - 1];
   const double bottom = Quantile(h, lower);
   const double top = Quantile(h, upper);
   if(bottom == EMPTY_VALUE || top == EMPTY_VALUE)
      return false;
   low = bottom;
   high = top;
   return true;
  }

// Probability that the close h bars ahead is above the last close.
double CForecast::ProbUp(const int h) const
  {
   return Row(h) < 0 ? EMPTY_VALUE : m_up[h - 1];
  }

// Probability that the close h bars ahead is above a price: linear between the model's quantiles.
// Beyond the outermost ones the model says no more than their levels.
double CForecast::ProbAbove(const double price, const int h) const
  {
   const int row = Row(h);
   if(row < 0 || !MathIsValidNumber(price))
      return EMPTY_VALUE;
   const int last = m_levels_count - 1;
   if(price < m_quantiles[row])
      return 1.0 - m_levels[0];
   if(price >= m_quantiles[row + last])
      return 1.0 - m_levels[last];
   int i = 0;
   while(m_quantiles[row + i + 1] <= price)
      i++;
   const double share = (price - m_quantiles[row + i]) /
                        (m_quantiles[row + i + 1] - m_quantiles[row + i]);
   return 1.0 - (m_levels[i] + share * (m_levels[i + 1] - m_levels[i]));
  }

// How far the median of the close h bars ahead lies above the last close, in points of the symbol.
double CForecast::ExpectedMovePoints(const int h) const
  {
   const double median = Median(h);
   return median == EMPTY_VALUE || m_point <= 0.0 ? EMPTY_VALUE : (median - m_last_close) / m_point;
  }

// Where the prices of the bar h ahead begin; -1 where there are none.
int CForecast::Row(const int h) const
  {
   return h >= 1 && h <= m_horizon ? (h - 1) * m_levels_count : -1;
  }

// What is no number is neither above nor below another: each test is one that it fails.
bool CForecast::IsSound() const
  {
   for(int h = 0; h < m_horizon; h++)
     {
      if(!(m_up[h] >= 0.0 && m_up[h] <= 1.0))
         return false;
      double below = 0.0;
      for(int i = h * m_levels_count; i < (h + 1) * m_levels_count; i++)
        {
         if(!(m_quantiles[i] >= below))
            return false;
         below = m_quantiles[i];
        }
      if(!MathIsValidNumber(below))
         return false;
     }
   return true;
  }

#endif
