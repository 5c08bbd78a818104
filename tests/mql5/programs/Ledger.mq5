//+------------------------------------------------------------------+
//|                                                       Ledger.mq5 |
//| Buys 0.2 lots at 1.1001 with a stop at 1.09, sells half at 1.104 |
//| an hour later and the rest at 1.108 the hour after, and reads    |
//| what the account's books say meanwhile and in the end.           |
//+------------------------------------------------------------------+
#include <Expect.mqh>

int      ExtBar = -1;
datetime ExtTime = 0;
ulong    ExtPosition = 0;

int OnInit()
  {
   ResetLastError();
   return INIT_SUCCEEDED;
  }

void OnTick()
  {
   if(iTime(_Symbol, PERIOD_CURRENT, 0) == ExtTime)
      return;
   ExtTime = iTime(_Symbol, PERIOD_CURRENT, 0);
   ExtBar++;
   if(ExtBar == 0)
      Open();
   if(ExtBar == 1)
      CloseHalf();
   if(ExtBar == 2)
      CloseRest();
  }

void Prepare(MqlTradeRequest &request, const ENUM_ORDER_TYPE type, const double volume)
  {
   ZeroMemory(request);
   request.action = TRADE_ACTION_DEAL;
   request.symbol = _Symbol;
   request.type = type;
   request.volume = volume;
   request.type_filling = ORDER_FILLING_FOK;
   request.magic = 5;
  }

void Calculations()
  {
   double value = 0.0;
   ExpectTrue("margin", OrderCalcMargin(ORDER_TYPE_BUY, _Symbol, 0.2, 1.1001, value));
   ExpectDouble("margin", value, 220.02);
   ExpectTrue("profit", OrderCalcProfit(ORDER_TYPE_BUY, _Symbol, 0.2, 1.1001, 1.1041, value));
   ExpectDouble("profit", value, 80.0);
   ExpectTrue("loss", OrderCalcProfit(ORDER_TYPE_SELL, _Symbol, 0.2, 1.1001, 1.1041, value));
   ExpectDouble("loss", value, -80.0);
   ExpectTrue("another symbol", !OrderCalcMargin(ORDER_TYPE_BUY, "XAUUSD", 0.2, 1.1, value));
   ExpectError("another symbol", ERR_MARKET_UNKNOWN_SYMBOL);
  }

void Open()
  {
   MqlTradeRequest request;
   MqlTradeCheckResult check;
   MqlTradeResult result;
   Calculations();
   Prepare(request, ORDER_TYPE_BUY, 0.2);
   request.sl = 1.09;
   request.comment = "first";
   ExpectTrue("checked", OrderCheck(request, check));
   ExpectLong("nothing against it", check.retcode, 0);
   ExpectDouble("its margin", check.margin, 220.02);
   ExpectDouble("what is left", check.margin_free, 9779.98);
   ExpectTrue("sent", OrderSend(request, result));
   ExpectDouble("at the ask", result.price, 1.1001);
   ExpectDouble("the whole", result.volume, 0.2);
   ExtPosition = result.order;
   ExpectTrue("selected", PositionSelectByTicket(ExtPosition));
   ExpectText("symbol", PositionGetString(POSITION_SYMBOL), "EURUSD");
   ExpectText("comment", PositionGetString(POSITION_COMMENT), "first");
   ExpectLong("type", PositionGetInteger(POSITION_TYPE), POSITION_TYPE_BUY);
   ExpectLong("magic", PositionGetInteger(POSITION_MAGIC), 5);
   ExpectLong("time", PositionGetInteger(POSITION_TIME), ExtTime);
   ExpectDouble("stop", PositionGetDouble(POSITION_SL), 1.09);
   ExpectDouble("no target", PositionGetDouble(POSITION_TP), 0.0);
   ExpectDouble("the spread is lost", PositionGetDouble(POSITION_PROFIT), -2.0);
   request.volume = 50;
   ExpectTrue("too much", !OrderCheck(request, check));
   ExpectLong("no money", check.retcode, TRADE_RETCODE_NO_MONEY);
   ResetLastError();
  }

void CloseHalf()
  {
   MqlTradeRequest request;
   MqlTradeResult result;
   ExpectTrue("selected by symbol", PositionSelect(_Symbol));
   ExpectDouble("profit now", PositionGetDouble(POSITION_PROFIT), 78.0);
   Prepare(request, ORDER_TYPE_SELL, 0.1);
   request.position = ExtPosition;
   ExpectTrue("sent", OrderSend(request, result));
   ExpectDouble("a selection is a copy", PositionGetDouble(POSITION_VOLUME), 0.2);
   ExpectTrue("selected again", PositionSelectByTicket(ExtPosition));
   ExpectDouble("half is left", PositionGetDouble(POSITION_VOLUME), 0.1);
   ExpectDouble("half is earned", AccountInfoDouble(ACCOUNT_BALANCE), 10039.0);
  }

void CloseRest()
  {
   MqlTradeRequest request;
   MqlTradeResult result;
   Prepare(request, ORDER_TYPE_SELL, 0.1);
   request.position = ExtPosition;
   ExpectTrue("sent", OrderSend(request, result));
   ExpectLong("none is left", PositionsTotal(), 0);
   ExpectTrue("none to select", !PositionSelectByTicket(ExtPosition));
   ExpectError("none to select", ERR_TRADE_POSITION_NOT_FOUND);
   ExpectTrue("closed once only", !OrderSend(request, result));
   ExpectLong("closed once only", result.retcode, TRADE_RETCODE_POSITION_CLOSED);
   ExpectError("closed once only", ERR_TRADE_SEND_FAILED);
  }

double OnTester()
  {
   ExpectTrue("the whole history", HistorySelect(0, TimeCurrent()));
   ExpectLong("deposit and three deals", HistoryDealsTotal(), 4);
   ExpectLong("three orders", HistoryOrdersTotal(), 3);
   const ulong deposit = HistoryDealGetTicket(0);
   ExpectLong("deposit", HistoryDealGetInteger(deposit, DEAL_TYPE), DEAL_TYPE_BALANCE);
   ExpectDouble("deposit", HistoryDealGetDouble(deposit, DEAL_PROFIT), 10000.0);
   const ulong last = HistoryDealGetTicket(3);
   ExpectDouble("volume", HistoryDealGetDouble(last, DEAL_VOLUME), 0.1);
   ExpectDouble("price", HistoryDealGetDouble(last, DEAL_PRICE), 1.108);
   ExpectDouble("profit", HistoryDealGetDouble(last, DEAL_PROFIT), 79.0);
   ExpectLong("entry", HistoryDealGetInteger(last, DEAL_ENTRY), DEAL_ENTRY_OUT);
   ExpectLong("position", HistoryDealGetInteger(last, DEAL_POSITION_ID), (long)ExtPosition);
   ExpectText("symbol", HistoryDealGetString(last, DEAL_SYMBOL), "EURUSD");
   const ulong order = (ulong)HistoryDealGetInteger(last, DEAL_ORDER);
   ExpectLong("its order", HistoryOrderGetInteger(order, ORDER_TYPE), ORDER_TYPE_SELL);
   ExpectLong("filled", HistoryOrderGetInteger(order, ORDER_STATE), ORDER_STATE_FILLED);
   ExpectTrue("up to the first hour", HistorySelect(0, iTime(_Symbol, PERIOD_CURRENT, 2)));
   ExpectLong("deposit and one deal", HistoryDealsTotal(), 2);
   ExpectTrue("of the position", HistorySelectByPosition((long)ExtPosition));
   ExpectLong("its deals", HistoryDealsTotal(), 3);
   ResetLastError();
   ExpectLong("no such deal", HistoryDealGetInteger(999, DEAL_TYPE), 0);
   ExpectError("no such deal", ERR_TRADE_DEAL_NOT_FOUND);
   ExpectDouble("statistics", TesterStatistics(STAT_PROFIT), 118.0);
   ExpectEnd();
   return 0.0;
  }
