// Functions of DLLs.
//
// A DLL is loaded when the program starts, and a program does not start where DLLs are not allowed
// or one is missing (exit code 4). In a Windows build they are the system's own. Elsewhere two have
// a stand-in: ws2_32.dll (winsock.hpp) and libzmq.dll (the system's libzmq); others are missing.
#pragma once

#include <cstdint>
#include <type_traits>

#include "array.hpp"
#include "string.hpp"
#include "types.hpp"

namespace mql {
namespace host {

// The function's address. A missing one ends the program, as in the terminal, at its first call.
void *dll_function(const char *dll, const char *function);

template <class T>
requires(std::is_arithmetic_v<T> || std::is_enum_v<T>) T dll_argument(T value) { return value; }

// A parameter by reference: the translated import passes its address.
template <class T>
void *dll_argument(T *value) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) == packed_size<T>,
                "a DLL would see padding that MQL5 does not have: order or fill the members");
  return const_cast<std::remove_const_t<T> *>(value);
}

// A copy of nothing: a DLL may write into the array, and reads it only while the call lasts.
template <class T>
void *dll_argument(const ArrayRef<T> &array) {
  static_assert(std::is_trivially_copyable_v<T>, "only simple types and structures go to a DLL");
  return const_cast<std::remove_const_t<T> *>(array.data());
}

inline const char16_t *dll_argument(const string &text) { return text.text().c_str(); }

// Sockets of ws2_32.dll that the program made and did not close; 0 in a Windows build, where the
// DLL is the system's own and nobody counts.
int open_winsock_sockets();

}  // namespace host

// `#import "x.dll"`: one static object each, so that it is loaded before anything runs.
struct ImportedDll {
  explicit ImportedDll(const char *name);
};

template <class R, class... Arguments>
R dll_call(const char *dll, const char *function, const Arguments &...arguments) {
  using Function = R (*)(decltype(host::dll_argument(arguments))...);
  const auto address = reinterpret_cast<Function>(host::dll_function(dll, function));
  return address(host::dll_argument(arguments)...);
}

}  // namespace mql
