// How a person, or a test, stops a running program: SIGTERM, Ctrl+C, the end of stdin.
#pragma once

namespace mql::host {

void stop_on_signals();
void stop_at_end_of_stdin();

}  // namespace mql::host
