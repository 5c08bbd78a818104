// EnumToString for MQL5's own enumerations. For each that is to have names, the header that defines
// it also defines `constexpr std::span<const host::EnumName> enum_names(E)` beside it.
#pragma once

#include <cstdint>
#include <span>
#include <type_traits>

#include "string.hpp"

namespace mql {
namespace host {

struct EnumName {
  int64_t value;
  const char16_t *name;
};

}  // namespace host

template <class E>
requires std::is_enum_v<E> && requires(E value) { enum_names(value); }
string EnumToString(E value) {
  for (const host::EnumName &known : enum_names(value))
    if (known.value == static_cast<int64_t>(value)) return string(known.name);
  return string(u"ENUM::") + host::number_text(static_cast<int64_t>(value));
}

}  // namespace mql
