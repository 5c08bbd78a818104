//+------------------------------------------------------------------+
//|                                                        Clock.mq5 |
//| An expert that counts its seconds and says when it is removed.   |
//+------------------------------------------------------------------+
int g_seconds = 0;

int OnInit()
  {
   EventSetMillisecondTimer(10);
   return INIT_SUCCEEDED;
  }

void OnTimer()
  {
   g_seconds++;
   Print("timer ", g_seconds);
  }

void OnDeinit(const int reason)
  {
   EventKillTimer();
   Print("removed, reason ", reason);
  }
