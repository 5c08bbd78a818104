//+------------------------------------------------------------------+
//| EABridge/Wire/Printable.mqh                                      |
//| Words of another program's, fit for a journal or a chart.        |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_WIRE_PRINTABLE_MQH
#define EABRIDGE_WIRE_PRINTABLE_MQH

#define EABRIDGE_MOST_LETTERS 400

// Not too many of them, and in one line.
string Printable(const string text)
  {
   string line = StringSubstr(text, 0, EABRIDGE_MOST_LETTERS);
   const int length = StringLen(line);
   for(int i = 0; i < length; i++)
      if(line[i] < ' ')
         StringSetCharacter(line, i, ' ');
   return line;
  }

#endif
