// Where a program's files are. It reaches nothing outside.
#pragma once

#include <filesystem>
#include <optional>

#include "string.hpp"

namespace mql::host {

// The folder `Files` of the terminal's data folder (in the tester, of the agent's), or of the
// folder common to all terminals.
std::filesystem::path files_folder(bool common);

// A file or folder by the name that the program gives it; empty, with the last error set, where
// Windows could have no file of this name or where it would lie outside.
std::optional<std::filesystem::path> sandboxed(const string &name, bool common);

}  // namespace mql::host
