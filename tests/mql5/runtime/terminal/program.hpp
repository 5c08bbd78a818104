// What a translated program hands to its host, and what it may ask about its own life.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "string.hpp"

namespace mql {

enum ENUM_INIT_RETCODE {
  INIT_SUCCEEDED,
  INIT_FAILED,
  INIT_PARAMETERS_INCORRECT,
  INIT_AGENT_NOT_SUITABLE
};

// Why OnDeinit is called.
inline constexpr int REASON_PROGRAM = 0;
inline constexpr int REASON_REMOVE = 1;
inline constexpr int REASON_RECOMPILE = 2;
inline constexpr int REASON_CHARTCHANGE = 3;
inline constexpr int REASON_CHARTCLOSE = 4;
inline constexpr int REASON_PARAMETERS = 5;
inline constexpr int REASON_ACCOUNT = 6;
inline constexpr int REASON_TEMPLATE = 7;
inline constexpr int REASON_INITFAILED = 8;
inline constexpr int REASON_CLOSE = 9;

// The handlers of one program; those it does not have stay empty. Nobody clicks on the host's
// chart, so chart_event is never called.
struct Program {
  std::function<int()> init;
  std::function<void()> tick;
  std::function<void(int)> deinit;
  std::function<void()> timer;
  std::function<double()> tester;
  std::function<void()> start;
  std::function<void()> trade;
  std::function<void(int, const int64_t &, const double &, const string &)> chart_event;
};

// Defined by the translated unit.
void describe(Program &program);

// `#property name value`: one static object each.
struct Property {
  Property(const char *name, const char *value);
};

// True once the program has been asked to end (the stop button, SIGTERM, ExpertRemove).
bool IsStopped();
// Asks the host to remove the program when the running handler returns.
void ExpertRemove();
// Likewise ends a test, which counts as one that ran to its end: OnTester is called.
void TesterStop();
int UninitializeReason();

namespace host {

enum class Mode { tester, live, script };

Mode mode();
inline bool in_tester() { return mode() == Mode::tester; }

// False until main() runs and after it returned: a critical error then cannot be caught.
bool running();
void set_running(bool value);

void request_stop(int reason);
bool stop_requested();
int stop_reason();
// The part of stopping that a signal handler may do.
void request_stop_from_signal();

// The values of all #property lines of that name, in their order.
std::vector<std::string> property(const std::string &name);

}  // namespace host
}  // namespace mql
