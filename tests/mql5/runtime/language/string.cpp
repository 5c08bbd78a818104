#include "string.hpp"

#include <array>
#include <charconv>

namespace mql::host {
namespace {

constexpr char16_t kReplacement = 0xFFFD;

void append(std::u16string &text, char32_t point) {
  if (point < 0x10000) {
    text += static_cast<char16_t>(point);
  } else {
    text += static_cast<char16_t>(0xD7C0 + (point >> 10));
    text += static_cast<char16_t>(0xDC00 + (point & 0x3FF));
  }
}

void append(std::string &bytes, char32_t point) {
  const auto tail = [&](int shift) {
    bytes += static_cast<char>(0x80 | ((point >> shift) & 0x3F));
  };
  if (point < 0x80) {
    bytes += static_cast<char>(point);
  } else if (point < 0x800) {
    bytes += static_cast<char>(0xC0 | (point >> 6));
    tail(0);
  } else if (point < 0x10000) {
    bytes += static_cast<char>(0xE0 | (point >> 12));
    tail(6);
    tail(0);
  } else {
    bytes += static_cast<char>(0xF0 | (point >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

// What follows a lead byte in well-formed UTF-8 (Unicode 15, table 3-7).
struct Sequence {
  int tail;             // bytes to follow
  unsigned char least;  // the first of them, at least
  unsigned char most;   // and at most; the others are 80..BF
};

constexpr Sequence sequence(unsigned char lead) {
  if (lead >= 0xC2 && lead <= 0xDF) return {1, 0x80, 0xBF};
  if (lead == 0xE0) return {2, 0xA0, 0xBF};
  if (lead == 0xED) return {2, 0x80, 0x9F};
  if (lead >= 0xE1 && lead <= 0xEF) return {2, 0x80, 0xBF};
  if (lead == 0xF0) return {3, 0x90, 0xBF};
  if (lead >= 0xF1 && lead <= 0xF3) return {3, 0x80, 0xBF};
  if (lead == 0xF4) return {3, 0x80, 0x8F};
  return {-1, 0, 0};
}

// Windows-1252 where it differs from Latin-1: 0x80 to 0x9F.
constexpr std::array<char16_t, 32> kWindows1252 = {
    0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x8D,   0x017D, 0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};

string from_ascii(std::string_view digits) {
  return string(std::u16string(digits.begin(), digits.end()));
}

template <class T, class... Format>
string written(T value, Format... format) {
  std::array<char, 400> buffer;  // the longest double in fixed notation has 309 digits
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, format...).ptr;
  return from_ascii({buffer.data(), static_cast<size_t>(end - buffer.data())});
}

}  // namespace

string from_utf8(std::string_view bytes) {
  std::u16string text;
  text.reserve(bytes.size());
  for (size_t at = 0; at < bytes.size();) {
    const auto lead = static_cast<unsigned char>(bytes[at++]);
    if (lead < 0x80) {
      text += static_cast<char16_t>(lead);
      continue;
    }
    auto [tail, least, most] = sequence(lead);
    char32_t point = lead & (0x3Fu >> (tail > 0 ? tail : 0));
    for (; tail > 0 && at < bytes.size(); --tail, ++at, least = 0x80, most = 0xBF) {
      const auto byte = static_cast<unsigned char>(bytes[at]);
      if (byte < least || byte > most) break;
      point = (point << 6) | (byte & 0x3Fu);
    }
    append(text, tail == 0 ? point : kReplacement);
  }
  return string(std::move(text));
}

std::string to_utf8(std::u16string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (size_t at = 0; at < text.size(); ++at) {
    const char32_t unit = text[at];
    const bool high = unit >= 0xD800 && unit < 0xDC00;
    const bool low_follows =
        at + 1 < text.size() && text[at + 1] >= 0xDC00 && text[at + 1] < 0xE000;
    if (high && low_follows)
      append(bytes, ((unit - 0xD7C0) << 10) | (text[++at] & 0x3FFu));
    else
      append(bytes, unit >= 0xD800 && unit < 0xE000 ? kReplacement : unit);
  }
  return bytes;
}

string from_ansi(std::string_view bytes) {
  std::u16string text;
  text.reserve(bytes.size());
  for (const char byte : bytes) {
    const auto code = static_cast<unsigned char>(byte);
    text += code >= 0x80 && code < 0xA0 ? kWindows1252[code - 0x80u] : static_cast<char16_t>(code);
  }
  return string(std::move(text));
}

std::string to_ansi(std::u16string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (const char16_t unit : text) {
    char byte = '?';
    if (unit < 0x80 || (unit >= 0xA0 && unit < 0x100)) {
      byte = static_cast<char>(unit);
    } else {
      for (size_t i = 0; i < kWindows1252.size(); ++i)
        if (kWindows1252[i] == unit) byte = static_cast<char>(0x80 + i);
    }
    bytes += byte;
  }
  return bytes;
}

string number_text(bool value) { return string(value ? u"true" : u"false"); }
string number_text(int64_t value) { return written(value); }
string number_text(uint64_t value) { return written(value); }

string number_text(float value) {
  if (!std::isfinite(value)) return number_text(static_cast<double>(value));
  string fixed = written(value, std::chars_format::fixed, 5);
  std::u16string &digits = fixed.edit();
  digits.erase(digits.find_last_not_of(u'0') + 1);
  if (digits.back() == u'.') digits.pop_back();
  return fixed;
}

string number_text(double value) {
  if (std::isnan(value)) return string(std::signbit(value) ? u"-nan(ind)" : u"nan");
  if (std::isinf(value)) return string(value < 0 ? u"-inf" : u"inf");
  return written(value, std::chars_format::general, 16);
}

}  // namespace mql::host
