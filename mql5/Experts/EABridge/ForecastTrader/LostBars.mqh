//+------------------------------------------------------------------+
//| ForecastTrader/LostBars.mqh                                      |
//| Bars of a test that should have had a forecast and had none. A   |
//| test with holes is a test of something else.                     |
//+------------------------------------------------------------------+
#ifndef FORECAST_TRADER_LOST_BARS_MQH
#define FORECAST_TRADER_LOST_BARS_MQH

#include <EABridge/Errors.mqh>

#define FORECAST_TRADER_MOST_LOST_BARS 3     // in a row: then the test is stopped

class CLostBars
  {
private:
   int               m_total;
   int               m_in_a_row;

public:
                     CLostBars();
   void              Clear();
   void              Found()        { m_in_a_row = 0; }
   void              Lost(const ENUM_FORECAST_ERROR error, const string why);
   bool              Any() const    { return m_total > 0; }
  };

CLostBars::CLostBars()
  {
   Clear();
  }

void CLostBars::Clear()
  {
   m_total = 0;
   m_in_a_row = 0;
  }

// A bar of a test has no forecast. Where a history begins the terminal has too few bars, and a book
// need not cover all of a test: those are as they should be.
void CLostBars::Lost(const ENUM_FORECAST_ERROR error, const string why)
  {
   if(error == FORECAST_FEW_BARS || error == FORECAST_BOOK_NO_BAR)
      return;
   m_total++;
   m_in_a_row++;
   if(m_in_a_row < FORECAST_TRADER_MOST_LOST_BARS)
      return;
   PrintFormat("The test is stopped: %d bars in a row without a forecast. %s", m_in_a_row, why);
   TesterStop();
  }

#endif
