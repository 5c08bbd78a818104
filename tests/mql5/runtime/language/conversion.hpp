// MQL5's conversions between numbers, times, characters, byte arrays and strings.
#pragma once

#include <cstdint>

#include "array.hpp"
#include "string.hpp"
#include "types.hpp"

namespace mql {

enum ENUM_CODE_PAGE : uint32_t {
  CP_ACP = 0,  // the host's is Windows-1252
  CP_OEMCP = 1,
  CP_MACCP = 2,
  CP_THREAD_ACP = 3,
  CP_SYMBOL = 42,
  CP_UTF7 = 65000,
  CP_UTF8 = 65001,
};

inline constexpr int TIME_DATE = 1;
inline constexpr int TIME_MINUTES = 2;
inline constexpr int TIME_SECONDS = 4;

string CharToString(uint8_t char_code);
string ShortToString(uint16_t symbol_code);
string ColorToString(color value);  // "r,g,b"
// Digits after the point, 0 to 16; with -1 to -16, scientific notation.
string DoubleToString(double value, int digits = 8);
string IntegerToString(int64_t number, int str_len = 0, uint16_t fill_symbol = u' ');
string TimeToString(datetime value, int mode = TIME_DATE | TIME_MINUTES);

// The colour's bytes as a canvas wants them: alpha, red, green, blue.
uint32_t ColorToARGB(color value, uint8_t alpha = 255);
// "r,g,b"; 0 where it is no colour.
color StringToColor(const string &value);

double StringToDouble(const string &value);
int64_t StringToInteger(const string &value);
// "yyyy.mm.dd [hh:mi[:ss]]", also with '/' or '-' in the date; 0 where it is no time.
datetime StringToTime(const string &time);

// The number of elements written. With count -1 a terminating zero is written too.
int StringToCharArray(const string &text, ArrayRef<uint8_t> array, int start = 0, int count = -1,
                      uint32_t codepage = CP_ACP);
int StringToShortArray(const string &text, ArrayRef<uint16_t> array, int start = 0, int count = -1);
// Up to a zero, to count elements, or to the end.
string CharArrayToString(ArrayRef<const uint8_t> array, int start = 0, int count = -1,
                         uint32_t codepage = CP_ACP);
string ShortArrayToString(ArrayRef<const uint16_t> array, int start = 0, int count = -1);

// The bytes of a structure of simple types; false where the array cannot hold them, or ends before.
template <class T>
bool StructToCharArray(const T &structure, ArrayRef<uint8_t> array, uint32_t start_pos = 0) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) == packed_size<T>);
  const int needed = static_cast<int>(start_pos + sizeof(T));
  if (array.size() < needed && !array.resize(needed)) return false;
  std::memcpy(array.data() + start_pos, &structure, sizeof(T));
  return true;
}
template <class T>
bool CharArrayToStruct(T &structure, ArrayRef<const uint8_t> array, uint32_t start_pos = 0) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) == packed_size<T>);
  if (start_pos + sizeof(T) > static_cast<size_t>(array.size())) return false;
  std::memcpy(static_cast<void *>(&structure), array.data() + start_pos, sizeof(T));
  return true;
}

// What Print and casts to string make of a datetime, which C++ cannot tell from a long.
string datetime_text(datetime value);

}  // namespace mql
