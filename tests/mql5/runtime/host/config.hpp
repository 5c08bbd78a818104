// What the host was told: the `key=value` lines of the file that the variable MQL_HOST names.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mql::host {

class Config {
 public:
  bool has(std::string_view key) const { return values_.contains(key); }
  std::string text(std::string_view key, std::string_view fallback = "") const;
  int64_t integer(std::string_view key, int64_t fallback = 0) const;
  double number(std::string_view key, double fallback = 0) const;
  bool flag(std::string_view key, bool fallback = false) const;

  // The value of an input, or null; it counts as asked for.
  const std::string *input(const std::string &name) const;
  // Inputs that were set but that the program does not have.
  std::vector<std::string> inputs_never_asked() const;

 private:
  friend const Config &config();
  Config();

  std::map<std::string, std::string, std::less<>> values_;
  mutable std::map<std::string, bool, std::less<>> asked_;
};

// Read at the first call, which may come from the constructor of one of the program's globals.
const Config &config();

// Says what is wrong and ends the process with exit code 5.
[[noreturn]] void bad_configuration(std::string_view what);

}  // namespace mql::host
