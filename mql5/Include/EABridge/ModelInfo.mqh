//+------------------------------------------------------------------+
//| EABridge/ModelInfo.mqh                                           |
//| What a model reads and what it forecasts.                        |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_MODEL_INFO_MQH
#define EABRIDGE_MODEL_INFO_MQH

// The most that a bundle may have, and far more than any has: numbers that came over a socket or
// out of a file are held against these before memory is asked for.
#define EABRIDGE_MOST_BARS 65536
#define EABRIDGE_MOST_LEVELS 1024

class CModelInfo
  {
public:
   string            label;      // name@version
   int               columns;    // what it reads of a bar: 1 the close, 4 open, high, low, close
   int               context;    // how many bars it reads
   int               horizon;    // how many bars ahead it forecasts
   int               tf;         // seconds per bar it was trained on; 0 where any will do
   double            levels[];   // the quantile levels it forecasts, ascending

                     CModelInfo();
   void              Clear();
   void              Copy(const CModelInfo &other);
   bool              IsSound() const;
  };

// Whether levels can be those of a forecast: some, ascending, between 0 and 1.
bool LevelsAreSound(const double &levels[])
  {
   const int count = ArraySize(levels);
   if(count < 1 || count > EABRIDGE_MOST_LEVELS)
      return false;
   double below = 0.0;
   for(int i = 0; i < count; i++)
     {
      if(!MathIsValidNumber(levels[i]) || levels[i] <= below || levels[i] >= 1.0)
         return false;
      below = levels[i];
     }
   return true;
  }

CModelInfo::CModelInfo()
  {
   Clear();
  }

void CModelInfo::Clear()
  {
   label = "";
   columns = 0;
   context = 0;
   horizon = 0;
   tf = 0;
   ArrayFree(levels);
  }

void CModelInfo::Copy(const CModelInfo &other)
  {
   label = other.label;
   columns = other.columns;
   context = other.context;
   horizon = other.horizon;
   tf = other.tf;
   ArrayFree(levels);
   ArrayCopy(levels, other.levels);
  }

// Whether it is filled, and with what can be.
bool CModelInfo::IsSound() const
  {
   return (columns == 1 || columns == 4) && context >= 1 && context <= EABRIDGE_MOST_BARS &&
          horizon >= 1 && horizon <= EABRIDGE_MOST_BARS && tf >= 0 && LevelsAreSound(levels);
  }

#endif
