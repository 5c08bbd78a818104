//+------------------------------------------------------------------+
//| EABridge/Sources/Embedded.mqh                                    |
//| The model inside the terminal: the bundle's own graph, run by    |
//| the terminal's ONNX Runtime. Works everywhere, also on remote    |
//| agents, and needs no daemon.                                     |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_SOURCES_EMBEDDED_MQH
#define EABRIDGE_SOURCES_EMBEDDED_MQH

#include "Source.mqh"

// A model compiled into the program. `eabridge mt5 install` writes one for a bundle, with its
// graph as a resource, into EABridge/Models.
class CEmbeddedModel
  {
public:
   virtual          ~CEmbeddedModel() {}
   virtual void      Describe(CModelInfo &info) = 0;
   // The handle of OnnxCreateFromBuffer.
   virtual long      Create() = 0;
  };

// A run inside the terminal cannot be cut short: it takes well under a millisecond, so deadlines
// are left to it.
class CEmbeddedSource : public CSource
  {
private:
   CEmbeddedModel   *m_model;          // not owned
   CModelInfo        m_info;
   long              m_session;
   double            m_bars[];
   double            m_time[];
   double            m_quantiles[];
   double            m_up[];

   bool              SetShapes();
   bool              FailWith(const string what);

public:
                     CEmbeddedSource(CEmbeddedModel *model);
   virtual          ~CEmbeddedSource()    { Close(); }
   bool              Open();
   virtual bool      Describe(CModelInfo &info, const ulong deadline_us) override;
   virtual bool      Ask(const CWindow &window, CForecast &forecast,
                         const ulong deadline_us) override;
   virtual void      Close() override;
   virtual string    Name() const override    { return "model inside the terminal"; }
  };

CEmbeddedSource::CEmbeddedSource(CEmbeddedModel *model)
   : m_model(model),
     m_session(INVALID_HANDLE)
  {
  }

bool CEmbeddedSource::Open()
  {
   Close();
   m_model.Describe(m_info);
   if(!m_info.IsSound())
      return Fail(FORECAST_EMBED_FAILED, "");
   ResetLastError();
   m_session = m_model.Create();
   if(m_session == INVALID_HANDLE)
      return FailWith("cannot be loaded");
   if(!SetShapes())
     {
      FailWith("does not read and forecast what its description says");
      Close();
      return false;
     }
   ArrayResize(m_bars, m_info.context * m_info.columns);
   ArrayResize(m_time, 1);
   ArrayResize(m_quantiles, m_info.horizon * ArraySize(m_info.levels));
   ArrayResize(m_up, m_info.horizon);
   return Succeed();
  }

bool CEmbeddedSource::Describe(CModelInfo &info, const ulong deadline_us)
  {
   if(m_session == INVALID_HANDLE)
      return Fail(Error(), ErrorText());
   info.Copy(m_info);
   return Succeed();
  }

bool CEmbeddedSource::Ask(const CWindow &window, CForecast &forecast, const ulong deadline_us)
  {
   if(m_session == INVALID_HANDLE)
      return Fail(Error(), ErrorText());
   ArrayCopy(m_bars, window.values);
   m_time[0] = (double)(long)window.Time();
   ResetLastError();
   if(!OnnxRun(m_session, ONNX_NO_CONVERSION, m_bars, m_time, m_quantiles, m_up))
      return FailWith("cannot be run");
   if(!forecast.Set(m_info.label, window, m_info.horizon, m_info.levels, m_quantiles, m_up))
      return FailWith("gives a forecast that cannot be");
   return Succeed();
  }

void CEmbeddedSource::Close()
  {
   if(m_session != INVALID_HANDLE)
      OnnxRelease(m_session);
   m_session = INVALID_HANDLE;
  }

// The graph takes batches of any size; the terminal wants it fixed before the first run.
bool CEmbeddedSource::SetShapes()
  {
   const long context = m_info.context;
   const long horizon = m_info.horizon;
   long bars[];
   long time[];
   long quantiles[];
   long up[];
   ArrayResize(bars, m_info.columns == 4 ? 3 : 2);
   ArrayResize(time, 1);
   ArrayResize(quantiles, 3);
   ArrayResize(up, 2);
   bars[0] = 1;
   bars[1] = context;
   if(m_info.columns == 4)
      bars[2] = 4;
   time[0] = 1;
   quantiles[0] = 1;
   quantiles[1] = horizon;
   quantiles[2] = ArraySize(m_info.levels);
   up[0] = 1;
   up[1] = horizon;
   return OnnxSetInputShape(m_session, 0, bars) && OnnxSetInputShape(m_session, 1, time) &&
          OnnxSetOutputShape(m_session, 0, quantiles) && OnnxSetOutputShape(m_session, 1, up);
  }

bool CEmbeddedSource::FailWith(const string what)
  {
   return Fail(FORECAST_EMBED_FAILED,
               StringFormat("The model %s inside the terminal %s (error %d): install it again " +
                            "with eabridge mt5 install, and update the terminal (Help > Check " +
                            "Desktop Updates)", m_info.label, what, GetLastError()));
  }

#endif
