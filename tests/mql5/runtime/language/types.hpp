// MQL5's simple types, and the constants that belong to them.
#pragma once

#include <cfloat>
#include <climits>
#include <cmath>
#include <cstddef>
#include <cstdint>

// MQL5's long has 64 bits everywhere; the C of Windows, whose macros these are, has 32.
#undef LONG_MIN
#undef LONG_MAX
#undef ULONG_MAX
#define LONG_MIN INT64_MIN
#define LONG_MAX INT64_MAX
#define ULONG_MAX UINT64_MAX

// What every access to an element goes through. Under the sanitizers speed does not matter, and
// inlining their checks makes compiling slow.
#ifdef __SANITIZE_ADDRESS__
#define MQL_INLINE
#else
#define MQL_INLINE [[gnu::always_inline]]
#endif

namespace mql {

using datetime = int64_t;  // seconds since 1970
using color = int32_t;     // 0x00BBGGRR

// NULL: the pointer to nothing, and the string that was never set.
struct null_t {};
inline constexpr null_t null;

inline constexpr int WHOLE_ARRAY = -1;
inline constexpr int WRONG_VALUE = -1;
inline constexpr int INVALID_HANDLE = -1;
inline constexpr bool IS_DEBUG_MODE = false;
inline constexpr bool IS_PROFILE_MODE = false;
inline constexpr double EMPTY_VALUE = DBL_MAX;

inline constexpr int16_t SHORT_MIN = INT16_MIN;
inline constexpr int16_t SHORT_MAX = INT16_MAX;
inline constexpr uint16_t USHORT_MAX = UINT16_MAX;

namespace host {

// Memory that MQL5 leaves as it is holds this byte in the host, so that a test sees who reads it.
inline constexpr int kPoison = 0xCD;

}  // namespace host

// The size of a type without padding. The translator specialises it for every structure and union
// of simple types, so that code which shares their bytes with the outside (DLLs, files) can insist
// that C++ lays them out as MQL5 does.
template <class T>
inline constexpr size_t packed_size = sizeof(T);

}  // namespace mql
