//+------------------------------------------------------------------+
//| EABridge/Fan.mqh                                                 |
//| The current forecast on the chart: two bands of quantiles that   |
//| open to the right of the last bar, and the median.               |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_FAN_MQH
#define EABRIDGE_FAN_MQH

#include "Forecast.mqh"

// The objects are made once and moved with each forecast; none is left when the fan goes. A
// chart takes one fan of a name: another program's on the same chart needs a name of its own.
class CFan
  {
private:
   string            m_prefix;
   int               m_drawn;       // bars ahead that have objects
   color             m_colour;
   color             m_background;

   void              Make(const string name, const ENUM_OBJECT type, const color paint);
   void              DrawBand(const string name, const CForecast &forecast, const int h,
                              const int below, const color paint);
   void              DrawTriangle(const string name, const color paint, const datetime time1,
                                  const double price1, const datetime time2, const double price2,
                                  const datetime time3, const double price3);
   void              DrawMedian(const CForecast &forecast, const int h);
   double            Edge(const CForecast &forecast, const int h, const double level) const;
   color             Faded(const double share) const;

public:
                     CFan();
                     CFan(const string name, const color colour);
                    ~CFan();
   void              Draw(const CForecast &forecast);
   void              Remove();
  };

CFan::CFan()
   : m_prefix("EABridge fan "),
     m_drawn(0),
     m_colour(clrDodgerBlue),
     m_background(clrBlack)
  {
  }

CFan::CFan(const string name, const color colour)
   : m_prefix("EABridge " + name + " "),
     m_drawn(0),
     m_colour(colour),
     m_background(clrBlack)
  {
  }

CFan::~CFan()
  {
   Remove();
  }

// Draws a forecast in the place of the last one.
void CFan::Draw(const CForecast &forecast)
  {
   if(MQLInfoInteger(MQL_TESTER) != 0 && MQLInfoInteger(MQL_VISUAL_MODE) == 0)
      return;   // there is nobody to see it, and objects take time
   if(!forecast.IsValid() || (m_drawn > 0 && m_drawn != forecast.Horizon()))
      Remove();
   if(!forecast.IsValid())
      return;
   m_background = (color)ChartGetInteger(0, CHART_COLOR_BACKGROUND);
   const int inner = forecast.Levels() / 4;
   // The outer band first: later objects lie above earlier ones.
   for(int h = 1; h <= forecast.Horizon(); h++)
      DrawBand("outer", forecast, h, 0, Faded(0.2));
   for(int h = 1; h <= forecast.Horizon(); h++)
      DrawBand("inner", forecast, h, inner, Faded(0.4));
   for(int h = 1; h <= forecast.Horizon(); h++)
      DrawMedian(forecast, h);
   m_drawn = forecast.Horizon();
   ChartRedraw();
  }

void CFan::Remove()
  {
   if(m_drawn > 0)
     {
      ObjectsDeleteAll(0, m_prefix);
      ChartRedraw();
     }
   m_drawn = 0;
  }

// The piece of a band between the bars h - 1 and h ahead, from the level `below` to the one as far
// from the top: two triangles, since the chart has no object of four corners.
void CFan::DrawBand(const string name, const CForecast &forecast, const int h, const int below,
                    const color paint)
  {
   const int above = forecast.Levels() - 1 - below;
   const datetime left = forecast.Time() + (datetime)((h - 1) * forecast.Timeframe());
   const datetime right = forecast.Time() + (datetime)(h * forecast.Timeframe());
   const double left_low = Edge(forecast, h - 1, forecast.Level(below));
   const double left_high = Edge(forecast, h - 1, forecast.Level(above));
   const double right_low = Edge(forecast, h, forecast.Level(below));
   const double right_high = Edge(forecast, h, forecast.Level(above));
   const string piece = m_prefix + name + IntegerToString(h);
   DrawTriangle(piece + "a", paint, left, left_low, right, right_low, right, right_high);
   DrawTriangle(piece + "b", paint, left, left_low, left, left_high, right, right_high);
  }

void CFan::DrawTriangle(const string name, const color paint, const datetime time1,
                        const double price1, const datetime time2, const double price2,
                        const datetime time3, const double price3)
  {
   if(m_drawn == 0)
      Make(name, OBJ_TRIANGLE, paint);
   ObjectMove(0, name, 0, time1, price1);
   ObjectMove(0, name, 1, time2, price2);
   ObjectMove(0, name, 2, time3, price3);
  }

void CFan::DrawMedian(const CForecast &forecast, const int h)
  {
   const string name = m_prefix + "median" + IntegerToString(h);
   const double price = Edge(forecast, h, 0.5);
   if(m_drawn == 0)
      Make(name, OBJ_TREND, m_colour);
   ObjectMove(0, name, 0, forecast.Time() + (datetime)((h - 1) * forecast.Timeframe()),
              Edge(forecast, h - 1, 0.5));
   ObjectMove(0, name, 1, forecast.Time() + (datetime)(h * forecast.Timeframe()), price);
   ObjectSetString(0, name, OBJPROP_TOOLTIP,
                   StringFormat("%s, %d bars ahead: median %s, up with %.1f %%",
                                forecast.Model(), h, DoubleToString(price, _Digits),
                                100.0 * forecast.ProbUp(h)));
  }

// One left behind by a terminal that crashed is taken over.
void CFan::Make(const string name, const ENUM_OBJECT type, const color paint)
  {
   ObjectDelete(0, name);
   ObjectCreate(0, name, type, 0, 0, 0.0);
   ObjectSetInteger(0, name, OBJPROP_COLOR, (long)paint);
   ObjectSetInteger(0, name, OBJPROP_FILL, type == OBJ_TRIANGLE ? 1 : 0);
   ObjectSetInteger(0, name, OBJPROP_BACK, 1);
   ObjectSetInteger(0, name, OBJPROP_SELECTABLE, 0);
   ObjectSetInteger(0, name, OBJPROP_HIDDEN, 1);
   if(type == OBJ_TREND)
      ObjectSetInteger(0, name, OBJPROP_RAY_RIGHT, 0);
  }

// Where an edge of the fan stands h bars ahead: at 0 it is the last close, for all of them. A model
// without a median has the fan's edges around where it would be.
double CFan::Edge(const CForecast &forecast, const int h, const double level) const
  {
   if(h == 0)
      return forecast.LastClose();
   const double price = forecast.Quantile(h, level);
   return price == EMPTY_VALUE ? forecast.LastClose() : price;
  }

// The fan's colour over the chart's background, as if it were see-through.
color CFan::Faded(const double share) const
  {
   int mixed = 0;
   for(int shift = 0; shift <= 16; shift += 8)
     {
      const double over = (double)(((int)m_colour >> shift) & 255);
      const double under = (double)(((int)m_background >> shift) & 255);
      mixed |= (int)MathRound(over * share + under * (1.0 - share)) << shift;
     }
   return (color)mixed;
  }

#endif
