//+------------------------------------------------------------------+
//| EABridge/Sources/Embedded.mqh                                    |
//| The model inside the terminal: the bundle's own graph, run by    |
//| the terminal's ONNX Runtime. Works everywhere, also on remote    |
//| agents, and needs no daemon.                                     |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_SOURCES_EMBEDDED_MQH
#define EABRIDGE_SOURCES_EMBEDDED_MQH

#include "Source.mqh"
#include "EmbeddedSession.mqh"

// A run inside the terminal cannot be cut short: it takes well under a millisecond, so deadlines
// are left to it. A model's specialists are loaded when their symbols are first asked for.
class CEmbeddedSource : public CSource
  {
private:
   CEmbeddedModel   *m_model;          // not owned
   CEmbeddedSession *m_sessions[];     // owned; one for each model that was asked
   CEmbeddedSession *m_current;        // the one that answers for m_symbol; NULL before the first
   string            m_symbol;

   bool              Choose(const string symbol);

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
     m_current(NULL),
     m_symbol("")
  {
  }

bool CEmbeddedSource::Open()
  {
   Close();
   return Choose(_Symbol);
  }

bool CEmbeddedSource::Describe(CModelInfo &info, const ulong deadline_us)
  {
   if(m_current == NULL)
      return Fail(Error(), ErrorText());
   m_current.Describe(info);
   return Succeed();
  }

bool CEmbeddedSource::Ask(const CWindow &window, CForecast &forecast, const ulong deadline_us)
  {
   if(m_current == NULL)
      return Fail(Error(), ErrorText());
   if(window.Symbol() != m_symbol && !Choose(window.Symbol()))
      return false;
   return m_current.Ask(window, forecast) ? Succeed()
                                          : Fail(m_current.Error(), m_current.ErrorText());
  }

void CEmbeddedSource::Close()
  {
   for(int i = 0; i < ArraySize(m_sessions); i++)
      delete m_sessions[i];
   ArrayFree(m_sessions);
   m_current = NULL;
   m_symbol = "";
  }

// Takes the session of the model that answers for a symbol, and opens it where it is the first.
bool CEmbeddedSource::Choose(const string symbol)
  {
   CEmbeddedModel *model = m_model.Answering(symbol);
   const int count = ArraySize(m_sessions);
   for(int i = 0; i < count; i++)
      if(m_sessions[i].IsOf(model))
        {
         m_current = m_sessions[i];
         m_symbol = symbol;
         return Succeed();
        }
   CEmbeddedSession *session = new CEmbeddedSession(model);
   if(!session.Open())
     {
      Fail(session.Error(), session.ErrorText());
      delete session;
      return false;
     }
   ArrayResize(m_sessions, count + 1);
   m_sessions[count] = session;
   m_current = session;
   m_symbol = symbol;
   return Succeed();
  }

#endif
