#include "critical.hpp"

#include <cstdlib>
#include <filesystem>

#include "journal.hpp"
#include "program.hpp"

namespace mql::host {
namespace {

constexpr int kExitCritical = 3;

[[noreturn]] void end_process(const char *message) {
  journal(std::string("critical error: ") + message);
  std::_Exit(kExitCritical);
}

// A destructor threw: C++ ends such a process, and the journal shall still say why.
[[noreturn]] void uncaught() {
  try {
    if (std::current_exception()) throw;
  } catch (const Critical &error) {
    end_process(error.what());
  } catch (const std::exception &error) {
    journal(std::string("the host failed: ") + error.what());
  } catch (...) {
    journal("the host failed");
  }
  std::abort();
}

}  // namespace

void critical(std::string message) {
  if (!running()) end_process(message.c_str());
  std::set_terminate(uncaught);
  throw Critical(std::move(message));
}

void critical(const char *what, std::source_location where) {
  const std::string file = std::filesystem::path(where.file_name()).filename().string();
  critical(std::string(what) + " in '" + file + "' (" + std::to_string(where.line()) + ")");
}

}  // namespace mql::host
