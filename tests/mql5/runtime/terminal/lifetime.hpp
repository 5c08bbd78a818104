// The end of a program. Included by mql.hpp alone: only the translated unit may hold the object.
#pragma once

namespace mql::host {

void finish_report();  // report.hpp

// As std::ios_base::Init: made before the unit's globals, so destroyed when they are gone. The
// report is written then, with what the program left: undeleted objects, chart objects, sockets.
struct Lifetime {
  Lifetime() = default;
  ~Lifetime() { finish_report(); }
  Lifetime(const Lifetime &) = delete;
  Lifetime &operator=(const Lifetime &) = delete;
};
static const Lifetime lifetime;

}  // namespace mql::host
