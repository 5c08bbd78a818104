//+------------------------------------------------------------------+
//| EABridge/Window.mqh                                              |
//| The last closed bars of one chart: what a model reads.           |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_WINDOW_MQH
#define EABRIDGE_WINDOW_MQH

#include "Fallible.mqh"
#include "Timeframe.mqh"

class CWindow : public CFallible
  {
private:
   string              m_symbol;
   ENUM_TIMEFRAMES     m_period;
   int                 m_timeframe;
   int                 m_bars;
   int                 m_columns;
   datetime            m_time;
   double              m_last_close;
   MqlRates            m_rates[];

   bool                CheckBars();
   void                TakeValues();

public:
   // The prices, oldest bar first: m_bars closes, or m_bars rows of open, high, low, close.
   double              values[];

                       CWindow();
   bool                Gather(const string symbol, const ENUM_TIMEFRAMES period, const int bars,
                              const int columns);
   void                Set(const string symbol, const ENUM_TIMEFRAMES period, const datetime time,
                           const int columns, const double &prices[]);

   string              Symbol() const       { return m_symbol; }
   ENUM_TIMEFRAMES     Period() const       { return m_period; }
   int                 Timeframe() const    { return m_timeframe; }    // seconds per bar
   int                 Bars() const         { return m_bars; }
   int                 Columns() const      { return m_columns; }
   datetime            Time() const         { return m_time; }         // the last bar's open time
   double              LastClose() const    { return m_last_close; }
  };

CWindow::CWindow()
   : m_symbol(""),
     m_period(PERIOD_CURRENT),
     m_timeframe(0),
     m_bars(0),
     m_columns(0),
     m_time(0),
     m_last_close(0.0)
  {
  }

// Takes the last `bars` closed bars from the terminal. Shift 0 is the bar that still forms, so
// the copy starts at 1. False, and Error says why, where they are not all there or cannot be.
bool CWindow::Gather(const string symbol, const ENUM_TIMEFRAMES period, const int bars,
                     const int columns)
  {
   m_symbol = symbol;
   m_period = period;
   m_timeframe = PeriodSeconds(period);
   m_columns = columns;
   m_bars = 0;
   ArraySetAsSeries(m_rates, false);
   ResetLastError();
   const int copied = CopyRates(symbol, period, 1, bars, m_rates);
   if(copied < bars)
      return Fail(FORECAST_FEW_BARS,
                  StringFormat("The model reads %d closed bars of %s %s and the terminal has %d " +
                               "(error %d): scroll that chart back so that it loads more, or " +
                               "start the test at a later date",
                               bars, symbol, TimeframeName(m_timeframe), copied < 0 ? 0 : copied,
                               GetLastError()));
   m_bars = copied;
   if(!CheckBars())
      return false;
   TakeValues();
   return Succeed();
  }

// Fills the window with given prices, which are not checked.
void CWindow::Set(const string symbol, const ENUM_TIMEFRAMES period, const datetime time,
                  const int columns, const double &prices[])
  {
   m_symbol = symbol;
   m_period = period;
   m_timeframe = PeriodSeconds(period);
   m_columns = columns;
   m_bars = ArraySize(prices) / columns;
   m_time = time;
   ArrayResize(values, ArraySize(prices));
   ArrayCopy(values, prices);
   m_last_close = m_bars > 0 ? values[m_bars * columns - 1] : 0.0;
  }

// Whether time ascends and every price can be one. High below low is among what cannot be: the
// daemon refuses it, and so must the sources that do not ask the daemon.
bool CWindow::CheckBars()
  {
   for(int i = 0; i < m_bars; i++)
     {
      const bool numbers = MathIsValidNumber(m_rates[i].open) &&
                           MathIsValidNumber(m_rates[i].high) &&
                           MathIsValidNumber(m_rates[i].low) &&
                           MathIsValidNumber(m_rates[i].close);
      if(!numbers || m_rates[i].open <= 0.0 || m_rates[i].low <= 0.0 || m_rates[i].close <= 0.0 ||
         m_rates[i].high < m_rates[i].low)
         return Fail(FORECAST_BAD_VALUES,
                     StringFormat("The bar of %s at %s has prices that cannot be: refresh the " +
                                  "chart's history (right click > Refresh)",
                                  m_symbol, TimeToString(m_rates[i].time)));
      if(i > 0 && m_rates[i].time <= m_rates[i - 1].time)
         return Fail(FORECAST_BAD_VALUES,
                     StringFormat("The bars of %s are out of order at %s: refresh the chart's " +
                                  "history (right click > Refresh)",
                                  m_symbol, TimeToString(m_rates[i].time)));
     }
   return true;
  }

void CWindow::TakeValues()
  {
   ArrayResize(values, m_bars * m_columns);
   for(int i = 0; i < m_bars; i++)
     {
      if(m_columns == 1)
        {
         values[i] = m_rates[i].close;
         continue;
        }
      values[i * 4] = m_rates[i].open;
      values[i * 4 + 1] = m_rates[i].high;
      values[i * 4 + 2] = m_rates[i].low;
      values[i * 4 + 3] = m_rates[i].close;
     }
   m_time = m_rates[m_bars - 1].time;
   m_last_close = m_rates[m_bars - 1].close;
  }

#endif
