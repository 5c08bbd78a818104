//+------------------------------------------------------------------+
//| EABridge/Wire/Requests.mqh                                       |
//| What is asked of a daemon, as messages of the wire.              |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_WIRE_REQUESTS_MQH
#define EABRIDGE_WIRE_REQUESTS_MQH

#include "../Window.mqh"
#include "Packer.mqh"

#define EABRIDGE_PROTOCOL_VERSION 1
#define EABRIDGE_MOST_SYMBOL_LETTERS 32

// Begins a request: a map of `entries`, of which the first four are these. `ttl_ms` is how long the
// answer is waited for: what cannot be answered by then, the daemon does not compute.
void PackEnvelope(CPacker &packer, const uint entries, const string op, const ulong id,
                  const uint ttl_ms)
  {
   packer.Clear();
   packer.MapOf(entries);
   packer.String("v");
   packer.Int(EABRIDGE_PROTOCOL_VERSION);
   packer.String("op");
   packer.String(op);
   packer.String("id");
   packer.UInt(id);
   packer.String("ttl_ms");
   packer.UInt(ttl_ms);
  }

// Who answers, and what models it has.
void PackHello(CPacker &packer, const ulong id, const uint ttl_ms)
  {
   PackEnvelope(packer, 4, "hello", id, ttl_ms);
  }

// How the daemon is.
void PackHealth(CPacker &packer, const ulong id, const uint ttl_ms)
  {
   PackEnvelope(packer, 4, "health", id, ttl_ms);
  }

// A forecast from a window, of the daemon's default model where `model` is empty.
void PackForecast(CPacker &packer, const ulong id, const uint ttl_ms, const string model,
                  const CWindow &window)
  {
   PackEnvelope(packer, model == "" ? 8 : 9, "forecast", id, ttl_ms);
   if(model != "")
     {
      packer.String("model");
      packer.String(model);
     }
   packer.String("symbol");
   packer.String(StringSubstr(window.Symbol(), 0, EABRIDGE_MOST_SYMBOL_LETTERS));
   packer.String("tf");
   packer.Int(window.Timeframe());
   packer.String("time");
   packer.Int((long)window.Time());
   packer.String(window.Columns() == 4 ? "ohlc" : "close");
   packer.Doubles(window.values, 0, window.Bars() * window.Columns());
  }

#endif
