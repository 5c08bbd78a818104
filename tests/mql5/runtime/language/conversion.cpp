#include "conversion.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

#include "errors.hpp"
#include "times.hpp"

namespace mql {
namespace {

string from_ascii(std::string_view text) {
  return string(std::u16string(text.begin(), text.end()));
}

// The start of a string as ASCII, for parsers; what is not ASCII ends numbers as letters do.
std::string to_ascii(const string &text) {
  std::string bytes;
  for (const char16_t unit : text.text()) bytes += unit < 0x80 ? static_cast<char>(unit) : '?';
  return bytes;
}

std::string_view without_sign_and_blanks(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  if (text.starts_with('+')) text.remove_prefix(1);
  return text;
}

template <class Unit, class Units>
int copy_units(const Units &units, ArrayRef<Unit> array, int start, int count) {
  const int all = static_cast<int>(units.size());
  const int copied = count < 0 ? all + 1 : std::min(count, all);
  if (start < 0) {
    host::set_error(ERR_INVALID_PARAMETER);
    return 0;
  }
  const int needed = start + copied;
  if (array.size() < needed && !array.resize(needed)) {
    host::set_error(ERR_SMALL_ARRAY);
    return 0;
  }
  Unit *to = array.data() + start;
  for (int i = 0; i < std::min(copied, all); ++i)
    to[i] = static_cast<Unit>(units[static_cast<size_t>(i)]);
  if (copied > all) to[all] = 0;
  return copied;
}

// The elements [start, start + count) as far as they exist, ending before a zero.
template <class Unit>
std::pair<const Unit *, size_t> units_of(const ArrayRef<const Unit> &array, int start, int count) {
  if (start < 0 || start >= array.size()) return {nullptr, 0};
  int length = array.size() - start;
  if (count >= 0) length = std::min(length, count);
  const Unit *first = array.data() + start;
  return {first, static_cast<size_t>(std::find(first, first + length, Unit{0}) - first)};
}

}  // namespace

string CharToString(uint8_t char_code) {
  const char byte = static_cast<char>(char_code);
  return host::from_ansi({&byte, 1});
}

string ShortToString(uint16_t symbol_code) {
  return string(std::u16string(1, static_cast<char16_t>(symbol_code)));
}

string ColorToString(color value) {
  std::array<char, 16> buffer;
  std::snprintf(buffer.data(), buffer.size(), "%d,%d,%d", value & 0xFF, (value >> 8) & 0xFF,
                (value >> 16) & 0xFF);
  return from_ascii(buffer.data());
}

uint32_t ColorToARGB(color value, uint8_t alpha) {
  const auto bytes = static_cast<uint32_t>(value);
  return uint32_t{alpha} << 24 | (bytes & 0xFF) << 16 | (bytes & 0xFF00) | (bytes >> 16 & 0xFF);
}

color StringToColor(const string &value) {
  int red = 0;
  int green = 0;
  int blue = 0;
  if (std::sscanf(to_ascii(value).c_str(), "%d,%d,%d", &red, &green, &blue) != 3) return 0;
  return (red & 0xFF) | (green & 0xFF) << 8 | (blue & 0xFF) << 16;
}

string DoubleToString(double value, int digits) {
  if (!std::isfinite(value)) return host::number_text(value);
  std::array<char, 400> buffer;
  const bool fixed = digits >= 0;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 fixed ? std::chars_format::fixed : std::chars_format::scientific,
                                 std::clamp(fixed ? digits : -digits, 0, 16))
                       .ptr;
  return from_ascii({buffer.data(), static_cast<size_t>(end - buffer.data())});
}

string IntegerToString(int64_t number, int str_len, uint16_t fill_symbol) {
  const string digits = host::number_text(number);
  const int missing = std::max(str_len - digits.length(), 0);
  return string(std::u16string(static_cast<size_t>(missing), static_cast<char16_t>(fill_symbol)) +
                digits.text());
}

string TimeToString(datetime value, int mode) {
  MqlDateTime parts{};
  if (!TimeToStruct(value, parts)) return string(u"");
  std::array<char, 64> buffer;
  std::string text;
  const auto append = [&](const char *format, int a, int b, int c) {
    std::snprintf(buffer.data(), buffer.size(), format, a, b, c);
    if (!text.empty()) text += ' ';
    text += buffer.data();
  };
  if (mode & TIME_DATE) append("%04d.%02d.%02d", parts.year, parts.mon, parts.day);
  if (mode & TIME_SECONDS)
    append("%02d:%02d:%02d", parts.hour, parts.min, parts.sec);
  else if (mode & TIME_MINUTES)
    append("%02d:%02d", parts.hour, parts.min, 0);
  return from_ascii(text);
}

double StringToDouble(const string &value) {
  const std::string ascii = to_ascii(value);
  const std::string_view digits = without_sign_and_blanks(ascii);
  double number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

int64_t StringToInteger(const string &value) {
  const std::string ascii = to_ascii(value);
  const std::string_view digits = without_sign_and_blanks(ascii);
  int64_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

datetime StringToTime(const string &time) {
  const std::string ascii = to_ascii(time);
  MqlDateTime parts{};
  char end = '\0';
  const char *text = ascii.c_str();
  const int read = std::max({
      std::sscanf(text, "%4d.%2d.%2d %2d:%2d:%2d%c", &parts.year, &parts.mon, &parts.day,
                  &parts.hour, &parts.min, &parts.sec, &end),
      std::sscanf(text, "%4d/%2d/%2d %2d:%2d:%2d%c", &parts.year, &parts.mon, &parts.day,
                  &parts.hour, &parts.min, &parts.sec, &end),
      std::sscanf(text, "%4d-%2d-%2d %2d:%2d:%2d%c", &parts.year, &parts.mon, &parts.day,
                  &parts.hour, &parts.min, &parts.sec, &end),
  });
  if (read != 3 && read != 5 && read != 6) {
    host::set_error(read < 3 ? ERR_WRONG_STRING_DATE : ERR_WRONG_STRING_TIME);
    return 0;
  }
  return StructToTime(parts);
}

int StringToCharArray(const string &text, ArrayRef<uint8_t> array, int start, int count,
                      uint32_t codepage) {
  return copy_units(codepage == CP_UTF8 ? host::to_utf8(text) : host::to_ansi(text.text()), array,
                    start, count);
}

int StringToShortArray(const string &text, ArrayRef<uint16_t> array, int start, int count) {
  return copy_units(text.text(), array, start, count);
}

string CharArrayToString(ArrayRef<const uint8_t> array, int start, int count, uint32_t codepage) {
  const auto [first, length] = units_of(array, start, count);
  const std::string_view bytes(reinterpret_cast<const char *>(first), length);
  return codepage == CP_UTF8 ? host::from_utf8(bytes) : host::from_ansi(bytes);
}

string ShortArrayToString(ArrayRef<const uint16_t> array, int start, int count) {
  const auto [first, length] = units_of(array, start, count);
  return string(std::u16string(first, first + length));
}

string datetime_text(datetime value) { return TimeToString(value, TIME_DATE | TIME_SECONDS); }

}  // namespace mql
