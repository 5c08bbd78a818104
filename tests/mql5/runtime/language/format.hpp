// What Print, StringFormat and their kin accept: any number of numbers and strings.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <type_traits>

#include "string.hpp"

namespace mql {
namespace host {

class Argument {
 public:
  enum class Kind { flag, integer, real, text };

  Argument(const string &text) : kind_(Kind::text), text_(&text) {}
  template <Number T>
  Argument(T number) {
    if constexpr (std::is_enum_v<T>) {
      *this = Argument(static_cast<std::underlying_type_t<T>>(number));
    } else if constexpr (std::is_floating_point_v<T>) {
      kind_ = Kind::real;
      is_float_ = std::is_same_v<T, float>;
      real_ = static_cast<double>(number);
    } else {
      kind_ = std::is_same_v<T, bool> ? Kind::flag : Kind::integer;
      is_signed_ = std::is_signed_v<T>;
      bytes_ = sizeof(T);
      integer_ = static_cast<int64_t>(number);
    }
  }

  Kind kind() const { return kind_; }
  bool is_wide() const { return bytes_ == 8; }
  int64_t integer() const { return integer_; }
  double real() const { return real_; }
  const string &text() const { return *text_; }

  // As Print writes it.
  string plain() const;

 private:
  Kind kind_ = Kind::integer;
  bool is_float_ = false;
  bool is_signed_ = true;
  size_t bytes_ = 4;
  int64_t integer_ = 0;
  double real_ = 0;
  const string *text_ = nullptr;
};

using Arguments = std::span<const Argument>;

// StringFormat's work. A conversion that does not fit its argument ends the program: the terminal
// would write something that is not the value.
string formatted(const string &format, Arguments arguments);
string joined(Arguments arguments);

template <class... A>
std::array<Argument, sizeof...(A)> arguments(const A &...values) {
  return {Argument(values)...};
}

}  // namespace host

template <class... A>
string StringFormat(const string &format, const A &...values) {
  return host::formatted(format, host::arguments(values...));
}

}  // namespace mql
