//+------------------------------------------------------------------+
//|                                              MissingFunction.mq5 |
//| Imports a function that its DLL does not have: functions are     |
//| looked for at the first call.                                    |
//+------------------------------------------------------------------+
#import "ws2_32.dll"
int NoSuchFunction(int value);
#import

void OnStart()
  {
   Print("started");
   NoSuchFunction(1);
   Print("not reached");
  }
