#include "events.hpp"

#include "clock.hpp"
#include "errors.hpp"
#include "program.hpp"

namespace mql {

bool EventSetMillisecondTimer(int milliseconds) {
  if (host::mode() == host::Mode::script) {
    host::set_error(ERR_FUNCTION_NOT_ALLOWED);
    return false;
  }
  if (milliseconds <= 0) {
    host::set_error(ERR_INVALID_PARAMETER);
    return false;
  }
  host::timer() = {milliseconds, host::Timer::now_ms() + milliseconds};
  return true;
}

bool EventSetTimer(int seconds) {
  if (seconds > INT32_MAX / 1000) {
    host::set_error(ERR_INVALID_PARAMETER);
    return false;
  }
  return EventSetMillisecondTimer(seconds * 1000);
}

void EventKillTimer() { host::timer() = {}; }

host::Timer &host::timer() {
  static Timer one;
  return one;
}

int64_t host::Timer::now_ms() {
  return in_tester() ? server_time_msc() : static_cast<int64_t>(GetTickCount64());
}

}  // namespace mql
