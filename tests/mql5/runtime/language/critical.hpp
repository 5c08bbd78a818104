// Critical errors: what ends an MQL5 program at once.
#pragma once

#include <exception>
#include <source_location>
#include <string>

namespace mql {

// Ends the program. Thrown by built-ins, caught where the host calls the program's handlers.
class Critical : public std::exception {
 public:
  explicit Critical(std::string message) : message_(std::move(message)) {}
  const char *what() const noexcept override { return message_.c_str(); }

 private:
  std::string message_;
};

namespace host {

// Throws Critical with "<what> in '<file>' (<line>)". While no handler of the program runs (its
// globals are made or destroyed) nothing could catch it: then the process ends here.
[[noreturn, gnu::cold, gnu::noinline]] void critical(
    const char *what, std::source_location where = std::source_location::current());
[[noreturn, gnu::cold, gnu::noinline]] void critical(std::string message);

}  // namespace host
}  // namespace mql
