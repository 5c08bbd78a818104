// What a program says to its user: in the journal, and on the chart.
#pragma once

#include "array.hpp"
#include "conversion.hpp"
#include "format.hpp"

namespace mql {
namespace host {

void print(const string &line);
void alert(const string &line);
void comment(const string &text);

// The text that Comment() last put on the chart, and the last that was not empty.
const string &chart_comment();
const string &last_comment();

}  // namespace host

template <class... A>
void Print(const A &...values) {
  host::print(host::joined(host::arguments(values...)));
}

template <class... A>
void PrintFormat(const string &format, const A &...values) {
  host::print(host::formatted(format, host::arguments(values...)));
}

template <class... A>
void Alert(const A &...values) {
  host::alert(host::joined(host::arguments(values...)));
}

template <class... A>
void Comment(const A &...values) {
  host::comment(host::joined(host::arguments(values...)));
}

// The elements on one line, as the terminal writes arrays of simple types.
template <AnyArray A>
void ArrayPrint(const A &array, uint32_t digits = 8, const string &separator = null) {
  string line;
  for (int i = 0; i < array.size(); ++i) {
    if (i > 0) line += separator == null ? string(u" ") : separator;
    if constexpr (std::is_floating_point_v<typename A::Element>)
      line += DoubleToString(static_cast<double>(index(array, i)), static_cast<int>(digits));
    else
      line += host::Argument(index(array, i)).plain();
  }
  host::print(line);
}

}  // namespace mql
