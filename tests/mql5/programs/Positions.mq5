//+------------------------------------------------------------------+
//| Positions.mq5                                                    |
//| ForecastTrader's positions beside those of another program.      |
//+------------------------------------------------------------------+
#include "../../../mql5/Experts/EABridge/ForecastTrader/Positions.mqh"

CPositions ExtPositions;
CTrade ExtOther;
int ExtTicks = 0;

void Tell(const string when)
  {
   Print(when, "\t", PositionsTotal(), "\t", ExtPositions.Own() != 0, "\t",
         ExtPositions.SymbolIsTaken());
  }

bool OpenOwn(const double stop)
  {
   CStops stops;
   stops.entry = SymbolInfoDouble(_Symbol, SYMBOL_ASK);
   stops.stop = stop;
   return ExtPositions.Open(DIRECTION_UP, 0.1, stops, "test");
  }

int OnInit()
  {
   ExtPositions.SetUp();
   ExtOther.SetExpertMagicNumber((ulong)InpMagic + 1);
   return INIT_SUCCEEDED;
  }

// One after the other: nothing, a stop on the wrong side, another program's position, our own
// beside it where the account keeps them apart, and ours closed again.
void OnTick()
  {
   ExtTicks++;
   if(ExtTicks > 1)
      return;
   Tell("nothing");
   const double above = SymbolInfoDouble(_Symbol, SYMBOL_ASK) + 0.01;
   const double below = SymbolInfoDouble(_Symbol, SYMBOL_BID) - 0.01;
   const bool first = OpenOwn(above);
   const bool second = OpenOwn(above);
   Print("refused\t", !first && !second);
   ExtOther.Buy(0.1, _Symbol);
   Tell("another's");
   if(ExtPositions.SymbolIsTaken())
      return;
   OpenOwn(below);
   Tell("both");
   ExtPositions.Close(ExtPositions.Own(), "test");
   Tell("another's again");
  }
