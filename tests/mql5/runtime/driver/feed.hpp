// Plays the file's bars as ticks, one after the other, for the tester and for live mode.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mql::host {

class Feed {
 public:
  // History is what opened before the configured `from`; the ticks are those of the bars that
  // open from there on and before `to`.
  Feed();

  bool has_next() const { return bar_ < end_; }
  // Of the tick that play_next would play.
  int64_t next_time_msc() const;
  // Moves the market by one tick and lets the account feel it: stops, targets, stop-out.
  void play_next();

  size_t bars() const { return end_ - first_; }

 private:
  size_t first_ = 0;
  size_t end_ = 0;
  size_t bar_ = 0;
  size_t point_ = 0;  // of the bar's price path
};

}  // namespace mql::host
