//+------------------------------------------------------------------+
//| EABridge/Wire/Utf8.mqh                                           |
//| Whether bytes are UTF-8: the terminal's conversion does not tell.|
//+------------------------------------------------------------------+
#ifndef EABRIDGE_WIRE_UTF8_MQH
#define EABRIDGE_WIRE_UTF8_MQH

// How many continuation bytes follow `lead`, and the range of the first of them, which excludes
// overlong forms, surrogates and what lies beyond U+10FFFF. -1 where no character begins so.
int Utf8Continuations(const uchar lead, uchar &least, uchar &most)
  {
   least = 0x80;
   most = 0xBF;
   if(lead < 0x80)
      return 0;
   if(lead < 0xC2 || lead > 0xF4)
      return -1;
   if(lead < 0xE0)
      return 1;
   if(lead == 0xE0)
      least = 0xA0;
   if(lead == 0xED)
      most = 0x9F;
   if(lead == 0xF0)
      least = 0x90;
   if(lead == 0xF4)
      most = 0x8F;
   return lead < 0xF0 ? 2 : 3;
  }

// Whether bytes[from] to bytes[from + count - 1] are UTF-8 as Unicode defines it. They must be
// there: the caller has checked the array's size.
bool Utf8IsValid(const uchar &bytes[], const int from, const int count)
  {
   const int end = from + count;
   int at = from;
   uchar least = 0;
   uchar most = 0;
   while(at < end)
     {
      if(bytes[at] < 0x80)
        {
         at++;
         continue;
        }
      const int continuations = Utf8Continuations(bytes[at], least, most);
      if(continuations < 0 || continuations > end - at - 1)
         return false;
      if(bytes[at + 1] < least || bytes[at + 1] > most)
         return false;
      for(int i = 2; i <= continuations; i++)
         if(bytes[at + i] < 0x80 || bytes[at + i] > 0xBF)
            return false;
      at += 1 + continuations;
     }
   return true;
  }

#endif
