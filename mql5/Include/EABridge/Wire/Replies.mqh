//+------------------------------------------------------------------+
//| EABridge/Wire/Replies.mqh                                        |
//| What a daemon answers, as values.                                |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_WIRE_REPLIES_MQH
#define EABRIDGE_WIRE_REPLIES_MQH

#include "../Fallible.mqh"
#include "../ModelInfo.mqh"
#include "Printable.mqh"
#include "Requests.mqh"
#include "Unpacker.mqh"

// A forecast as it came: whether its numbers make one is for CForecast to say.
class CForecastReply
  {
public:
   string            model;
   long              time;
   long              tf;
   int               horizon;
   double            levels[];
   double            quantiles[];
   double            up[];
   bool              cached;
   uint              infer_us;
   uint              server_us;

                     CForecastReply();
   void              Clear();
  };

// A daemon's state; the percentiles are of its latest forecasts.
class CHealth
  {
public:
   string            status;        // ready or draining
   ulong             uptime_s;
   ulong             requests;
   ulong             errors;
   ulong             queued;
   ulong             p50_us;
   ulong             p99_us;

                     CHealth();
  };

// One reply. Read takes its envelope, and checks all of its bytes; what it holds is then read by
// the method that fits what was asked.
class CReply : public CFallible
  {
private:
   CUnpacker         m_body;
   ulong             m_id;
   bool              m_ok;
   string            m_code;
   string            m_message;

   bool              Broken(const string what);
   uint              Clipped(const ulong value) const;
   int               Narrowed(const long value) const;
   bool              ReadModel(const string model, CModelInfo &info, bool &is_asked);

public:
                     CReply();
   bool              Read(const uchar &body[], const int count);
   ulong             Id() const   { return m_id; }
   bool              IsOk() const { return m_ok; }
   bool              Refuse();
   bool              ReadForecast(CForecastReply &forecast);
   bool              ReadHello(const string model, CModelInfo &info);
   bool              ReadHealth(CHealth &health);
  };

CForecastReply::CForecastReply()
  {
   Clear();
  }

void CForecastReply::Clear()
  {
   model = "";
   time = 0;
   tf = 0;
   horizon = 0;
   cached = false;
   infer_us = 0;
   server_us = 0;
   ArrayResize(levels, 0);
   ArrayResize(quantiles, 0);
   ArrayResize(up, 0);
  }

CHealth::CHealth()
   : status(""),
     uptime_s(0),
     requests(0),
     errors(0),
     queued(0),
     p50_us(0),
     p99_us(0)
  {
  }

CReply::CReply()
   : m_id(0),
     m_ok(false),
     m_code(""),
     m_message("")
  {
  }

bool CReply::Read(const uchar &body[], const int count)
  {
   long version = 0;
   bool has_id = false;
   bool has_ok = false;
   int entries = 0;
   m_ok = false;
   m_code = "";
   m_message = "";
   m_body.Load(body, 0, count);
   if(!m_body.IsOneMap())
      return Broken("bytes that are no message");
   m_body.MapOf(entries);
   for(int i = 0; i < entries && m_body.Key(); i++)
     {
      if(m_body.KeyIs("v"))
         m_body.Int(version);
      else if(m_body.KeyIs("id"))
         has_id = m_body.UInt(m_id);
      else if(m_body.KeyIs("ok"))
         has_ok = m_body.Bool(m_ok);
      else if(m_body.KeyIs("code"))
         m_body.String(m_code);
      else if(m_body.KeyIs("message"))
         m_body.String(m_message);
      else
         m_body.Skip();
     }
   if(m_body.IsBroken() || !has_id || !has_ok || version == 0)
      return Broken("no reply");
   if(version != EABRIDGE_PROTOCOL_VERSION)
      return Fail(FORECAST_BAD_VERSION,
                  StringFormat("The daemon speaks version %I64d of the protocol and this program " +
                               "version %d: update eabridge, then eabridge mt5 install, and " +
                               "compile again", version,
                               EABRIDGE_PROTOCOL_VERSION));
   return Succeed();
  }

// Fails as the daemon says that it did.
bool CReply::Refuse()
  {
   const ENUM_FORECAST_ERROR error = ForecastErrorFromCode(m_code);
   if(error == FORECAST_UNKNOWN_CODE)
      return Fail(error, Printable("The daemon answers " + m_code + ": " + m_message));
   return Fail(error, Printable(m_message));
  }

// What is missing stays as Clear leaves it, and is then refused like a value that cannot be.
bool CReply::ReadForecast(CForecastReply &forecast)
  {
   int entries = 0;
   ulong horizon = 0;
   ulong infer_us = 0;
   ulong server_us = 0;
   forecast.Clear();
   m_body.Rewind();
   m_body.MapOf(entries);
   for(int i = 0; i < entries && m_body.Key(); i++)
     {
      if(m_body.KeyIs("model"))
         m_body.String(forecast.model);
      else if(m_body.KeyIs("time"))
         m_body.Int(forecast.time);
      else if(m_body.KeyIs("tf"))
         m_body.Int(forecast.tf);
      else if(m_body.KeyIs("horizon"))
         m_body.UInt(horizon);
      else if(m_body.KeyIs("levels"))
         m_body.Doubles(forecast.levels);
      else if(m_body.KeyIs("quantiles"))
         m_body.Doubles(forecast.quantiles);
      else if(m_body.KeyIs("up"))
         m_body.Doubles(forecast.up);
      else if(m_body.KeyIs("cached"))
         m_body.Bool(forecast.cached);
      else if(m_body.KeyIs("infer_us"))
         m_body.UInt(infer_us);
      else if(m_body.KeyIs("server_us"))
         m_body.UInt(server_us);
      else
         m_body.Skip();
     }
   if(m_body.IsBroken() || forecast.model == "" || horizon < 1 || horizon > EABRIDGE_MOST_BARS)
      return Broken("a forecast that cannot be read");
   forecast.model = Printable(forecast.model);
   forecast.horizon = (int)horizon;
   forecast.infer_us = Clipped(infer_us);
   forecast.server_us = Clipped(server_us);
   return Succeed();
  }

// Finds a model by its name, by name@version, or the default where `model` is empty. Of those with
// one name the first is meant, as it is when it is asked.
bool CReply::ReadHello(const string model, CModelInfo &info)
  {
   CModelInfo each;
   string labels = "";
   bool found = false;
   int entries = 0;
   int models = 0;
   m_body.Rewind();
   m_body.MapOf(entries);
   for(int i = 0; i < entries && m_body.Key(); i++)
     {
      if(!m_body.KeyIs("models"))
        {
         m_body.Skip();
         continue;
        }
      m_body.ArrayOf(models);
      for(int n = 0; n < models && !m_body.IsBroken(); n++)
        {
         bool is_asked = false;
         if(!ReadModel(model, each, is_asked))
            continue;
         labels += (labels == "" ? "" : ", ") + each.label;
         if(is_asked && !found)
           {
            info.Copy(each);
            found = true;
           }
        }
     }
   if(m_body.IsBroken() || (found && !info.IsSound()))
      return Broken("a description of its models that cannot be read");
   if(found)
      return Succeed();
   return Fail(FORECAST_UNKNOWN_MODEL,
               Printable(StringFormat("The daemon has no model '%s': it has %s", model,
                                      labels == "" ? "none that forecasts" : labels)));
  }

// One model of hello's; false where it is none that forecasts. A field of another type than it
// should have is left out: models for other tasks may have fields of their own.
bool CReply::ReadModel(const string model, CModelInfo &info, bool &is_asked)
  {
   string name = "";
   string version = "";
   string task = "";
   string inputs = "";
   long context = 0;
   long horizon = 0;
   long tf = 0;
   bool is_default = false;
   int entries = 0;
   info.Clear();
   m_body.MapOf(entries);
   for(int i = 0; i < entries && m_body.Key(); i++)
     {
      const ENUM_WIRE_TYPE type = m_body.Peek();
      if(type == WIRE_STRING && m_body.KeyIs("name"))
         m_body.String(name);
      else if(type == WIRE_STRING && m_body.KeyIs("version"))
         m_body.String(version);
      else if(type == WIRE_STRING && m_body.KeyIs("task"))
         m_body.String(task);
      else if(type == WIRE_STRING && m_body.KeyIs("inputs"))
         m_body.String(inputs);
      else if(type == WIRE_INT && m_body.KeyIs("context"))
         m_body.Int(context);
      else if(type == WIRE_INT && m_body.KeyIs("horizon"))
         m_body.Int(horizon);
      else if(type == WIRE_INT && m_body.KeyIs("tf"))
         m_body.Int(tf);
      else if(type == WIRE_ARRAY && m_body.KeyIs("levels"))
         m_body.Doubles(info.levels);
      else if(type == WIRE_BOOL && m_body.KeyIs("default"))
         m_body.Bool(is_default);
      else
         m_body.Skip();
     }
   info.label = Printable(name + "@" + version);
   info.columns = inputs == "ohlc" ? 4 : (inputs == "close" ? 1 : 0);
   info.context = Narrowed(context);
   info.horizon = Narrowed(horizon);
   info.tf = Narrowed(tf);
   is_asked = model == "" ? is_default : (model == name || model == info.label);
   return task == "forecast";
  }

bool CReply::ReadHealth(CHealth &health)
  {
   int entries = 0;
   m_body.Rewind();
   m_body.MapOf(entries);
   for(int i = 0; i < entries && m_body.Key(); i++)
     {
      if(m_body.KeyIs("status"))
         m_body.String(health.status);
      else if(m_body.KeyIs("uptime_s"))
         m_body.UInt(health.uptime_s);
      else if(m_body.KeyIs("requests"))
         m_body.UInt(health.requests);
      else if(m_body.KeyIs("errors"))
         m_body.UInt(health.errors);
      else if(m_body.KeyIs("queued"))
         m_body.UInt(health.queued);
      else if(m_body.KeyIs("p50_us"))
         m_body.UInt(health.p50_us);
      else if(m_body.KeyIs("p99_us"))
         m_body.UInt(health.p99_us);
      else
         m_body.Skip();
     }
   if(m_body.IsBroken() || health.status == "")
      return Broken("a state of health that cannot be read");
   health.status = Printable(health.status);
   return Succeed();
  }

bool CReply::Broken(const string what)
  {
   return Fail(FORECAST_BAD_REPLY,
               "What listens there answers with " + what + ": if it is an eabridge daemon, update " +
               "eabridge, then eabridge mt5 install, and compile again");
  }

uint CReply::Clipped(const ulong value) const
  {
   return (uint)MathMin(value, (ulong)UINT_MAX);
  }

// A number of bars or seconds; -1, which nobody takes for one, where it is beyond any.
int CReply::Narrowed(const long value) const
  {
   return (value < 0 || value > (long)INT_MAX) ? -1 : (int)value;
  }

#endif
