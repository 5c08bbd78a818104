// The journal: the one place where the host and the program write what a person may read.
#pragma once

#include <string_view>

namespace mql::host {

// Writes each line of the text, with the time of clock_text() before it, and flushes.
void journal(std::string_view utf8);

}  // namespace mql::host
