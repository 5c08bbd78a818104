#include "journal.hpp"

#include <cstdio>
#include <fstream>

#include "clock.hpp"
#include "config.hpp"
#include "paths.hpp"

namespace mql::host {
namespace {

// Where no journal is named, lines go to the standard output.
class Journal {
 public:
  Journal() {
    if (!config().has("journal")) return;
    file_.open(native_path(config().text("journal")), std::ios::binary | std::ios::app);
    if (!file_) bad_configuration("cannot write " + config().text("journal"));
  }

  void write(std::string_view line) {
    const std::string stamped = clock_text() + '\t' + std::string(line) + '\n';
    if (file_.is_open()) {
      file_ << stamped << std::flush;
    } else {
      std::fwrite(stamped.data(), 1, stamped.size(), stdout);
      std::fflush(stdout);
    }
  }

 private:
  std::ofstream file_;
};

}  // namespace

void journal(std::string_view utf8) {
  static Journal &opened = *new Journal;
  while (true) {
    const size_t end = utf8.find('\n');
    std::string_view line = utf8.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    opened.write(line);
    if (end == std::string_view::npos) return;
    utf8.remove_prefix(end + 1);
  }
}

}  // namespace mql::host
