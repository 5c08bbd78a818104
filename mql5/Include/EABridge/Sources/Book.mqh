//+------------------------------------------------------------------+
//| EABridge/Sources/Book.mqh                                        |
//| A book: forecasts that `eabridge book` computed ahead over an    |
//| exported history, found by the time of a bar.                    |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_SOURCES_BOOK_MQH
#define EABRIDGE_SOURCES_BOOK_MQH

#include "Source.mqh"
#include "BookFile.mqh"

// Every entry carries a checksum of the bars it was computed from, so that a book of another
// broker's history is refused and not believed.
class CBookSource : public CSource
  {
private:
   CBookFile         m_file;
   CModelInfo        m_info;
   int               m_next;          // the entry after the last one found: most likely the next
   double            m_scale;         // units a price is counted in, per 1.0
   double            m_quantiles[];
   double            m_up[];

   int               Find(const datetime time);
   ulong             Checksum(const double &prices[]) const;
   ulong             Units(const double price) const;
   string            Named(const string text) const;

public:
                     CBookSource();
   bool              Open(const string file);
   virtual bool      Describe(CModelInfo &info, const ulong deadline_us) override;
   virtual bool      Ask(const CWindow &window, CForecast &forecast,
                         const ulong deadline_us) override;
   virtual void      Close() override;
   virtual ENUM_FORECAST_ERROR OtherTimeframe() const override
     {
      return FORECAST_BOOK_OTHER_TIMEFRAME;
     }
   virtual string    Name() const override;
  };

CBookSource::CBookSource()
   : m_next(0),
     m_scale(1.0)
  {
  }

// Looks for the file in MQL5/Files, then in the folder common to all terminals.
bool CBookSource::Open(const string file)
  {
   Close();
   if(!m_file.Open(file, m_info))
      return Fail(m_file.Error(), m_file.ErrorText());
   m_next = 0;
   m_scale = MathPow(10.0, m_file.Digits());
   ArrayResize(m_quantiles, m_info.horizon * ArraySize(m_info.levels));
   ArrayResize(m_up, m_info.horizon);
   return Succeed();
  }

bool CBookSource::Describe(CModelInfo &info, const ulong deadline_us)
  {
   if(!m_file.IsOpen())
      return Fail(m_file.Error(), m_file.ErrorText());
   info.Copy(m_info);
   return Succeed();
  }

bool CBookSource::Ask(const CWindow &window, CForecast &forecast, const ulong deadline_us)
  {
   if(!m_file.IsOpen())
      return Fail(m_file.Error(), m_file.ErrorText());
   const int entry = Find(window.Time());
   if(entry < 0)
      return Fail(FORECAST_BOOK_NO_BAR,
                  Named(StringFormat("has no forecast for the bar of %s: it goes from %s to %s. " +
                                     "Make it again with eabridge book, over a history that " +
                                     "covers the whole test",
                                     TimeToString(window.Time()), TimeToString(m_file.Time(0)),
                                     TimeToString(m_file.Time(m_file.Count() - 1)))));
   m_next = entry + 1;
   if(Checksum(window.values) != m_file.WindowChecksum(entry))
      return Fail(FORECAST_BOOK_OTHER_BARS,
                  Named(StringFormat("was made from %s bars that differ from this terminal's %s " +
                                     "bars up to %s. Export this terminal's bars with the script " +
                                     "ExportBars and make the book from that file",
                                     m_file.Symbol(), window.Symbol(),
                                     TimeToString(window.Time()))));
   if(!m_file.Read(entry, m_quantiles, m_up))
      return Fail(m_file.Error(), m_file.ErrorText());
   if(!forecast.Set(m_info.label, window, m_info.horizon, m_info.levels, m_quantiles, m_up))
      return Fail(FORECAST_BOOK_DAMAGED,
                  Named(StringFormat("has a forecast for %s that cannot be: make it again with " +
                                     "eabridge book", TimeToString(window.Time()))));
   return Succeed();
  }

void CBookSource::Close()
  {
   m_file.Close();
   m_info.Clear();
  }

string CBookSource::Name() const
  {
   return "book " + m_file.Name();
  }

// The entry for a bar; -1 where there is none. A test goes from bar to bar, so the one after the
// last is tried before the index is searched.
int CBookSource::Find(const datetime time)
  {
   if(m_next < m_file.Count() && m_file.Time(m_next) == time)
      return m_next;
   int low = 0;
   int high = m_file.Count() - 1;
   while(low <= high)
     {
      const int middle = low + (high - low) / 2;
      const datetime found = m_file.Time(middle);
      if(found == time)
         return middle;
      if(found < time)
         low = middle + 1;
      else
         high = middle - 1;
     }
   return -1;
  }

// The checksum of a window's prices.
ulong CBookSource::Checksum(const double &prices[]) const
  {
   const int count = ArraySize(prices);
   ulong sum = 0;
   int i = 0;
   for(; i + 3 < count; i += 4)
      sum = FoldFour(sum, Units(prices[i]), Units(prices[i + 1]), Units(prices[i + 2]),
                     Units(prices[i + 3]));
   for(; i < count; i++)
      sum = FoldOne(sum, Units(prices[i]));
   return sum;
  }

// A price in whole units of the history's last digit: two doubles for one price of the broker's
// are then one number. A price that no long holds is none that a history has.
ulong CBookSource::Units(const double price) const
  {
   return (ulong)(long)MathMin(price * m_scale + 0.5, 9.0e18);
  }

string CBookSource::Named(const string text) const
  {
   return "The book " + m_file.Name() + " " + text;
  }

#endif
