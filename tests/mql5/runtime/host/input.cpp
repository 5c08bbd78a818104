#include "input.hpp"

#include <charconv>

namespace mql::host {
namespace {

template <class T>
T parsed(const std::string &name, const std::string &value) {
  T number{};
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc{} || end != value.data() + value.size()) bad_input(name, value);
  return number;
}

}  // namespace

void refuse_unknown_inputs() {
  for (const std::string &name : config().inputs_never_asked())
    bad_configuration("the program has no input " + name);
}

void bad_input(const std::string &name, const std::string &value) {
  bad_configuration("input " + name + " cannot be " + value);
}

bool input_flag(const std::string &name, const std::string &value) {
  if (value == "true" || value == "1") return true;
  if (value == "false" || value == "0") return false;
  bad_input(name, value);
}

int64_t input_integer(const std::string &name, const std::string &value) {
  return parsed<int64_t>(name, value);
}

uint64_t input_unsigned(const std::string &name, const std::string &value) {
  return parsed<uint64_t>(name, value);
}

double input_real(const std::string &name, const std::string &value) {
  return parsed<double>(name, value);
}

}  // namespace mql::host
