//+------------------------------------------------------------------+
//|                                                        Ticks.mq5 |
//| Writes down, at every tick, all that the market shows.           |
//+------------------------------------------------------------------+
int OnInit()
  {
   Tell("init");
   return INIT_SUCCEEDED;
  }

void OnTick()
  {
   Tell("tick");
  }

// The event, the quote, then every bar there is, oldest first.
void Tell(const string event)
  {
   MqlTick tick;
   MqlRates rates[];
   SymbolInfoTick(_Symbol, tick);
   string line = StringFormat("%s|%I64d|%.5f|%.5f", event, (long)tick.time, tick.bid, tick.ask);
   const int count = CopyRates(_Symbol, _Period, 0, 1000, rates);
   for(int i = 0; i < count; i++)
      line += StringFormat("|%I64d %.5f %.5f %.5f %.5f %I64d", (long)rates[i].time, rates[i].open,
                           rates[i].high, rates[i].low, rates[i].close, rates[i].tick_volume);
   Print(line);
  }
