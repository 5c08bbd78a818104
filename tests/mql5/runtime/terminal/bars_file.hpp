// Bars as the terminal exports them: tab-separated text with a header.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mql::host {

struct Bar {
  int64_t time = 0;  // of its opening, in seconds of the server's clock
  double open = 0.0;
  double high = 0.0;
  double low = 0.0;
  double close = 0.0;
  int64_t tick_volume = 0;
  int64_t real_volume = 0;
  int spread = 0;  // points
};

// Oldest first. UTF-8 or UTF-16 with a byte order mark; <TIME> may be absent. A file that cannot
// be read, or whose times do not ascend, is a bad configuration and ends the process.
std::vector<Bar> read_bars(const std::string &path);

// "2020.01.31" or "2020.01.31 10:00[:00]", or a number of seconds since 1970.
int64_t parse_time(const std::string &text);

}  // namespace mql::host
