// The chart that the program runs on, and the objects drawn there.
//
// The host draws nothing: it keeps objects and their properties. Those that are left when the
// program ends stand in the report, as they would stay on the terminal's chart.
#pragma once

#include <cstdint>

#include "string.hpp"
#include "timeframes.hpp"
#include "types.hpp"

namespace mql {

inline constexpr int ERR_CHART_WRONG_ID = 4101;
inline constexpr int ERR_CHART_WRONG_PROPERTY = 4111;
inline constexpr int ERR_OBJECT_ERROR = 4201;
inline constexpr int ERR_OBJECT_NOT_FOUND = 4202;
inline constexpr int ERR_OBJECT_WRONG_PROPERTY = 4203;

enum ENUM_OBJECT {
  OBJ_VLINE = 0,
  OBJ_HLINE = 1,
  OBJ_TREND = 2,
  OBJ_CHANNEL = 5,
  OBJ_RECTANGLE = 16,
  OBJ_TRIANGLE = 17,
  OBJ_TEXT = 101,
  OBJ_LABEL = 102
};
enum ENUM_OBJECT_PROPERTY_INTEGER {
  OBJPROP_COLOR,
  OBJPROP_STYLE,
  OBJPROP_WIDTH,
  OBJPROP_BACK,
  OBJPROP_ZORDER,
  OBJPROP_FILL,
  OBJPROP_HIDDEN,
  OBJPROP_SELECTABLE,
  OBJPROP_SELECTED,
  OBJPROP_TYPE,
  OBJPROP_TIME,
  OBJPROP_RAY,
  OBJPROP_RAY_LEFT,
  OBJPROP_RAY_RIGHT,
  OBJPROP_ANCHOR,
  OBJPROP_CORNER,
  OBJPROP_FONTSIZE,
  OBJPROP_XDISTANCE,
  OBJPROP_YDISTANCE
};
enum ENUM_OBJECT_PROPERTY_DOUBLE { OBJPROP_PRICE };
enum ENUM_OBJECT_PROPERTY_STRING { OBJPROP_TEXT, OBJPROP_TOOLTIP, OBJPROP_FONT };
enum ENUM_LINE_STYLE { STYLE_SOLID, STYLE_DASH, STYLE_DOT, STYLE_DASHDOT, STYLE_DASHDOTDOT };
enum ENUM_BASE_CORNER {
  CORNER_LEFT_UPPER,
  CORNER_LEFT_LOWER,
  CORNER_RIGHT_LOWER,
  CORNER_RIGHT_UPPER
};
enum ENUM_CHART_PROPERTY_INTEGER { CHART_COLOR_BACKGROUND, CHART_COLOR_FOREGROUND, CHART_SHIFT };

// A chart's id of 0 is the program's own chart, and there is no other.
int64_t ChartID();
string ChartSymbol(int64_t chart_id = 0);
ENUM_TIMEFRAMES ChartPeriod(int64_t chart_id = 0);
void ChartRedraw(int64_t chart_id = 0);
bool ChartSetInteger(int64_t chart_id, ENUM_CHART_PROPERTY_INTEGER property, int64_t value);
int64_t ChartGetInteger(int64_t chart_id, ENUM_CHART_PROPERTY_INTEGER property, int sub_window = 0);

// An object has as many anchor points as its type; those that are not given stand at 0.
bool ObjectCreate(int64_t chart_id, const string &name, ENUM_OBJECT type, int sub_window,
                  datetime time1, double price1, datetime time2 = 0, double price2 = 0.0,
                  datetime time3 = 0, double price3 = 0.0);
bool ObjectDelete(int64_t chart_id, const string &name);
bool ObjectMove(int64_t chart_id, const string &name, int point, datetime time, double price);
int ObjectFind(int64_t chart_id, const string &name);  // the sub-window's number, or below 0
int ObjectsTotal(int64_t chart_id, int sub_window = -1, int type = -1);
string ObjectName(int64_t chart_id, int index, int sub_window = -1, int type = -1);
int ObjectsDeleteAll(int64_t chart_id, const string &prefix, int sub_window = -1, int type = -1);
int ObjectsDeleteAll(int64_t chart_id, int sub_window = -1, int type = -1);

bool ObjectSetInteger(int64_t chart_id, const string &name, ENUM_OBJECT_PROPERTY_INTEGER property,
                      int64_t value);
bool ObjectSetInteger(int64_t chart_id, const string &name, ENUM_OBJECT_PROPERTY_INTEGER property,
                      int point, int64_t value);
int64_t ObjectGetInteger(int64_t chart_id, const string &name,
                         ENUM_OBJECT_PROPERTY_INTEGER property, int point = 0);
bool ObjectSetDouble(int64_t chart_id, const string &name, ENUM_OBJECT_PROPERTY_DOUBLE property,
                     double value);
bool ObjectSetDouble(int64_t chart_id, const string &name, ENUM_OBJECT_PROPERTY_DOUBLE property,
                     int point, double value);
double ObjectGetDouble(int64_t chart_id, const string &name, ENUM_OBJECT_PROPERTY_DOUBLE property,
                       int point = 0);
bool ObjectSetString(int64_t chart_id, const string &name, ENUM_OBJECT_PROPERTY_STRING property,
                     const string &value);
string ObjectGetString(int64_t chart_id, const string &name, ENUM_OBJECT_PROPERTY_STRING property,
                       int point = 0);

}  // namespace mql
