//+------------------------------------------------------------------+
//| Network.mq5                                                      |
//| Does the steps that a test names, over a channel or with the     |
//| source of forecasts above it, and tells how each went and how    |
//| long it took: "step|outcome|milliseconds".                       |
//+------------------------------------------------------------------+
#include <EABridge/Sources/Daemon.mqh>
#include <EABridge/Zmtp/Winsock.mqh>
#include <SyntheticWindow.mqh>

input string Steps = "";              // "connect 250;ask 250 hello"
input string Endpoint = "";
input string Model = "";
input string Carrier = "native";      // or winsock, libzmq
input string ServerKey = "";
input string PublicKey = "";
input string SecretKey = "";

CEndpoint     g_endpoint;
CChannel     *g_channel = NULL;
uchar         g_body[];
CDaemonSource g_source;
CModelInfo    g_info;
CForecast     g_forecast;

CChannel *NewChannel()
  {
   if(Carrier == "winsock")
      return new CZmtpChannel(new CWinsock());
#ifdef EABRIDGE_LIBZMQ
   if(Carrier == "libzmq")
     {
      CCurveKeys keys;
      keys.Set(ServerKey, PublicKey, SecretKey);
      return new CLibzmqChannel(keys);
     }
#endif
   return new CZmtpChannel(new CNativeSocket());
  }

string Failure(const CFallible &what)
  {
   return ForecastErrorName(what.Error()) + "|" + what.ErrorText();
  }

string ChannelFailure()
  {
   return ForecastErrorName(g_channel.Error()) + (g_channel.IsOpen() ? "" : ", closed") + "|" +
          g_channel.ErrorText();
  }

string HexOfDouble(const double value)
  {
   DoubleBits number;
   number.value = value;
   return StringFormat("%016I64x", number.bits);
  }

ulong Deadline(const int milliseconds)
  {
   return GetMicrosecondCount() + (ulong)milliseconds * 1000;
  }

bool Send(const string text, const ulong deadline_us)
  {
   uchar bytes[];
   const int count = StringToCharArray(text, bytes, 0, WHOLE_ARRAY, CP_UTF8) - 1;
   return g_channel.Request(bytes, count, deadline_us);
  }

string Receive(const ulong deadline_us)
  {
   int count = 0;
   if(!g_channel.Reply(g_body, count, deadline_us))
      return ChannelFailure();
   return count == 0 ? "ok|" : "ok|" + CharArrayToString(g_body, 0, count, CP_UTF8);
  }

// Sends `count` bytes of all values, and tells whether they come back.
string Echo(const int count, const ulong deadline_us)
  {
   uchar bytes[];
   int came = 0;
   ArrayResize(bytes, count);
   for(int i = 0; i < count; i++)
      bytes[i] = (uchar)((i * 7 + i / 251) % 256);
   if(!g_channel.Request(bytes, count, deadline_us) || !g_channel.Reply(g_body, came, deadline_us))
      return ChannelFailure();
   bool same = came == count;
   for(int i = 0; i < count && same; i++)
      same = bytes[i] == g_body[i];
   return same ? "ok|same" : StringFormat("ok|%d other bytes", came);
  }

string Described(const ulong deadline_us)
  {
   if(!g_source.Describe(g_info, deadline_us))
      return Failure(g_source);
   return StringFormat("ok|%s %d %d %d %d %d", g_info.label, g_info.columns, g_info.context,
                       g_info.horizon, g_info.tf, ArraySize(g_info.levels));
  }

// A window of the model's own size, or of as many bars as the step names.
string Forecasted(const int bars, const ulong deadline_us)
  {
   CWindow window;
   FillSyntheticWindow(window, bars > 0 ? bars : g_info.context, MathMax(g_info.columns, 1));
   if(!g_source.Ask(window, g_forecast, deadline_us))
      return Failure(g_source);
   string text = "ok|" + g_forecast.Model();
   for(int h = 1; h <= g_forecast.Horizon(); h++)
     {
      for(int i = 0; i < g_forecast.Levels(); i++)
         text += " " + HexOfDouble(g_forecast.Quantile(h, g_forecast.Level(i)));
      text += " " + HexOfDouble(g_forecast.ProbUp(h));
     }
   return text;
  }

string Healthy(const ulong deadline_us)
  {
   CHealth health;
   if(!g_source.Health(health, deadline_us))
      return Failure(g_source);
   return "ok|" + health.status;
  }

// Waits until the test has put a file there.
bool Awaited(const string file, const ulong deadline_us)
  {
   while(!FileIsExist(file) && GetMicrosecondCount() < deadline_us && !IsStopped())
      Sleep(5);
   return FileIsExist(file);
  }

string Outcome(const string &words[])
  {
   const string step = words[0];
   const int number = ArraySize(words) > 1 ? (int)StringToInteger(words[1]) : 0;
   const string argument = ArraySize(words) > 2 ? words[2] : "";
   const int second = (int)StringToInteger(argument);
   if(step == "sleep")
     {
      Sleep(number);
      return "ok|";
     }
   if(step == "await")
      return Awaited(argument, Deadline(number)) ? "ok|" : "never came|";
   //--- a channel
   if(step == "connect")
     {
      if(!g_endpoint.Parse(Endpoint))
         return Failure(g_endpoint);
      return g_channel.Open(g_endpoint, Deadline(number)) ? "ok|" : ChannelFailure();
     }
   if(step == "send")
      return Send(argument, Deadline(number)) ? "ok|" : ChannelFailure();
   if(step == "reply")
      return Receive(Deadline(number));
   if(step == "ask")
     {
      const ulong deadline_us = Deadline(number);
      return Send(argument, deadline_us) ? Receive(deadline_us) : ChannelFailure();
     }
   if(step == "echo")
      return Echo(second, Deadline(number));
   if(step == "close")
     {
      g_channel.Close();
      return "ok|";
     }
   //--- the source
   if(step == "open")
     {
#ifdef EABRIDGE_LIBZMQ
      g_source.Curve(ServerKey, PublicKey, SecretKey);
#endif
      return g_source.Open(Endpoint, Model) ? "ok|" + g_source.Name() : Failure(g_source);
     }
   if(step == "describe")
      return Described(Deadline(number));
   if(step == "forecast")
      return Forecasted(second, Deadline(number));
   if(step == "health")
      return Healthy(Deadline(number));
   if(step == "beat")
      return g_source.Beat(Deadline(number)) ? "ok|" : Failure(g_source);
   if(step == "end")
     {
      g_source.Close();
      return "ok|";
     }
   return "no such step|";
  }

void OnStart()
  {
   string steps[];
   string words[];
   g_channel = NewChannel();
   const int count = StringSplit(Steps, ';', steps);
   for(int i = 0; i < count && !IsStopped(); i++)
     {
      StringSplit(steps[i], ' ', words);
      const ulong began_us = GetMicrosecondCount();
      const string outcome = Outcome(words);
      Print(steps[i], "|", outcome, "|", (GetMicrosecondCount() - began_us) / 1000);
     }
   delete g_channel;
  }
