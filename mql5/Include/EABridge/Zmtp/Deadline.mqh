//+------------------------------------------------------------------+
//| EABridge/Zmtp/Deadline.mqh                                       |
//| How long a call may still wait.                                  |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_ZMTP_DEADLINE_MQH
#define EABRIDGE_ZMTP_DEADLINE_MQH

// Milliseconds until a moment on GetMicrosecondCount's clock, which is real time in the tester
// too. Rounded up, so that a wait never ends a moment early to be begun again; 0 when it is past.
uint MillisecondsLeft(const ulong deadline_us)
  {
   const ulong now_us = GetMicrosecondCount();
   if(now_us >= deadline_us)
      return 0;
   return (uint)MathMin((deadline_us - now_us + 999) / 1000, (ulong)INT_MAX);
  }

#endif
