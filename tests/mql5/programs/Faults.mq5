//+------------------------------------------------------------------+
//|                                                       Faults.mq5 |
//| Does what the host must notice from outside.                     |
//+------------------------------------------------------------------+
input string Fault = "";

int Twice(const int value)
  {
   return 2 * value;
  }

void OnStart()
  {
   Print("started");
   if(Fault == "hangs")
      while(Fault != "")
         Sleep(1);
   if(Fault == "overflows")
      Print(Twice(INT_MAX));
   if(Fault == "reads what it never wrote")
     {
      bool flags[];
      ArrayResize(flags, 1);
      Print(flags[0] ? "yes" : "no");
     }
   if(Fault == "casts what does not fit")
      Print((int)MathPow(2.0, 31.0));
   if(Fault == "recurses")
      OnStart();
  }
