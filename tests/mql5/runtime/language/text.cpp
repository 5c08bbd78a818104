#include "text.hpp"

#include <algorithm>
#include <cwctype>

#include "errors.hpp"

namespace mql {
namespace {

constexpr char16_t kBlank[] = u" \t\r\n";

char16_t lower(char16_t unit) {
  return static_cast<char16_t>(std::towlower(static_cast<wint_t>(unit)));
}

char16_t upper(char16_t unit) {
  return static_cast<char16_t>(std::towupper(static_cast<wint_t>(unit)));
}

std::u16string lowered(std::u16string text) {
  std::transform(text.begin(), text.end(), text.begin(), lower);
  return text;
}

bool outside(const string &text, int pos) {
  if (pos >= 0 && pos < text.length()) return false;
  host::set_error(ERR_STRINGPOS_OUTOFRANGE);
  return true;
}

}  // namespace

bool StringAdd(string &text, const string &addition) {
  text += addition;
  return true;
}

int StringBufferLen(const string &text) { return text.length(); }

int StringCompare(const string &string1, const string &string2, bool case_sensitive) {
  const int order = case_sensitive ? string1.text().compare(string2.text())
                                   : lowered(string1.text()).compare(lowered(string2.text()));
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

bool StringFill(string &text, uint16_t character) {
  std::fill(text.edit().begin(), text.edit().end(), static_cast<char16_t>(character));
  return true;
}

int StringFind(const string &text, const string &match, int start_pos) {
  const size_t found = text.text().find(match.text(), static_cast<size_t>(std::max(start_pos, 0)));
  return found == std::u16string::npos ? -1 : static_cast<int>(found);
}

uint16_t StringGetCharacter(const string &text, int pos) {
  return outside(text, pos) ? uint16_t{0} : text.text()[static_cast<size_t>(pos)];
}

bool StringInit(string &text, int new_length, uint16_t character) {
  text = string(std::u16string(static_cast<size_t>(std::max(new_length, 0)),
                               static_cast<char16_t>(character)));
  return new_length >= 0;
}

int StringLen(const string &text) { return text.length(); }

int StringReplace(string &text, const string &find, const string &replacement) {
  if (find.length() == 0) return 0;
  std::u16string &units = text.edit();
  int replaced = 0;
  for (size_t at = 0; (at = units.find(find.text(), at)) != std::u16string::npos; ++replaced) {
    units.replace(at, find.text().size(), replacement.text());
    at += replacement.text().size();
  }
  return replaced;
}

bool StringReserve(string &text, uint32_t new_capacity) {
  text.edit().reserve(new_capacity);
  return true;
}

bool StringSetCharacter(string &text, int pos, uint16_t value) {
  if (pos == text.length()) {  // one past the end: the string grows
    if (value != 0) text.edit() += static_cast<char16_t>(value);
    return true;
  }
  if (outside(text, pos)) return false;
  if (value == 0)
    text.edit().resize(static_cast<size_t>(pos));
  else
    text.edit()[static_cast<size_t>(pos)] = static_cast<char16_t>(value);
  return true;
}

bool StringSetLength(string &text, uint32_t new_length) {
  text.edit().resize(new_length, u' ');
  return true;
}

int StringSplit(const string &text, uint16_t separator, ArrayRef<string> result) {
  const std::u16string &units = text.text();
  if (units.empty()) {
    result.resize(0);
    return 0;
  }
  const auto between = static_cast<char16_t>(separator);
  const auto parts = static_cast<int>(std::count(units.begin(), units.end(), between)) + 1;
  if (!result.resize(parts)) {
    host::set_error(ERR_ARRAY_RESIZE_ERROR);
    return -1;
  }
  size_t start = 0;
  for (int i = 0; i < parts; ++i) {
    const size_t end = std::min(units.find(between, start), units.size());
    index(result, i) = string(units.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

string StringSubstr(const string &text, int start_pos, int length) {
  if (start_pos < 0 || start_pos >= text.length() || length == 0) return string(u"");
  const size_t count = length < 0 ? std::u16string::npos : static_cast<size_t>(length);
  return string(text.text().substr(static_cast<size_t>(start_pos), count));
}

bool StringToLower(string &text) {
  std::transform(text.edit().begin(), text.edit().end(), text.edit().begin(), lower);
  return true;
}

bool StringToUpper(string &text) {
  std::transform(text.edit().begin(), text.edit().end(), text.edit().begin(), upper);
  return true;
}

int StringTrimLeft(string &text) {
  const size_t cut = std::min(text.text().find_first_not_of(kBlank), text.text().size());
  text.edit().erase(0, cut);
  return static_cast<int>(cut);
}

int StringTrimRight(string &text) {
  const size_t kept = text.text().find_last_not_of(kBlank) + 1;  // npos + 1 is 0
  const size_t cut = text.text().size() - kept;
  text.edit().resize(kept);
  return static_cast<int>(cut);
}

}  // namespace mql
