// The calendar: seconds since 1970 to and from the parts of a date.
#pragma once

#include "types.hpp"

namespace mql {

enum ENUM_DAY_OF_WEEK : int32_t {
  SUNDAY,
  MONDAY,
  TUESDAY,
  WEDNESDAY,
  THURSDAY,
  FRIDAY,
  SATURDAY,
};

struct MqlDateTime {
  int year;
  int mon;
  int day;
  int hour;
  int min;
  int sec;
  int day_of_week;  // 0 is Sunday
  int day_of_year;  // 0 is 1 January
};

bool TimeToStruct(datetime time, MqlDateTime &parts);
// 0 where the parts are no date.
datetime StructToTime(const MqlDateTime &parts);

}  // namespace mql
