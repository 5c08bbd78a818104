// `input` variables: the program's own value unless the host was given another.
#pragma once

#include <string>
#include <type_traits>

#include "config.hpp"
#include "string.hpp"

namespace mql {
namespace host {

// Once the program's globals are there: ends the process where an input was set that it has not.
void refuse_unknown_inputs();

[[noreturn]] void bad_input(const std::string &name, const std::string &value);
bool input_flag(const std::string &name, const std::string &value);
int64_t input_integer(const std::string &name, const std::string &value);
uint64_t input_unsigned(const std::string &name, const std::string &value);
double input_real(const std::string &name, const std::string &value);

}  // namespace host

template <class T>
T input(const char *name, T fallback) {
  const std::string *value = host::config().input(name);
  if (value == nullptr) return fallback;
  if constexpr (std::is_same_v<T, string>) {
    return host::from_utf8(*value);
  } else if constexpr (std::is_same_v<T, bool>) {
    return host::input_flag(name, *value);
  } else if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(host::input_real(name, *value));
  } else if constexpr (std::is_same_v<T, uint64_t>) {
    return host::input_unsigned(name, *value);
  } else {
    const int64_t number = host::input_integer(name, *value);
    const T narrowed = static_cast<T>(number);
    if (static_cast<int64_t>(narrowed) != number) host::bad_input(name, *value);
    return narrowed;
  }
}

}  // namespace mql
