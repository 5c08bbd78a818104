//+------------------------------------------------------------------+
//| Wire.mq5                                                         |
//| Reads and writes messages for test_wire.py, out of one file and  |
//| into another. The files' layout is told there.                   |
//+------------------------------------------------------------------+
#include <EABridge/Wire/Packer.mqh>
#include <EABridge/Wire/Replies.mqh>
#include <EABridge/Wire/Requests.mqh>
#include <EABridge/Wire/Unpacker.mqh>

input string Scenario = "decode";   // encode, replies, requests
input string Model = "";

enum ENUM_CALL
  {
   CALL_END,
   CALL_NIL,
   CALL_BOOL,
   CALL_INT,
   CALL_UINT,
   CALL_FLOAT,
   CALL_STRING,
   CALL_BIN,
   CALL_DOUBLES,
   CALL_ARRAY,
   CALL_MAP
  };

string Hex(const uchar &bytes[], const int count)
  {
   string text = "";
   for(int i = 0; i < count; i++)
      text += StringFormat("%02x", bytes[i]);
   return text;
  }

string HexOfText(const string text)
  {
   string hex = "";
   for(int i = 0; i < StringLen(text); i++)
      hex += StringFormat("%04x", text[i]);
   return hex;
  }

string HexOfDouble(const double value)
  {
   DoubleBits number;
   number.value = value;
   return StringFormat("%016I64x", number.bits);
  }

string HexOfDoubles(const double &values[])
  {
   string hex = "";
   for(int i = 0; i < ArraySize(values); i++)
      hex += HexOfDouble(values[i]);
   return hex;
  }

// One value as text: what test_wire.py calls its canonical form.
string Canonical(CUnpacker &body)
  {
   bool flag = false;
   ulong bits = 0;
   double number = 0.0;
   string text = "";
   uchar data[];
   int count = 0;
   switch(body.Peek())
     {
      case WIRE_NIL:
         body.Nil();
         return "n";
      case WIRE_BOOL:
         body.Bool(flag);
         return flag ? "t" : "f";
      case WIRE_INT:
         body.Integer(bits, flag);
         return flag ? StringFormat("i%I64d", (long)bits) : StringFormat("i%I64u", bits);
      case WIRE_FLOAT:
         body.Number(number);
         return "d" + HexOfDouble(number);
      case WIRE_STRING:
         body.String(text);
         return "s" + HexOfText(text);
      case WIRE_BIN:
         body.Bin(data);
         return "b" + Hex(data, ArraySize(data));
      case WIRE_EXT:
         body.Ext(count, data);
         return StringFormat("x%d:", count) + Hex(data, ArraySize(data));
      case WIRE_ARRAY:
         body.ArrayOf(count);
         text = "[";
         for(int i = 0; i < count && !body.IsBroken(); i++)
            text += " " + Canonical(body);
         return text + " ]";
      case WIRE_MAP:
         body.MapOf(count);
         text = "{";
         for(int i = 0; i < 2 * count && !body.IsBroken(); i++)
            text += " " + Canonical(body);
         return text + " }";
      case WIRE_NOTHING:
      default:
         body.Skip();
         return "?";
     }
  }

// A body, or bytes that are none.
string Decoded(const uchar &body[], const int count)
  {
   CUnpacker unpacker;
   unpacker.Load(body, 0, count);
   if(!unpacker.IsOneMap())
      return "broken";
   const string text = Canonical(unpacker);
   return unpacker.IsBroken() ? "unreadable" : text;
  }

// A body as the reply to each of the requests.
string Replied(const uchar &body[], const int count)
  {
   CReply reply;
   if(!reply.Read(body, count))
      return ForecastErrorName(reply.Error()) + "|" + reply.ErrorText();
   string text = StringFormat("id %I64u", reply.Id());
   if(!reply.IsOk())
     {
      reply.Refuse();
      return text + "|" + ForecastErrorName(reply.Error()) + "|" + reply.ErrorText();
     }
   CForecastReply forecast;
   if(reply.ReadForecast(forecast))
      text += StringFormat("|forecast %s %I64d %I64d %d %s %s %s %s %u %u", forecast.model,
                           forecast.time, forecast.tf, forecast.horizon,
                           HexOfDoubles(forecast.levels), HexOfDoubles(forecast.quantiles),
                           HexOfDoubles(forecast.up), forecast.cached ? "cached" : "computed",
                           forecast.infer_us, forecast.server_us);
   CModelInfo info;
   if(reply.ReadHello(Model, info))
      text += StringFormat("|model %s %d %d %d %d %s", info.label, info.columns, info.context,
                           info.horizon, info.tf, HexOfDoubles(info.levels));
   else
      text += "|" + ForecastErrorName(reply.Error()) + " " + reply.ErrorText();
   CHealth health;
   if(reply.ReadHealth(health))
      text += StringFormat("|health %s %I64u %I64u %I64u %I64u %I64u %I64u", health.status,
                           health.uptime_s, health.requests, health.errors, health.queued,
                           health.p50_us, health.p99_us);
   return text;
  }

// A message, out of the calls that make it.
string Encoded(const int file)
  {
   CPacker packer;
   uchar data[];
   ushort letters[];
   double values[];
   for(int call = FileReadInteger(file); call != CALL_END; call = FileReadInteger(file))
     {
      const long value = FileReadLong(file);
      const int count = (int)value;
      DoubleBits number;
      switch(call)
        {
         case CALL_NIL:
            packer.Nil();
            break;
         case CALL_BOOL:
            packer.Bool(value != 0);
            break;
         case CALL_INT:
            packer.Int(value);
            break;
         case CALL_UINT:
            packer.UInt((ulong)value);
            break;
         case CALL_FLOAT:
            number.bits = (ulong)value;
            packer.Float(number.value);
            break;
         case CALL_STRING:
            FileReadArray(file, letters, 0, count);
            packer.String(count == 0 ? "" : ShortArrayToString(letters, 0, count));
            break;
         case CALL_BIN:
            FileReadArray(file, data, 0, count);
            packer.Bin(data, 0, count);
            break;
         case CALL_DOUBLES:
            FileReadArray(file, values, 0, count);
            packer.Doubles(values, 0, count);
            break;
         case CALL_ARRAY:
            packer.ArrayOf((uint)value);
            break;
         case CALL_MAP:
            packer.MapOf((uint)value);
            break;
         default:
            return "?";
        }
     }
   return Hex(packer.bytes, packer.Count());
  }

// Windows of prices that test_wire.py knows how to make as well.
void FillWindow(CWindow &window, const int bars, const int columns)
  {
   double prices[];
   ArrayResize(prices, bars * columns);
   for(int i = 0; i < bars * columns; i++)
      prices[i] = 1.0 + i / 1024.0;
   window.Set("EURUSD", PERIOD_H1, (datetime)1700000000, columns, prices);
  }

void WriteRequests(const int out)
  {
   CPacker packer;
   CWindow window;
   PackHello(packer, 1, 250);
   FileWriteString(out, Hex(packer.bytes, packer.Count()) + "\n");
   PackHealth(packer, ULONG_MAX, UINT_MAX);
   FileWriteString(out, Hex(packer.bytes, packer.Count()) + "\n");
   FillWindow(window, 128, 4);
   PackForecast(packer, 3, 5000, "fx-h1@0123456789ab", window);
   FileWriteString(out, Hex(packer.bytes, packer.Count()) + "\n");
   FillWindow(window, 300, 1);
   PackForecast(packer, 4, 1, "", window);
   FileWriteString(out, Hex(packer.bytes, packer.Count()) + "\n");
  }

void OnStart()
  {
   const int in = FileOpen("in.bin", FILE_READ | FILE_BIN);
   const int out = FileOpen("out.txt", FILE_WRITE | FILE_TXT | FILE_ANSI, '\t', CP_UTF8);
   uchar body[];
   if(Scenario == "requests")
      WriteRequests(out);
   while(in != INVALID_HANDLE && !FileIsEnding(in))
     {
      if(Scenario == "encode")
        {
         FileWriteString(out, Encoded(in) + "\n");
         continue;
        }
      const int count = FileReadInteger(in);
      FileReadArray(in, body, 0, count);
      if(Scenario == "decode")
         FileWriteString(out, Decoded(body, count) + "\n");
      if(Scenario == "replies")
         FileWriteString(out, Replied(body, count) + "\n");
     }
   FileClose(out);
   if(in != INVALID_HANDLE)
      FileClose(in);
  }
