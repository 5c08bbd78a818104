// MQL5's string: UTF-16, passed by value, and either NULL or a text.
#pragma once

#include <concepts>
#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "critical.hpp"
#include "types.hpp"

namespace mql {

template <class T>
concept Number = std::is_arithmetic_v<T> || std::is_enum_v<T>;

class string {
 public:
  string() = default;
  string(null_t) {}
  explicit string(const char16_t *text) : text_(text), set_(true) {}
  explicit string(std::u16string text) : text_(std::move(text)), set_(true) {}
  explicit string(std::u16string_view text) : text_(text), set_(true) {}

  // (string)number, as the program's explicit cast spells it.
  template <Number T>
  explicit string(T number);

  string &operator+=(const string &other) {
    text_ += other.text_;
    set_ = true;
    return *this;
  }

  const std::u16string &text() const { return text_; }
  int length() const { return static_cast<int>(text_.size()); }
  bool is_null() const { return !set_; }

  // For built-ins that change a string in place: afterwards it is a text.
  std::u16string &edit() {
    set_ = true;
    return text_;
  }

 private:
  std::u16string text_;
  bool set_ = false;
};

inline string operator+(string left, const string &right) {
  left += right;
  return left;
}

// MetaEditor warns of the implicit conversion of numbers to strings; here it does not compile.
template <Number T>
string operator+(const string &, T) = delete;
template <Number T>
string operator+(T, const string &) = delete;
template <Number T>
string &operator+=(string &, T) = delete;

inline bool operator==(const string &left, const string &right) {
  return left.text() == right.text();
}
inline auto operator<=>(const string &left, const string &right) {
  return left.text() <=> right.text();
}
inline bool operator==(const string &text, null_t) { return text.is_null(); }

// text[i]: its code unit.
template <std::integral I>
uint16_t index(const string &text, I i,
               std::source_location where = std::source_location::current()) {
  if (static_cast<uint64_t>(i) >= text.text().size()) [[unlikely]]
    host::critical("array out of range", where);
  return text.text()[static_cast<size_t>(i)];
}

namespace host {

// Bytes that are not UTF-8 become U+FFFD, as in Windows' own conversion.
string from_utf8(std::string_view bytes);
std::string to_utf8(std::u16string_view text);
inline std::string to_utf8(const string &text) { return to_utf8(text.text()); }

// The Windows-1252 code page, which stands for CP_ACP: other characters become '?'.
string from_ansi(std::string_view bytes);
std::string to_ansi(std::u16string_view text);

string number_text(bool value);
string number_text(int64_t value);
string number_text(uint64_t value);
string number_text(float value);   // at most 5 digits after the point
string number_text(double value);  // up to 16 significant digits, scientific where shorter

}  // namespace host

template <Number T>
string::string(T number) {
  if constexpr (std::is_enum_v<T>)
    *this = string(static_cast<std::underlying_type_t<T>>(number));
  else if constexpr (std::is_same_v<T, bool> || std::is_floating_point_v<T>)
    *this = host::number_text(number);
  else if constexpr (std::is_signed_v<T>)
    *this = host::number_text(static_cast<int64_t>(number));
  else
    *this = host::number_text(static_cast<uint64_t>(number));
}

}  // namespace mql
