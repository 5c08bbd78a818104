#include "times.hpp"

#include <chrono>

#include "errors.hpp"

namespace mql {
namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::weekday;
using std::chrono::year_month_day;

constexpr int64_t kDaySeconds = 24 * 60 * 60;
constexpr datetime kEnd = 32535244800;  // 3001.01.01, the first second that datetime cannot have

}  // namespace

bool TimeToStruct(datetime time, MqlDateTime &parts) {
  if (time < 0 || time >= kEnd) {
    host::set_error(ERR_INVALID_DATETIME);
    return false;
  }
  const sys_days day{days{time / kDaySeconds}};
  const year_month_day date{day};
  const int seconds = static_cast<int>(time % kDaySeconds);
  parts.year = static_cast<int>(date.year());
  parts.mon = static_cast<int>(static_cast<unsigned>(date.month()));
  parts.day = static_cast<int>(static_cast<unsigned>(date.day()));
  parts.hour = seconds / 3600;
  parts.min = seconds / 60 % 60;
  parts.sec = seconds % 60;
  parts.day_of_week = static_cast<int>(weekday{day}.c_encoding());
  parts.day_of_year = static_cast<int>((day - sys_days{date.year() / 1 / 1}).count());
  return true;
}

datetime StructToTime(const MqlDateTime &parts) {
  const auto in = [](int value, int least, int most) { return value >= least && value <= most; };
  const year_month_day date{std::chrono::year{parts.year},
                            std::chrono::month{static_cast<unsigned>(parts.mon)},
                            std::chrono::day{static_cast<unsigned>(parts.day)}};
  if (!in(parts.year, 1970, 3000) || !in(parts.mon, 1, 12) || !in(parts.day, 1, 31) || !date.ok() ||
      !in(parts.hour, 0, 23) || !in(parts.min, 0, 59) || !in(parts.sec, 0, 59)) {
    host::set_error(ERR_INVALID_DATETIME);
    return 0;
  }
  const int64_t day = sys_days{date}.time_since_epoch().count();
  return day * kDaySeconds + parts.hour * 3600 + parts.min * 60 + parts.sec;
}

}  // namespace mql
