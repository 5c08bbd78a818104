#include "agent_files.hpp"

#include <algorithm>
#include <filesystem>
#include <string>

#include "config.hpp"
#include "journal.hpp"
#include "paths.hpp"
#include "program.hpp"
#include "sandbox.hpp"

namespace mql::host {

void copy_tester_files() {
  if (!config().has("agent_folder")) return;
  const std::filesystem::path from = native_path(config().text("data_folder")) / "Files";
  for (std::string name : property("tester_file")) {
    std::replace(name.begin(), name.end(), '\\', '/');
    const std::filesystem::path source = from / native_path(name);
    const std::filesystem::path copy = files_folder(false) / native_path(name);
    std::error_code failed;
    std::filesystem::create_directories(copy.parent_path(), failed);
    std::filesystem::copy_file(source, copy, std::filesystem::copy_options::overwrite_existing,
                               failed);
    if (failed) journal("tester file '" + name + "' was not copied: " + failed.message());
  }
}

}  // namespace mql::host
