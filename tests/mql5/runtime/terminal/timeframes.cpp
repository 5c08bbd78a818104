#include "timeframes.hpp"

#include <array>
#include <utility>

#include "errors.hpp"
#include "market.hpp"

namespace mql {
namespace {

constexpr int64_t kMinute = 60;
constexpr int64_t kHour = 3600;
constexpr int64_t kDay = 86400;

constexpr std::array<std::pair<ENUM_TIMEFRAMES, int64_t>, 21> kPeriods = {{
    {PERIOD_M1, kMinute},       {PERIOD_M2, 2 * kMinute},   {PERIOD_M3, 3 * kMinute},
    {PERIOD_M4, 4 * kMinute},   {PERIOD_M5, 5 * kMinute},   {PERIOD_M6, 6 * kMinute},
    {PERIOD_M10, 10 * kMinute}, {PERIOD_M12, 12 * kMinute}, {PERIOD_M15, 15 * kMinute},
    {PERIOD_M20, 20 * kMinute}, {PERIOD_M30, 30 * kMinute}, {PERIOD_H1, kHour},
    {PERIOD_H2, 2 * kHour},     {PERIOD_H3, 3 * kHour},     {PERIOD_H4, 4 * kHour},
    {PERIOD_H6, 6 * kHour},     {PERIOD_H8, 8 * kHour},     {PERIOD_H12, 12 * kHour},
    {PERIOD_D1, kDay},          {PERIOD_W1, 7 * kDay},      {PERIOD_MN1, 30 * kDay},
}};

}  // namespace

int PeriodSeconds(ENUM_TIMEFRAMES period) {
  const int64_t seconds =
      host::seconds_of_period(period == PERIOD_CURRENT ? host::market().period() : period);
  if (seconds == 0) host::set_error(ERR_INVALID_PARAMETER);
  return static_cast<int>(seconds);
}

ENUM_TIMEFRAMES host::period_of_seconds(int64_t seconds) {
  for (const auto &[period, length] : kPeriods)
    if (length == seconds) return period;
  return PERIOD_CURRENT;
}

int64_t host::seconds_of_period(ENUM_TIMEFRAMES period) {
  for (const auto &[each, length] : kPeriods)
    if (each == period) return length;
  return 0;
}

}  // namespace mql
