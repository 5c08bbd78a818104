//+------------------------------------------------------------------+
//|                                                      Trading.mq5 |
//| Trades by a plan, bar by bar, and tells what came of it and how  |
//| the account stands.                                              |
//+------------------------------------------------------------------+
#include <Trade/Trade.mqh>

// "0 buy 0.10 1.09 1.12;2 close;..." with the bar first. At a bar's first tick its steps are done.
input string Plan = "";
input bool   TellAccount = false;   // at every tick

string   ExtSteps[];
int      ExtBar = -1;
datetime ExtTime = 0;
CTrade   ExtTrade;

int OnInit()
  {
   ExtTrade.SetExpertMagicNumber(77);
   ExtTrade.SetTypeFillingBySymbol(_Symbol);
   ExtTrade.LogLevel(LOG_LEVEL_NO);
   StringSplit(Plan, ';', ExtSteps);
   return INIT_SUCCEEDED;
  }

void OnTick()
  {
   if(iTime(_Symbol, PERIOD_CURRENT, 0) != ExtTime)
     {
      ExtTime = iTime(_Symbol, PERIOD_CURRENT, 0);
      ExtBar++;
      for(int i = 0; i < ArraySize(ExtSteps); i++)
         TakeStep(ExtSteps[i]);
     }
   if(TellAccount)
      PrintFormat("account|%.2f|%.2f|%.2f|%d", AccountInfoDouble(ACCOUNT_BALANCE),
                  AccountInfoDouble(ACCOUNT_EQUITY), AccountInfoDouble(ACCOUNT_MARGIN),
                  PositionsTotal());
  }

void OnTrade()
  {
   Print("OnTrade|", PositionsTotal());
  }

double Number(const string &words[], const int place)
  {
   return place < ArraySize(words) ? StringToDouble(words[place]) : 0.0;
  }

ulong Oldest()
  {
   return PositionGetTicket(0);
  }

void TakeStep(const string step)
  {
   string words[];
   StringSplit(step, ' ', words);
   if(StringToInteger(words[0]) != ExtBar)
      return;
   const string what = words[1];
   const double first = Number(words, 2);
   const double second = Number(words, 3);
   const double third = Number(words, 4);
   if(what == "buy")
      ExtTrade.Buy(first, _Symbol, 0.0, second, third, "plan");
   if(what == "sell")
      ExtTrade.Sell(first, _Symbol, 0.0, second, third, "plan");
   if(what == "modify")
      ExtTrade.PositionModify(Oldest(), first, second);
   if(what == "close")
      ExtTrade.PositionClose(Oldest());
   if(what == "close-symbol")
      ExtTrade.PositionClose(_Symbol);
   if(what == "part")
      ClosePart(first);
   if(what == "fill")
      ExtTrade.SetTypeFilling((ENUM_ORDER_TYPE_FILLING)(int)first);
   PrintFormat("%s|%u|%s", what, ExtTrade.ResultRetcode(), ExtTrade.ResultRetcodeDescription());
  }

// What CTrade has no word for: a smaller volume against a position.
void ClosePart(const double volume)
  {
   MqlTradeRequest request;
   MqlTradeResult result;
   ZeroMemory(request);
   ZeroMemory(result);
   PositionSelectByTicket(Oldest());
   request.action = TRADE_ACTION_DEAL;
   request.position = Oldest();
   request.symbol = _Symbol;
   request.volume = volume;
   request.type = PositionGetInteger(POSITION_TYPE) == POSITION_TYPE_BUY ? ORDER_TYPE_SELL
                                                                         : ORDER_TYPE_BUY;
   request.type_filling = ORDER_FILLING_FOK;
   const bool sent = OrderSend(request, result);
   PrintFormat("part|%s|%u|%.5f|%.2f", sent ? "sent" : "refused", result.retcode, result.price,
               result.volume);
  }

double OnTester()
  {
   PrintFormat("statistics|%.2f|%.2f|%.2f|%.0f|%.0f|%.0f", TesterStatistics(STAT_PROFIT),
               TesterStatistics(STAT_GROSS_PROFIT), TesterStatistics(STAT_GROSS_LOSS),
               TesterStatistics(STAT_TRADES), TesterStatistics(STAT_PROFIT_TRADES),
               TesterStatistics(STAT_LOSS_TRADES));
   return TesterStatistics(STAT_PROFIT);
  }
