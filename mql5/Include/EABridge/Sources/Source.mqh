//+------------------------------------------------------------------+
//| EABridge/Sources/Source.mqh                                      |
//| Where forecasts come from: the one interface of the daemon, the  |
//| book and the model inside the terminal.                          |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_SOURCE_MQH
#define EABRIDGE_SOURCE_MQH

#include "../Fallible.mqh"
#include "../Forecast.mqh"
#include "../ModelInfo.mqh"
#include "../Window.mqh"

// Deadlines are moments on GetMicrosecondCount's clock, which is real time in the tester too.
// A call that fails returns false, and Error and ErrorText say why.
class CSource : public CFallible
  {
public:
   virtual            ~CSource() {}

   // What the model reads and forecasts.
   virtual bool        Describe(CModelInfo &info, const ulong deadline_us) = 0;
   // The forecast for a window that has what Describe asked for.
   virtual bool        Ask(const CWindow &window, CForecast &forecast, const ulong deadline_us) = 0;
   // Whether the source is still there; for one without a connection it always is.
   virtual bool        Beat(const ulong deadline_us)  { return Succeed(); }
   virtual void        Close()                        {}
   // What it is called when the chart is of another timeframe than the model.
   virtual ENUM_FORECAST_ERROR OtherTimeframe() const { return FORECAST_OTHER_TIMEFRAME; }
   // A few words for a panel.
   virtual string      Name() const = 0;
  };

#endif
