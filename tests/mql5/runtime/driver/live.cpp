#include "live.hpp"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "broker.hpp"
#include "clock.hpp"
#include "config.hpp"
#include "events.hpp"
#include "exit_codes.hpp"
#include "expert.hpp"
#include "feed.hpp"
#include "market.hpp"
#include "program.hpp"
#include "stop.hpp"

namespace mql::host {
namespace {

// Plays the ticks that are due, from wherever the market is looked at.
class LiveFeed {
 public:
  LiveFeed() : tick_ms_(config().integer("tick_ms", 100)) {
    if (tick_ms_ < 0) bad_configuration("tick_ms is negative");
    due_ms_ = now_ms();
    market().on_refresh([this] { catch_up(); });
  }
  ~LiveFeed() { market().on_refresh(nullptr); }
  LiveFeed(const LiveFeed &) = delete;
  LiveFeed &operator=(const LiveFeed &) = delete;

  void catch_up() {
    while (has_more() && now_ms() >= due_ms_) {
      feed_.play_next();
      unseen_ = true;
      due_ms_ += tick_ms_;
      if (tick_ms_ == 0) stands_still_ = true;
    }
  }

  // Whether there was a tick since the last question.
  bool take_tick() { return std::exchange(unseen_, false); }
  bool has_more() const { return !stands_still_ && feed_.has_next(); }
  int64_t due_ms() const { return due_ms_; }

  static int64_t now_ms() { return static_cast<int64_t>(GetTickCount64()); }

 private:
  Feed feed_;
  int64_t tick_ms_;
  int64_t due_ms_;
  bool unseen_ = false;
  bool stands_still_ = false;
};

void wait_for_next_event(const LiveFeed &feed) {
  constexpr int64_t kLookForStopMs = 20;
  int64_t until_ms = LiveFeed::now_ms() + kLookForStopMs;
  if (feed.has_more()) until_ms = std::min(until_ms, feed.due_ms());
  if (timer().is_set()) until_ms = std::min(until_ms, timer().due_ms);
  const int64_t left_ms = until_ms - LiveFeed::now_ms();
  if (left_ms > 0) std::this_thread::sleep_for(std::chrono::milliseconds(left_ms));
}

}  // namespace

int run_live() {
  LiveFeed feed;
  stop_at_end_of_stdin();
  feed.catch_up();
  feed.take_tick();  // the chart had this price before the program came
  if (!start_expert()) return kExitInitFailed;
  while (!stop_requested()) {
    feed.catch_up();
    if (feed.take_tick()) expert().tick();
    if (broker().take_traded()) expert().trade();
    if (timer().is_set() && Timer::now_ms() >= timer().due_ms) {
      timer().due_ms = std::max(timer().due_ms + timer().period_ms, Timer::now_ms());
      expert().timer();
    }
    wait_for_next_event(feed);
  }
  expert().deinit(stop_reason());
  return kExitRanToTheEnd;
}

}  // namespace mql::host
