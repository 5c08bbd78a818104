// What `#property tester_file` does.
#pragma once

namespace mql::host {

// Copies the files that the program names to the agent that tests it, which has a folder of its
// own. One that is missing is told, and the program finds out when it opens it.
void copy_tester_files();

}  // namespace mql::host
