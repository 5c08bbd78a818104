#include "series.hpp"

#include <algorithm>

#include "errors.hpp"
#include "market.hpp"

namespace mql {
namespace {

using host::Bar;
using host::BarRange;
using host::market;

// Whether the host has this series, with the error where it has not.
bool has_series(const string &symbol, ENUM_TIMEFRAMES period) {
  if (!host::is_known_symbol(symbol)) return false;
  if (period == PERIOD_CURRENT || period == market().period()) return true;
  host::set_error(ERR_HISTORY_NOT_FOUND);
  return false;
}

BarRange not_found() {
  host::set_error(ERR_HISTORY_NOT_FOUND);
  return {};
}

// Of `count` bars from a shift on, those that there are.
BarRange available(size_t newest, int count) {
  const size_t visible = market().visible();
  if (newest >= visible || count <= 0) return not_found();
  return {true, newest, std::min(static_cast<size_t>(count), visible - newest)};
}

template <class T, class Value>
int copy(const BarRange &range, ArrayRef<T> to, Value value) {
  if (!range.found) return -1;
  const int count = static_cast<int>(range.count);
  if (to.is_dynamic() ? !to.resize(count) : to.size() < count) {
    host::set_error(to.is_dynamic() ? ERR_NOT_ENOUGH_MEMORY : ERR_HISTORY_SMALL_BUFFER);
    return -1;
  }
  // Memory is oldest first even in a series, whose indices run the other way.
  for (size_t i = 0; i < range.count; ++i)
    to.data()[i] = value(market().bar(range.newest + range.count - 1 - i));
  return count;
}

const Bar *bar_at(const string &symbol, ENUM_TIMEFRAMES period, int shift) {
  if (!has_series(symbol, period)) return nullptr;
  if (shift >= 0 && static_cast<size_t>(shift) < market().visible())
    return &market().bar(static_cast<size_t>(shift));
  host::set_error(ERR_HISTORY_NOT_FOUND);
  return nullptr;
}

template <class T>
T value_at(const string &symbol, ENUM_TIMEFRAMES period, int shift, T Bar::*member) {
  const Bar *const bar = bar_at(symbol, period, shift);
  return bar == nullptr ? T{} : bar->*member;
}

}  // namespace

BarRange host::bars_from(const string &symbol, ENUM_TIMEFRAMES period, int start, int count) {
  if (!has_series(symbol, period)) return {};
  return start < 0 ? not_found() : available(static_cast<size_t>(start), count);
}

BarRange host::bars_from(const string &symbol, ENUM_TIMEFRAMES period, datetime start, int count) {
  if (!has_series(symbol, period)) return {};
  return available(market().visible() - market().opened_until(start), count);
}

BarRange host::bars_between(const string &symbol, ENUM_TIMEFRAMES period, datetime start,
                            datetime stop) {
  if (!has_series(symbol, period)) return {};
  const auto [first, last] = std::minmax(start, stop);
  const size_t before = market().opened_until(first - 1);
  const size_t until = market().opened_until(last);
  if (until == before) return not_found();
  return {true, market().visible() - until, until - before};
}

int host::copy_rates(const BarRange &range, ArrayRef<MqlRates> to) {
  return copy(range, to, [](const Bar &bar) {
    return MqlRates{bar.time,  bar.open,        bar.high,   bar.low,
                    bar.close, bar.tick_volume, bar.spread, bar.real_volume};
  });
}
int host::copy_times(const BarRange &range, ArrayRef<datetime> to) {
  return copy(range, to, [](const Bar &bar) { return bar.time; });
}
int host::copy_opens(const BarRange &range, ArrayRef<double> to) {
  return copy(range, to, [](const Bar &bar) { return bar.open; });
}
int host::copy_highs(const BarRange &range, ArrayRef<double> to) {
  return copy(range, to, [](const Bar &bar) { return bar.high; });
}
int host::copy_lows(const BarRange &range, ArrayRef<double> to) {
  return copy(range, to, [](const Bar &bar) { return bar.low; });
}
int host::copy_closes(const BarRange &range, ArrayRef<double> to) {
  return copy(range, to, [](const Bar &bar) { return bar.close; });
}
int host::copy_tick_volumes(const BarRange &range, ArrayRef<int64_t> to) {
  return copy(range, to, [](const Bar &bar) { return bar.tick_volume; });
}
int host::copy_spreads(const BarRange &range, ArrayRef<int32_t> to) {
  return copy(range, to, [](const Bar &bar) { return bar.spread; });
}

datetime iTime(const string &symbol, ENUM_TIMEFRAMES timeframe, int shift) {
  return value_at(symbol, timeframe, shift, &Bar::time);
}
double iOpen(const string &symbol, ENUM_TIMEFRAMES timeframe, int shift) {
  return value_at(symbol, timeframe, shift, &Bar::open);
}
double iHigh(const string &symbol, ENUM_TIMEFRAMES timeframe, int shift) {
  return value_at(symbol, timeframe, shift, &Bar::high);
}
double iLow(const string &symbol, ENUM_TIMEFRAMES timeframe, int shift) {
  return value_at(symbol, timeframe, shift, &Bar::low);
}
double iClose(const string &symbol, ENUM_TIMEFRAMES timeframe, int shift) {
  return value_at(symbol, timeframe, shift, &Bar::close);
}
int64_t iVolume(const string &symbol, ENUM_TIMEFRAMES timeframe, int shift) {
  return iTickVolume(symbol, timeframe, shift);
}
int64_t iTickVolume(const string &symbol, ENUM_TIMEFRAMES timeframe, int shift) {
  return value_at(symbol, timeframe, shift, &Bar::tick_volume);
}
int iSpread(const string &symbol, ENUM_TIMEFRAMES timeframe, int shift) {
  return value_at(symbol, timeframe, shift, &Bar::spread);
}

int iBarShift(const string &symbol, ENUM_TIMEFRAMES timeframe, datetime time, bool exact) {
  if (!has_series(symbol, timeframe)) return -1;
  const size_t until = market().opened_until(time);
  if (until == 0) {
    host::set_error(ERR_HISTORY_NOT_FOUND);
    return -1;
  }
  const size_t shift = market().visible() - until;
  if (exact && time >= market().bar(shift).time + market().period_seconds()) return -1;
  return static_cast<int>(shift);
}

int iBars(const string &symbol, ENUM_TIMEFRAMES timeframe) {
  return has_series(symbol, timeframe) ? static_cast<int>(market().visible()) : 0;
}
int Bars(const string &symbol, ENUM_TIMEFRAMES timeframe) { return iBars(symbol, timeframe); }
int Bars(const string &symbol, ENUM_TIMEFRAMES timeframe, datetime start, datetime stop) {
  return static_cast<int>(host::bars_between(symbol, timeframe, start, stop).count);
}

bool SeriesInfoInteger(const string &symbol, ENUM_TIMEFRAMES timeframe,
                       ENUM_SERIES_INFO_INTEGER property, int64_t &value) {
  if (!has_series(symbol, timeframe)) return false;
  const size_t visible = market().visible();
  switch (property) {
    case SERIES_BARS_COUNT:
      value = static_cast<int64_t>(visible);
      return true;
    case SERIES_FIRSTDATE:
    case SERIES_SERVER_FIRSTDATE:
    case SERIES_TERMINAL_FIRSTDATE:
      value = visible == 0 ? 0 : market().bar(visible - 1).time;
      return true;
    case SERIES_LASTBAR_DATE:
      value = visible == 0 ? 0 : market().bar(0).time;
      return true;
    case SERIES_SYNCHRONIZED:
      value = 1;
      return true;
  }
  host::set_error(ERR_HISTORY_WRONG_PROPERTY);
  return false;
}

int64_t SeriesInfoInteger(const string &symbol, ENUM_TIMEFRAMES timeframe,
                          ENUM_SERIES_INFO_INTEGER property) {
  int64_t value = 0;
  SeriesInfoInteger(symbol, timeframe, property, value);
  return value;
}

}  // namespace mql
