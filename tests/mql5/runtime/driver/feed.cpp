#include "feed.hpp"

#include <algorithm>

#include "broker.hpp"
#include "config.hpp"
#include "market.hpp"
#include "price_path.hpp"
#include "statistics.hpp"

namespace mql::host {
namespace {

// The first bar that opens at the configured time or later.
size_t bar_at(const char *key, size_t fallback) {
  if (!config().has(key)) return fallback;
  const auto &bars = market().file();
  const int64_t time = parse_time(config().text(key));
  const auto found = std::lower_bound(bars.begin(), bars.end(), time,
                                      [](const Bar &bar, int64_t t) { return bar.time < t; });
  return static_cast<size_t>(found - bars.begin());
}

}  // namespace

Feed::Feed() : first_(bar_at("from", 0)), end_(bar_at("to", market().file().size())) {
  end_ = std::max(first_, end_);
  bar_ = first_;
  market().start_before(first_);
  broker().begin();
  drawdowns().start();
}

int64_t Feed::next_time_msc() const {
  return price_path(market().file()[bar_], market().period_seconds())[point_].time_msc;
}

void Feed::play_next() {
  const auto path = price_path(market().file()[bar_], market().period_seconds());
  market().play(bar_, path[point_].time_msc, path[point_].bid);
  broker().feel_price();
  drawdowns().observe();
  if (++point_ == path.size()) {
    point_ = 0;
    ++bar_;
  }
}

}  // namespace mql::host
