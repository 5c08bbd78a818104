// How a bar is played as ticks.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

#include "bars_file.hpp"

namespace mql::host {

struct PathPoint {
  int64_t time_msc;
  double bid;
};

// Four ticks: the open when the bar opens, the extreme nearer to the open after a third of its
// time, the other extreme after two thirds, the close in its last second. Between two ticks the
// price passes all levels; from one bar's close to the next one's open it may jump.
inline std::array<PathPoint, 4> price_path(const Bar &bar, int64_t period_seconds) {
  const bool low_first = std::abs(bar.open - bar.low) <= std::abs(bar.high - bar.open);
  const int64_t start_msc = bar.time * 1000;
  const int64_t length_msc = period_seconds * 1000;
  return {{{start_msc, bar.open},
           {start_msc + length_msc / 3, low_first ? bar.low : bar.high},
           {start_msc + length_msc * 2 / 3, low_first ? bar.high : bar.low},
           {start_msc + length_msc - 1000, bar.close}}};
}

}  // namespace mql::host
