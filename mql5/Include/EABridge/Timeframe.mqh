//+------------------------------------------------------------------+
//| EABridge/Timeframe.mqh                                           |
//| Seconds per bar, as traders write them.                          |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_TIMEFRAME_MQH
#define EABRIDGE_TIMEFRAME_MQH

// "H1" for 3600; "90 s" where no name fits.
string TimeframeName(const int seconds)
  {
   const string names[] = {"MN", "W", "D", "H", "M"};
   const int units[] = {2592000, 604800, 86400, 3600, 60};
   for(int i = 0; i < ArraySize(units); i++)
      if(seconds > 0 && seconds % units[i] == 0)
         return names[i] + IntegerToString(seconds / units[i]);
   return IntegerToString(seconds) + " s";
  }

#endif
