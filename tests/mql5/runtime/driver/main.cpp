// Runs one translated program, as the configuration says.

#include <cstdlib>

#include "critical.hpp"
#include "exit_codes.hpp"
#include "input.hpp"
#include "journal.hpp"
#include "live.hpp"
#include "program.hpp"
#include "report.hpp"
#include "script.hpp"
#include "stop.hpp"
#include "tester.hpp"

namespace {

int run() {
  using namespace mql::host;
  refuse_unknown_inputs();
  switch (mode()) {
    case Mode::tester:
      return run_tester();
    case Mode::live:
      return run_live();
    case Mode::script:
      return run_script();
  }
  return kExitBadConfiguration;
}

}  // namespace

int main() {
  using namespace mql::host;
  stop_on_signals();
  set_running(true);
  int code = kExitRanToTheEnd;
  try {
    code = run();
  } catch (const mql::Critical &error) {
    // The terminal removes such a program at once: no OnDeinit, no destructors.
    journal(std::string("critical error: ") + error.what());
    finish_report();
    std::_Exit(kExitCritical);
  }
  set_running(false);
  return code;
}
