// Memory as such: ZeroMemory, and the bytes of resources.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "array.hpp"

namespace mql {

// All bytes zero, for simple types; strings inside a structure become NULL.
template <class T>
void ZeroMemory(T &variable) {
  if constexpr (std::is_trivially_copyable_v<T> && !is_array<T>)
    std::memset(static_cast<void *>(&variable), 0, sizeof(T));
  else if constexpr (is_array<T>)
    for (int i = 0; i < variable.size(); ++i) ZeroMemory(variable.data()[i]);
  else
    variable = T{};
}

// The content of a file that #resource names: read when the program starts.
Array<uint8_t> load_resource(const char *utf8_path);

}  // namespace mql
