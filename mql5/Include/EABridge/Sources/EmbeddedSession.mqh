//+------------------------------------------------------------------+
//| EABridge/Sources/EmbeddedSession.mqh                             |
//| One model inside the program, and the terminal's session that    |
//| runs its graph.                                                  |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_SOURCES_EMBEDDED_SESSION_MQH
#define EABRIDGE_SOURCES_EMBEDDED_SESSION_MQH

#include "../Fallible.mqh"
#include "../Forecast.mqh"
#include "../ModelInfo.mqh"
#include "../Window.mqh"

// A model compiled into the program. `eabridge mt5 install` writes one for a bundle, with its
// graph as a resource, into EABridge/Models.
class CEmbeddedModel
  {
public:
   virtual          ~CEmbeddedModel() {}
   virtual void      Describe(CModelInfo &info) = 0;
   // The handle of OnnxCreateFromBuffer.
   virtual long      Create() = 0;
   // The model that answers for a symbol: this one, or a specialist of it in its place, which
   // reads and forecasts alike.
   virtual CEmbeddedModel *Answering(const string symbol)  { return GetPointer(this); }
  };

class CEmbeddedSession : public CFallible
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
                     CEmbeddedSession(CEmbeddedModel *model);
                    ~CEmbeddedSession()       { Close(); }
   bool              Open();
   bool              IsOf(const CEmbeddedModel *model) const   { return m_model == model; }
   void              Describe(CModelInfo &info) const          { info.Copy(m_info); }
   bool              Ask(const CWindow &window, CForecast &forecast);
   void              Close();
  };

CEmbeddedSession::CEmbeddedSession(CEmbeddedModel *model)
   : m_model(model),
     m_session(INVALID_HANDLE)
  {
  }

bool CEmbeddedSession::Open()
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

bool CEmbeddedSession::Ask(const CWindow &window, CForecast &forecast)
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

void CEmbeddedSession::Close()
  {
   if(m_session != INVALID_HANDLE)
      OnnxRelease(m_session);
   m_session = INVALID_HANDLE;
  }

// The graph takes batches of any size; the terminal wants it fixed before the first run.
bool CEmbeddedSession::SetShapes()
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

bool CEmbeddedSession::FailWith(const string what)
  {
   return Fail(FORECAST_EMBED_FAILED,
               StringFormat("The model %s inside the terminal %s (error %d): install it again " +
                            "with eabridge mt5 install, and update the terminal (Help > Check " +
                            "Desktop Updates)", m_info.label, what, GetLastError()));
  }

#endif
