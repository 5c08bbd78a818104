// MQL5's String* functions. Positions count UTF-16 units.
#pragma once

#include <cstdint>

#include "array.hpp"
#include "format.hpp"
#include "string.hpp"

namespace mql {

bool StringAdd(string &text, const string &addition);
int StringBufferLen(const string &text);
// -1, 0 or 1
int StringCompare(const string &string1, const string &string2, bool case_sensitive = true);
bool StringFill(string &text, uint16_t character);
// The position, or -1.
int StringFind(const string &text, const string &match, int start_pos = 0);
// 0 where the position lies outside.
uint16_t StringGetCharacter(const string &text, int pos);
bool StringInit(string &text, int new_length = 0, uint16_t character = 0);
int StringLen(const string &text);
// How many were replaced.
int StringReplace(string &text, const string &find, const string &replacement);
bool StringReserve(string &text, uint32_t new_capacity);
bool StringSetCharacter(string &text, int pos, uint16_t value);
bool StringSetLength(string &text, uint32_t new_length);
// The number of parts.
int StringSplit(const string &text, uint16_t separator, ArrayRef<string> result);
// To the end where length is negative.
string StringSubstr(const string &text, int start_pos, int length = -1);
bool StringToLower(string &text);
bool StringToUpper(string &text);
// How many spaces, tabs and line ends were cut.
int StringTrimLeft(string &text);
int StringTrimRight(string &text);

// The length of the result.
template <class... A>
int StringConcatenate(string &result, const A &...values) {
  result = host::joined(host::arguments(values...));
  return result.length();
}

}  // namespace mql
