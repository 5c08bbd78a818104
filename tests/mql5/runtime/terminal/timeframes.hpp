// Periods of bars.
#pragma once

#include <cstdint>
#include <span>

#include "enum_names.hpp"

namespace mql {

enum ENUM_TIMEFRAMES {
  PERIOD_CURRENT = 0,
  PERIOD_M1 = 1,
  PERIOD_M2 = 2,
  PERIOD_M3 = 3,
  PERIOD_M4 = 4,
  PERIOD_M5 = 5,
  PERIOD_M6 = 6,
  PERIOD_M10 = 10,
  PERIOD_M12 = 12,
  PERIOD_M15 = 15,
  PERIOD_M20 = 20,
  PERIOD_M30 = 30,
  PERIOD_H1 = 0x4001,
  PERIOD_H2 = 0x4002,
  PERIOD_H3 = 0x4003,
  PERIOD_H4 = 0x4004,
  PERIOD_H6 = 0x4006,
  PERIOD_H8 = 0x4008,
  PERIOD_H12 = 0x400C,
  PERIOD_D1 = 0x4018,
  PERIOD_W1 = 0x8001,
  PERIOD_MN1 = 0xC001
};

inline constexpr host::EnumName kTimeframeNames[] = {
    {PERIOD_CURRENT, u"PERIOD_CURRENT"}, {PERIOD_M1, u"PERIOD_M1"},   {PERIOD_M2, u"PERIOD_M2"},
    {PERIOD_M3, u"PERIOD_M3"},           {PERIOD_M4, u"PERIOD_M4"},   {PERIOD_M5, u"PERIOD_M5"},
    {PERIOD_M6, u"PERIOD_M6"},           {PERIOD_M10, u"PERIOD_M10"}, {PERIOD_M12, u"PERIOD_M12"},
    {PERIOD_M15, u"PERIOD_M15"},         {PERIOD_M20, u"PERIOD_M20"}, {PERIOD_M30, u"PERIOD_M30"},
    {PERIOD_H1, u"PERIOD_H1"},           {PERIOD_H2, u"PERIOD_H2"},   {PERIOD_H3, u"PERIOD_H3"},
    {PERIOD_H4, u"PERIOD_H4"},           {PERIOD_H6, u"PERIOD_H6"},   {PERIOD_H8, u"PERIOD_H8"},
    {PERIOD_H12, u"PERIOD_H12"},         {PERIOD_D1, u"PERIOD_D1"},   {PERIOD_W1, u"PERIOD_W1"},
    {PERIOD_MN1, u"PERIOD_MN1"},
};
constexpr std::span<const host::EnumName> enum_names(ENUM_TIMEFRAMES) { return kTimeframeNames; }

// Seconds in a period; 0 and ERR_INVALID_PARAMETER for a number that is none.
int PeriodSeconds(ENUM_TIMEFRAMES period = PERIOD_CURRENT);

namespace host {

// The period of that many seconds; PERIOD_CURRENT when there is none.
ENUM_TIMEFRAMES period_of_seconds(int64_t seconds);
int64_t seconds_of_period(ENUM_TIMEFRAMES period);

}  // namespace host
}  // namespace mql
