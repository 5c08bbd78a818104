// Bars, as a program asks for them: by shift from the newest, or by time. Never a coming one.
#pragma once

#include <cstdint>

#include "array.hpp"
#include "string.hpp"
#include "symbol.hpp"
#include "timeframes.hpp"
#include "types.hpp"

namespace mql {

inline constexpr int ERR_HISTORY_NOT_FOUND = 4401;
inline constexpr int ERR_HISTORY_WRONG_PROPERTY = 4402;
inline constexpr int ERR_HISTORY_SMALL_BUFFER = 4407;

struct MqlRates {
  datetime time;
  double open;
  double high;
  double low;
  double close;
  int64_t tick_volume;
  int32_t spread;
  int64_t real_volume;
};

// MQL5 leaves no gap after spread, C++ does: where bytes go outside, such a structure is refused.
template <>
inline constexpr size_t packed_size<MqlRates> = 60;

enum ENUM_SERIES_INFO_INTEGER {
  SERIES_BARS_COUNT,
  SERIES_FIRSTDATE,
  SERIES_LASTBAR_DATE,
  SERIES_SERVER_FIRSTDATE,
  SERIES_TERMINAL_FIRSTDATE,
  SERIES_SYNCHRONIZED
};

namespace host {

// Visible bars, newest first: shift and count, shift and count from a time, or between two times.
struct BarRange {
  bool found = false;
  size_t newest = 0;  // the shift of the newest one
  size_t count = 0;
};

BarRange bars_from(const string &symbol, ENUM_TIMEFRAMES period, int start, int count);
BarRange bars_from(const string &symbol, ENUM_TIMEFRAMES period, datetime start, int count);
BarRange bars_between(const string &symbol, ENUM_TIMEFRAMES period, datetime start, datetime stop);

// Fill the array, which grows or shrinks to them where it is dynamic, oldest first (newest first
// where it is a series). They return how many were copied, or -1 and an error.
int copy_rates(const BarRange &range, ArrayRef<MqlRates> to);
int copy_times(const BarRange &range, ArrayRef<datetime> to);
int copy_opens(const BarRange &range, ArrayRef<double> to);
int copy_highs(const BarRange &range, ArrayRef<double> to);
int copy_lows(const BarRange &range, ArrayRef<double> to);
int copy_closes(const BarRange &range, ArrayRef<double> to);
int copy_tick_volumes(const BarRange &range, ArrayRef<int64_t> to);
int copy_spreads(const BarRange &range, ArrayRef<int32_t> to);

}  // namespace host

// Each Copy function has the three forms of BarRange.
#define MQL_COPY_FUNCTION(Name, Element, copy)                                                    \
  inline int Name(const string &symbol_name, ENUM_TIMEFRAMES timeframe, int start_pos, int count, \
                  ArrayRef<Element> to) {                                                         \
    return host::copy(host::bars_from(symbol_name, timeframe, start_pos, count), to);             \
  }                                                                                               \
  inline int Name(const string &symbol_name, ENUM_TIMEFRAMES timeframe, datetime start_time,      \
                  int count, ArrayRef<Element> to) {                                              \
    return host::copy(host::bars_from(symbol_name, timeframe, start_time, count), to);            \
  }                                                                                               \
  inline int Name(const string &symbol_name, ENUM_TIMEFRAMES timeframe, datetime start_time,      \
                  datetime stop_time, ArrayRef<Element> to) {                                     \
    return host::copy(host::bars_between(symbol_name, timeframe, start_time, stop_time), to);     \
  }
MQL_COPY_FUNCTION(CopyRates, MqlRates, copy_rates)
MQL_COPY_FUNCTION(CopyTime, datetime, copy_times)
MQL_COPY_FUNCTION(CopyOpen, double, copy_opens)
MQL_COPY_FUNCTION(CopyHigh, double, copy_highs)
MQL_COPY_FUNCTION(CopyLow, double, copy_lows)
MQL_COPY_FUNCTION(CopyClose, double, copy_closes)
MQL_COPY_FUNCTION(CopyTickVolume, int64_t, copy_tick_volumes)
MQL_COPY_FUNCTION(CopySpread, int32_t, copy_spreads)
#undef MQL_COPY_FUNCTION

// One value of the bar at a shift; 0 and an error where there is none.
datetime iTime(const string &symbol, ENUM_TIMEFRAMES timeframe, int shift);
double iOpen(const string &symbol, ENUM_TIMEFRAMES timeframe, int shift);
double iHigh(const string &symbol, ENUM_TIMEFRAMES timeframe, int shift);
double iLow(const string &symbol, ENUM_TIMEFRAMES timeframe, int shift);
double iClose(const string &symbol, ENUM_TIMEFRAMES timeframe, int shift);
int64_t iVolume(const string &symbol, ENUM_TIMEFRAMES timeframe, int shift);
int64_t iTickVolume(const string &symbol, ENUM_TIMEFRAMES timeframe, int shift);
int iSpread(const string &symbol, ENUM_TIMEFRAMES timeframe, int shift);

// The shift of the bar that holds the time; where none does, of the one before it, or -1 if exact.
int iBarShift(const string &symbol, ENUM_TIMEFRAMES timeframe, datetime time, bool exact = false);

int iBars(const string &symbol, ENUM_TIMEFRAMES timeframe);
int Bars(const string &symbol, ENUM_TIMEFRAMES timeframe);
int Bars(const string &symbol, ENUM_TIMEFRAMES timeframe, datetime start, datetime stop);

int64_t SeriesInfoInteger(const string &symbol, ENUM_TIMEFRAMES timeframe,
                          ENUM_SERIES_INFO_INTEGER property);
bool SeriesInfoInteger(const string &symbol, ENUM_TIMEFRAMES timeframe,
                       ENUM_SERIES_INFO_INTEGER property, int64_t &value);

}  // namespace mql
