// The objects on the chart, as the host keeps them.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "charts.hpp"

namespace mql::host {

struct Anchor {
  datetime time = 0;
  double price = 0.0;
};

struct ChartObject {
  ENUM_OBJECT type = OBJ_VLINE;
  int points = 1;
  std::array<Anchor, 3> anchors{};
  std::map<ENUM_OBJECT_PROPERTY_INTEGER, int64_t> integers{};
  std::map<ENUM_OBJECT_PROPERTY_STRING, string> strings{};
};

// By name, as the terminal lists them.
std::map<std::u16string, ChartObject> &chart_objects();

}  // namespace mql::host
