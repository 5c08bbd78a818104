// The program's timer: on real time live, on simulated time in the tester.
#pragma once

#include <cstdint>

namespace mql {

bool EventSetTimer(int seconds);
bool EventSetMillisecondTimer(int milliseconds);
void EventKillTimer();

namespace host {

struct Timer {
  int64_t period_ms = 0;  // 0: not set
  int64_t due_ms = 0;     // on the clock of now_ms

  bool is_set() const { return period_ms > 0; }
  // The server's simulated clock in the tester, else a steady real one.
  static int64_t now_ms();
};
Timer &timer();

}  // namespace host
}  // namespace mql
