//+------------------------------------------------------------------+
//|                                                      Sockets.mq5 |
//| The terminal's sockets from a script.                            |
//+------------------------------------------------------------------+
#include <SocketSteps.mqh>

void OnStart()
  {
   Run();
  }
