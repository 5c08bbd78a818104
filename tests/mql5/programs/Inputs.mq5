//+------------------------------------------------------------------+
//|                                                       Inputs.mq5 |
//| Shows what its inputs are.                                       |
//+------------------------------------------------------------------+
enum ENUM_SIDE
  {
   SIDE_NONE = 0,
   SIDE_LONG = 1,
   SIDE_SHORT = 2
  };

input bool      Trade = false;
input int       Bars_ = 128;
input long      Magic = 20200101;
input double    Risk = 0.5;
input string    Model = "fx-h1";
input ENUM_SIDE Side = SIDE_NONE;
input datetime  From = D'2020.01.01';
sinput color    Shade = clrOrange;

void OnStart()
  {
   Print(Trade, " ", Bars_, " ", Magic, " ", Risk, " ", Model, " ", EnumToString(Side), " ", From, " ", ColorToString(Shade));
  }
