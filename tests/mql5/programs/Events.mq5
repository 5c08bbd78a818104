//+------------------------------------------------------------------+
//|                                                       Events.mq5 |
//| Tells which handler ran when, and does what its inputs say.      |
//+------------------------------------------------------------------+
input int    InitReturns = 0;
input int    TimerSeconds = 0;
input int    TimerMilliseconds = 0;
input int    KillTimerAfter = 0;    // events
input int    RemoveAtTick = 0;
input int    TickSleeps = 0;        // milliseconds
input bool   TradeOnTimer = false;
input bool   Stop = false;          // a zero divide in OnTick

int ExtTicks = 0;
int ExtTimers = 0;

void Tell(const string what)
  {
   Print(what, "|", TimeToString(TimeCurrent(), TIME_DATE | TIME_SECONDS));
  }

int OnInit()
  {
   Tell("OnInit");
   if(TimerSeconds > 0)
      EventSetTimer(TimerSeconds);
   if(TimerMilliseconds > 0)
      EventSetMillisecondTimer(TimerMilliseconds);
   return InitReturns;
  }

void OnTick()
  {
   ExtTicks++;
   const ulong start = GetTickCount64();
   Sleep(TickSleeps);
   Print("OnTick|", TimeToString(TimeCurrent(), TIME_DATE | TIME_SECONDS), "|",
         GetTickCount64() - start >= (ulong)TickSleeps ? "slept" : "went on");
   if(ExtTicks == RemoveAtTick)
      ExpertRemove();
   if(Stop)
      Print(1 / (ExtTicks - 1));
  }

void OnTimer()
  {
   ExtTimers++;
   Tell("OnTimer");
   if(ExtTimers == KillTimerAfter)
      EventKillTimer();
   if(TradeOnTimer)
      Buy();
  }

void Buy()
  {
   MqlTradeRequest request;
   MqlTradeResult result;
   ZeroMemory(request);
   ZeroMemory(result);
   request.action = TRADE_ACTION_DEAL;
   request.symbol = _Symbol;
   request.volume = 0.01;
   request.type = ORDER_TYPE_BUY;
   request.type_filling = ORDER_FILLING_FOK;
   const bool sent = OrderSend(request, result);
   Print("Buy|", sent, "|", result.retcode, "|", GetLastError());
  }

double OnTester()
  {
   Tell("OnTester");
   return 0.25;
  }

void OnDeinit(const int reason)
  {
   Tell("OnDeinit " + IntegerToString(reason));
  }
