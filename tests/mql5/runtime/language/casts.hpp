// Explicit casts, and what the operators sizeof and typename say.
#pragma once

#include <type_traits>
#include <typeinfo>

#include "conversion.hpp"
#include "ptr.hpp"
#include "string.hpp"
#include "types.hpp"

namespace mql {

// (T)value. A pointer to an object of another class ends the program.
template <class T, class U>
constexpr T cast(const U &value) {
  if constexpr (std::is_same_v<T, U>) {
    return value;
  } else if constexpr (std::is_same_v<U, string>) {
    return std::is_floating_point_v<T> ? static_cast<T>(StringToDouble(value))
                                       : static_cast<T>(StringToInteger(value));
  } else if constexpr (is_ptr<T> && is_ptr<U>) {
    const T pointer = dynamic<std::remove_pointer_t<decltype(T().object())>>(value);
    if (value.alive() && pointer == null)
      host::critical(std::string("incorrect casting of pointers"));
    return pointer;
  } else {
    return static_cast<T>(value);
  }
}

// sizeof: MQL5 lays structures out without padding.
template <class T>
constexpr int size_of() {
  return static_cast<int>(packed_size<std::remove_cvref_t<T>>);
}

// typename
template <class T>
string type_name() {
  using U = std::remove_cvref_t<T>;
  if constexpr (std::is_same_v<U, string>) return string(u"string");
  if constexpr (std::is_same_v<U, int8_t>) return string(u"char");
  if constexpr (std::is_same_v<U, uint8_t>) return string(u"uchar");
  if constexpr (std::is_same_v<U, uint16_t>) return string(u"ushort");
  if constexpr (std::is_same_v<U, uint32_t>) return string(u"uint");
  if constexpr (std::is_same_v<U, int64_t>) return string(u"long");
  if constexpr (std::is_same_v<U, uint64_t>) return string(u"ulong");
  return host::from_utf8(host::class_name(typeid(U)));
}

}  // namespace mql
