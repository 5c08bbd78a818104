#include "expert.hpp"

#include <string>

#include "journal.hpp"

namespace mql::host {

Expert &expert() {
  static Expert &one = *new Expert;
  return one;
}

bool start_expert() {
  const int code = expert().init();
  if (code == INIT_SUCCEEDED) return true;
  journal("initialization failed with code " + std::to_string(code));
  expert().deinit(REASON_INITFAILED);
  return false;
}

}  // namespace mql::host
