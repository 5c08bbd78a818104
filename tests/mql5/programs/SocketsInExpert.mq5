//+------------------------------------------------------------------+
//|                                              SocketsInExpert.mq5 |
//| The terminal's sockets from an Expert Advisor.                   |
//+------------------------------------------------------------------+
#include <SocketSteps.mqh>

int OnInit()
  {
   Run();
   return INIT_SUCCEEDED;
  }

void OnTick()
  {
  }
