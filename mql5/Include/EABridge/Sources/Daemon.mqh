//+------------------------------------------------------------------+
//| EABridge/Sources/Daemon.mqh                                      |
//| Forecasts from a daemon: `eabridge serve`.                       |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_SOURCES_DAEMON_MQH
#define EABRIDGE_SOURCES_DAEMON_MQH

#include "../Wire/Requests.mqh"
#include "../Zmtp/NativeSocket.mqh"
#include "DaemonLink.mqh"
#include "Source.mqh"

// DLLs are bound when a program starts: one that is not to need them must not even name them. So
// these two are the program's to choose, by a #define before its #include.
#ifdef EABRIDGE_WINSOCK
#include "../Zmtp/Winsock.mqh"
#endif
#ifdef EABRIDGE_LIBZMQ
#include "../Zmtp/Libzmq.mqh"
#endif

// A daemon that was heard of within this time needs no heartbeat.
#define EABRIDGE_BEAT_AFTER_US 1000000

// Connects when it is first asked, and again whenever the connection is lost: a daemon that is
// restarted is found within the same question, if its time allows.
class CDaemonSource : public CSource
  {
private:
   CDaemonLink       m_link;
   string            m_model;
   CModelInfo        m_info;
   bool              m_described;    // m_info is what the connected daemon said of the model
   CPacker           m_request;
   CReply            m_reply;
   CForecastReply    m_answer;
#ifdef EABRIDGE_LIBZMQ
   CCurveKeys        m_keys;
#endif

   CChannel         *NewChannel();
   bool              DllsAreAllowed();
   bool              Ready(const ulong deadline_us);
   bool              AskOnce(const CWindow &window, CForecast &forecast, const ulong deadline_us);
   bool              CheckWindow(const CWindow &window);
   bool              Take(const CWindow &window, CForecast &forecast);
   bool              Refused();

public:
                     CDaemonSource();
   bool              Open(const string endpoint, const string model);
   virtual bool      Describe(CModelInfo &info, const ulong deadline_us) override;
   virtual bool      Ask(const CWindow &window, CForecast &forecast,
                         const ulong deadline_us) override;
   virtual bool      Beat(const ulong deadline_us) override;
   virtual void      Close() override;
   virtual string    Name() const override { return "daemon " + m_link.Name(); }
   bool              Health(CHealth &health, const ulong deadline_us);
#ifdef EABRIDGE_LIBZMQ
   void              Curve(const string server_key, const string public_key,
                           const string secret_key);
#endif
  };

CDaemonSource::CDaemonSource()
   : m_model(""),
     m_described(false)
  {
  }

// Chooses endpoint and model. An empty model is the daemon's default. Connects to nothing yet.
bool CDaemonSource::Open(const string endpoint, const string model)
  {
   m_model = model;
   m_described = false;
   if(!m_link.Aim(endpoint))
      return FailAs(m_link);
   CChannel *channel = NewChannel();
   m_link.Use(channel);
   return channel != NULL && Succeed();
  }

// What the connected daemon says of the model: asked once in a connection, and again after a
// refusal that shows it to be out of date.
bool CDaemonSource::Describe(CModelInfo &info, const ulong deadline_us)
  {
   if(!Ready(deadline_us))
      return false;
   info.Copy(m_info);
   return Succeed();
  }

// Where the connection turns out to be lost, which a daemon's restart is not seen by before it is
// used, the same is asked once more on a new one.
bool CDaemonSource::Ask(const CWindow &window, CForecast &forecast, const ulong deadline_us)
  {
   if(AskOnce(window, forecast, deadline_us))
      return true;
   if(Error() != FORECAST_LOST || m_link.IsBackingOff())
      return false;
   return AskOnce(window, forecast, deadline_us);
  }

// Whether the daemon is there and answers. It says itself how it is: that its network does is not
// enough. False, and asked at once or never, as long as connecting waits.
bool CDaemonSource::Beat(const ulong deadline_us)
  {
   if(m_link.HeardWithin(EABRIDGE_BEAT_AFTER_US))
      return Succeed();
   CHealth health;
   if(Health(health, deadline_us))
      return true;
   if(Error() != FORECAST_LOST || m_link.IsBackingOff())
      return false;
   return Ready(deadline_us) && Succeed();
  }

bool CDaemonSource::Health(CHealth &health, const ulong deadline_us)
  {
   if(!Ready(deadline_us))
      return false;
   const ulong id = m_link.NextId();
   PackHealth(m_request, id, MillisecondsLeft(deadline_us));
   if(!m_link.Exchange(m_request, id, m_reply, deadline_us))
      return FailAs(m_link);
   if(!m_reply.IsOk())
      return Refused();
   return m_reply.ReadHealth(health) ? Succeed() : FailAs(m_reply);
  }

void CDaemonSource::Close()
  {
   m_link.Close();
   m_described = false;
  }

#ifdef EABRIDGE_LIBZMQ
// The daemon's public key and this program's own pair, 40 letters each (Z85), for an address
// beyond this computer. Call it before Open. Without a pair of its own the program makes one, which
// a daemon lets in only if it is told to.
void CDaemonSource::Curve(const string server_key, const string public_key,
                          const string secret_key)
  {
   m_keys.Set(server_key, public_key, secret_key);
  }
#endif

// What carries the messages: libzmq where it is compiled in; else the terminal's own sockets, and
// in the tester, which refuses those, winsock. NULL, and Error says why, where there is nothing.
CChannel *CDaemonSource::NewChannel()
  {
#ifdef EABRIDGE_LIBZMQ
   if(DllsAreAllowed())
      return new CLibzmqChannel(m_keys);
   return NULL;
#else
   if(MQLInfoInteger(MQL_TESTER) == 0)
      return new CZmtpChannel(new CNativeSocket());
#ifdef EABRIDGE_WINSOCK
   if(DllsAreAllowed())
      return new CZmtpChannel(new CWinsock());
   return NULL;
#else
   Fail(FORECAST_NEEDS_DLL, "");
   return NULL;
#endif
#endif
  }

// A terminal that lets a program start whose DLLs it refuses ends it at their first use.
bool CDaemonSource::DllsAreAllowed()
  {
   return MQLInfoInteger(MQL_DLLS_ALLOWED) != 0 || Fail(FORECAST_DLL_NOT_ALLOWED, "");
  }

// Connected, and told of the model.
bool CDaemonSource::Ready(const ulong deadline_us)
  {
   if(!m_link.IsUsable())
      return false;   // Open has said why
   if(!m_link.IsOpen())
     {
      m_described = false;
      if(!m_link.Connect(deadline_us))
         return FailAs(m_link);
     }
   if(m_described)
      return true;
   const ulong id = m_link.NextId();
   PackHello(m_request, id, MillisecondsLeft(deadline_us));
   if(!m_link.Exchange(m_request, id, m_reply, deadline_us))
      return FailAs(m_link);
   if(!m_reply.IsOk())
      return Refused();
   m_described = m_reply.ReadHello(m_model, m_info);
   return m_described || FailAs(m_reply);
  }

bool CDaemonSource::AskOnce(const CWindow &window, CForecast &forecast, const ulong deadline_us)
  {
   if(!Ready(deadline_us) || !CheckWindow(window))
      return false;
   const ulong id = m_link.NextId();
   PackForecast(m_request, id, MillisecondsLeft(deadline_us), m_model, window);
   if(!m_link.Exchange(m_request, id, m_reply, deadline_us))
      return FailAs(m_link);
   return m_reply.IsOk() ? Take(window, forecast) : Refused();
  }

// Whether the window suits the model that the daemon has now: it may have been restarted with
// another one since the window was gathered.
bool CDaemonSource::CheckWindow(const CWindow &window)
  {
   if(window.Bars() >= m_info.context && window.Columns() >= m_info.columns)
      return true;
   return Fail(FORECAST_SHORT_WINDOW,
               StringFormat("The daemon now serves %s, which reads %d bars: ask again",
                            m_info.label, m_info.context));
  }

bool CDaemonSource::Take(const CWindow &window, CForecast &forecast)
  {
   if(!m_reply.ReadForecast(m_answer))
      return FailAs(m_reply);
   if(m_answer.time != (long)window.Time() || m_answer.tf != window.Timeframe())
      return Fail(FORECAST_BAD_REPLY, "The daemon answered for another bar: please report it");
   if(!forecast.Set(m_answer.model, window, m_answer.horizon, m_answer.levels, m_answer.quantiles,
                    m_answer.up))
      return Fail(FORECAST_BAD_REPLY,
                  "The daemon sent numbers that make no forecast: please report it");
   forecast.SetTimings(m_answer.cached, m_answer.infer_us, m_answer.server_us);
   return Succeed();
  }

// Some refusals say that the daemon has other models than it had when it described them.
bool CDaemonSource::Refused()
  {
   m_reply.Refuse();
   const ENUM_FORECAST_ERROR error = m_reply.Error();
   if(error == FORECAST_SHORT_WINDOW || error == FORECAST_BAD_FIELD ||
      error == FORECAST_WRONG_TIMEFRAME || error == FORECAST_UNKNOWN_MODEL)
      m_described = false;
   return FailAs(m_reply);
  }

#endif
