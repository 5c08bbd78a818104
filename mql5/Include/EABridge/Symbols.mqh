//+------------------------------------------------------------------+
//| EABridge/Symbols.mqh                                             |
//| One symbol under the names that brokers give it.                 |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_SYMBOLS_MQH
#define EABRIDGE_SYMBOLS_MQH

// Whether what stands beside a symbol is an affix, read away from it: small letters, then nothing
// or a mark and anything. A capital, a digit or a slash makes another instrument: BTCUSDT is not
// BTCUSD, nor is ETH/BTC BTC.
bool IsAffix(const string symbol, const int first, const int step)
  {
   const int length = StringLen(symbol);
   for(int i = first; i >= 0 && i < length; i += step)
     {
      const ushort letter = StringGetCharacter(symbol, i);
      if((letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') || letter == '/')
         return false;
      if(letter < 'a' || letter > 'z')
         return true;
     }
   return true;
  }

// Whether a broker may write `known` as `symbol`: EURGBP as eurgbp, EURGBPm, EURGBP.r, #EURGBP.
// The daemon routes by the same rule.
bool SymbolIsFor(const string symbol, const string known)
  {
   string upper = symbol;
   string known_upper = known;
   StringToUpper(upper);
   StringToUpper(known_upper);
   if(upper == known_upper)
      return true;
   const int length = StringLen(known);
   if(length == 0)
      return false;
   for(int i = StringFind(symbol, known); i >= 0; i = StringFind(symbol, known, i + 1))
      if(IsAffix(symbol, i - 1, -1) && IsAffix(symbol, i + length, 1))
         return true;
   return false;
  }

#endif
