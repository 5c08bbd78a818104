//+------------------------------------------------------------------+
//|                                                        Waits.mq5 |
//| A script that runs until it is stopped.                          |
//+------------------------------------------------------------------+
void OnStart()
  {
   Print("waiting");
   while(!IsStopped())
      Sleep(60000);
   Print("stopped");
  }
