//+------------------------------------------------------------------+
//|                                                   MissingDll.mq5 |
//| Imports a DLL that is not there, and would call it only if asked |
//| to: DLLs are loaded early all the same.                          |
//+------------------------------------------------------------------+
#import "nowhere.dll"
int Anything(int value);
#import

input bool Call = false;

void OnStart()
  {
   Print("started");
   if(Call)
      Anything(1);
  }
