#include "market.hpp"

#include <algorithm>
#include <cmath>

#include "clock.hpp"
#include "config.hpp"

namespace mql::host {
namespace {

// Exact, which pow is not on every system.
double power_of_ten(int exponent) {
  double power = 1.0;
  for (int i = 0; i < exponent; ++i) power *= 10.0;
  return power;
}

SymbolSpecification configured_symbol() {
  const Config &given = config();
  SymbolSpecification symbol;
  symbol.name = given.text("symbol", "EURUSD");
  const bool is_pair = symbol.name.size() >= 6;
  symbol.base = given.text("currency_base", is_pair ? symbol.name.substr(0, 3) : "USD");
  symbol.profit = given.text("currency_profit", is_pair ? symbol.name.substr(3, 3) : "USD");
  symbol.digits = static_cast<int>(given.integer("digits", symbol.digits));
  symbol.point = given.number("point", 1.0 / power_of_ten(symbol.digits));
  symbol.contract_size = given.number("contract_size", symbol.contract_size);
  symbol.volume_min = given.number("volume_min", symbol.volume_min);
  symbol.volume_max = given.number("volume_max", symbol.volume_max);
  symbol.volume_step = given.number("volume_step", symbol.volume_step);
  symbol.stops_level = static_cast<int>(given.integer("stops_level", 0));
  symbol.freeze_level = static_cast<int>(given.integer("freeze_level", 0));
  symbol.filling = static_cast<int>(given.integer("filling", symbol.filling));
  return symbol;
}

}  // namespace

Market::Market()
    : symbol_(configured_symbol()),
      period_(period_of_seconds(config().integer("tf", 3600))),
      period_seconds_(seconds_of_period(period_)),
      fixed_spread_(static_cast<int>(config().integer("spread_points", -1))) {
  if (period_ == PERIOD_CURRENT)
    bad_configuration("tf is " + config().text("tf", "") + ": no period has as many seconds");
  if (config().has("bars")) bars_ = read_bars(config().text("bars", ""));
}

void Market::start_before(std::size_t index) {
  closed_ = index;
  forming_ = false;
  if (index == 0) {
    if (!bars_.empty()) set_server_time_msc(bars_.front().time * 1000);
    return;
  }
  const Bar &last = bars_[index - 1];
  const int spread = fixed_spread_ < 0 ? last.spread : fixed_spread_;
  quote_ = {(last.time + period_seconds_ - 1) * 1000, last.close,
            normalised(last.close + spread * symbol_.point), false};
  set_server_time_msc(quote_.time_msc);
}

void Market::play(std::size_t index, int64_t time_msc, double bid) {
  const Bar &whole = bars_[index];
  const int spread = fixed_spread_ < 0 ? whole.spread : fixed_spread_;
  const bool opens = !forming_ || current_.time != whole.time;
  if (opens) {
    closed_ = index;
    forming_ = true;
    current_ = {whole.time, bid, bid, bid, bid, 0, 0, spread};
  }
  current_.high = std::max(current_.high, bid);
  current_.low = std::min(current_.low, bid);
  current_.close = bid;
  ++current_.tick_volume;
  quote_ = {time_msc, bid, normalised(bid + spread * symbol_.point), opens};
  set_server_time_msc(time_msc);
}

const Bar &Market::bar(std::size_t shift) const {
  if (!forming_) return bars_[closed_ - 1 - shift];
  return shift == 0 ? current_ : bars_[closed_ - shift];
}

std::size_t Market::opened_until(int64_t time) const {
  if (forming_ && current_.time <= time) return visible();
  const auto end = bars_.begin() + static_cast<std::ptrdiff_t>(closed_);
  const auto after = std::upper_bound(bars_.begin(), end, time,
                                      [](int64_t t, const Bar &bar) { return t < bar.time; });
  return static_cast<std::size_t>(after - bars_.begin());
}

double Market::normalised(double price) const {
  const double units = power_of_ten(symbol_.digits);
  return std::round(price * units) / units;
}

void Market::refresh() const {
  if (catch_up_) catch_up_();
}

Market &market() {
  static Market &one = *new Market;
  return one;
}

}  // namespace mql::host
