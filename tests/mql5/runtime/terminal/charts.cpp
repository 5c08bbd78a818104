#include "charts.hpp"

#include <iterator>

#include "chart_objects.hpp"
#include "errors.hpp"
#include "symbol.hpp"

namespace mql {
namespace {

using host::Anchor;
using host::chart_objects;
using host::ChartObject;

constexpr int64_t kChart = 131'415'926'535;  // ids are large numbers, never 0
constexpr int kLongestName = 63;

bool is_chart(int64_t id) {
  if (id == 0 || id == kChart) return true;
  host::set_error(ERR_CHART_WRONG_ID);
  return false;
}

ChartObject *find(int64_t chart_id, const string &name) {
  if (!is_chart(chart_id)) return nullptr;
  const auto found = chart_objects().find(name.text());
  if (found != chart_objects().end()) return &found->second;
  host::set_error(ERR_OBJECT_NOT_FOUND);
  return nullptr;
}

Anchor *find_anchor(int64_t chart_id, const string &name, int point) {
  ChartObject *const object = find(chart_id, name);
  if (object == nullptr) return nullptr;
  if (point >= 0 && point < object->points) return &object->anchors[static_cast<size_t>(point)];
  host::set_error(ERR_OBJECT_ERROR);
  return nullptr;
}

int points_of(ENUM_OBJECT type) {
  switch (type) {
    case OBJ_TREND:
    case OBJ_RECTANGLE:
      return 2;
    case OBJ_CHANNEL:
    case OBJ_TRIANGLE:
      return 3;
    case OBJ_VLINE:
    case OBJ_HLINE:
    case OBJ_TEXT:
    case OBJ_LABEL:
      return 1;
  }
  return 0;
}

bool matches(const ChartObject &object, int sub_window, int type) {
  return sub_window <= 0 && (type < 0 || object.type == type);  // all stand in the main window
}

std::map<ENUM_CHART_PROPERTY_INTEGER, int64_t> &chart_properties() {
  static auto &all = *new std::map<ENUM_CHART_PROPERTY_INTEGER, int64_t>{
      {CHART_COLOR_BACKGROUND, 0x000000}, {CHART_COLOR_FOREGROUND, 0xFFFFFF}, {CHART_SHIFT, 1}};
  return all;
}

}  // namespace

std::map<std::u16string, ChartObject> &host::chart_objects() {
  static auto &all = *new std::map<std::u16string, ChartObject>;
  return all;
}

int64_t ChartID() { return kChart; }
string ChartSymbol(int64_t chart_id) { return is_chart(chart_id) ? Symbol() : string(u""); }
ENUM_TIMEFRAMES ChartPeriod(int64_t chart_id) {
  return is_chart(chart_id) ? Period() : PERIOD_CURRENT;
}
void ChartRedraw(int64_t chart_id) { is_chart(chart_id); }

bool ChartSetInteger(int64_t chart_id, ENUM_CHART_PROPERTY_INTEGER property, int64_t value) {
  if (!is_chart(chart_id)) return false;
  chart_properties()[property] = value;
  return true;
}

int64_t ChartGetInteger(int64_t chart_id, ENUM_CHART_PROPERTY_INTEGER property, int) {
  return is_chart(chart_id) ? chart_properties()[property] : 0;
}

bool ObjectCreate(int64_t chart_id, const string &name, ENUM_OBJECT type, int sub_window,
                  datetime time1, double price1, datetime time2, double price2, datetime time3,
                  double price3) {
  if (!is_chart(chart_id)) return false;
  const int points = points_of(type);
  if (points == 0 || sub_window != 0 || name.length() == 0 || name.length() > kLongestName) {
    host::set_error(ERR_OBJECT_ERROR);
    return false;
  }
  // One of the same name and type is taken over and moved; a name stands for one object.
  ChartObject object{type, points, {{{time1, price1}, {time2, price2}, {time3, price3}}}};
  object.integers[OBJPROP_TYPE] = type;
  chart_objects().insert_or_assign(name.text(), std::move(object));
  return true;
}

bool ObjectDelete(int64_t chart_id, const string &name) {
  return find(chart_id, name) != nullptr && chart_objects().erase(name.text()) == 1;
}

bool ObjectMove(int64_t chart_id, const string &name, int point, datetime time, double price) {
  Anchor *const anchor = find_anchor(chart_id, name, point);
  if (anchor == nullptr) return false;
  *anchor = {time, price};
  return true;
}

int ObjectFind(int64_t chart_id, const string &name) {
  return find(chart_id, name) == nullptr ? -1 : 0;
}

int ObjectsTotal(int64_t chart_id, int sub_window, int type) {
  int total = 0;
  if (is_chart(chart_id))
    for (const auto &[name, object] : chart_objects()) total += matches(object, sub_window, type);
  return total;
}

string ObjectName(int64_t chart_id, int index, int sub_window, int type) {
  if (is_chart(chart_id))
    for (const auto &[name, object] : chart_objects())
      if (matches(object, sub_window, type) && index-- == 0) return string(name);
  host::set_error(ERR_OBJECT_NOT_FOUND);
  return string(u"");
}

int ObjectsDeleteAll(int64_t chart_id, const string &prefix, int sub_window, int type) {
  if (!is_chart(chart_id)) return -1;
  return static_cast<int>(std::erase_if(chart_objects(), [&](const auto &each) {
    return each.first.starts_with(prefix.text()) && matches(each.second, sub_window, type);
  }));
}

int ObjectsDeleteAll(int64_t chart_id, int sub_window, int type) {
  return ObjectsDeleteAll(chart_id, string(u""), sub_window, type);
}

bool ObjectSetInteger(int64_t chart_id, const string &name, ENUM_OBJECT_PROPERTY_INTEGER property,
                      int64_t value) {
  return ObjectSetInteger(chart_id, name, property, 0, value);
}

bool ObjectSetInteger(int64_t chart_id, const string &name, ENUM_OBJECT_PROPERTY_INTEGER property,
                      int point, int64_t value) {
  Anchor *const anchor = find_anchor(chart_id, name, point);
  if (anchor == nullptr) return false;
  if (property == OBJPROP_TYPE) {
    host::set_error(ERR_OBJECT_WRONG_PROPERTY);
    return false;
  }
  if (property == OBJPROP_TIME)
    anchor->time = value;
  else
    find(chart_id, name)->integers[property] = value;
  return true;
}

int64_t ObjectGetInteger(int64_t chart_id, const string &name,
                         ENUM_OBJECT_PROPERTY_INTEGER property, int point) {
  const Anchor *const anchor = find_anchor(chart_id, name, point);
  if (anchor == nullptr) return 0;
  return property == OBJPROP_TIME ? anchor->time : find(chart_id, name)->integers[property];
}

bool ObjectSetDouble(int64_t chart_id, const string &name, ENUM_OBJECT_PROPERTY_DOUBLE property,
                     double value) {
  return ObjectSetDouble(chart_id, name, property, 0, value);
}

bool ObjectSetDouble(int64_t chart_id, const string &name, ENUM_OBJECT_PROPERTY_DOUBLE, int point,
                     double value) {
  Anchor *const anchor = find_anchor(chart_id, name, point);
  if (anchor == nullptr) return false;
  anchor->price = value;
  return true;
}

double ObjectGetDouble(int64_t chart_id, const string &name, ENUM_OBJECT_PROPERTY_DOUBLE,
                       int point) {
  const Anchor *const anchor = find_anchor(chart_id, name, point);
  return anchor == nullptr ? 0.0 : anchor->price;
}

bool ObjectSetString(int64_t chart_id, const string &name, ENUM_OBJECT_PROPERTY_STRING property,
                     const string &value) {
  ChartObject *const object = find(chart_id, name);
  if (object == nullptr) return false;
  object->strings[property] = value;
  return true;
}

string ObjectGetString(int64_t chart_id, const string &name, ENUM_OBJECT_PROPERTY_STRING property,
                       int) {
  ChartObject *const object = find(chart_id, name);
  return object == nullptr ? string(u"") : object->strings[property];
}

}  // namespace mql
