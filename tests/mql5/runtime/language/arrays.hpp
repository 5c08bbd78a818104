// MQL5's Array* functions. Where one takes a position, it is counted as the program counts: from
// the newest element in an array set as a time series.
#pragma once

#include <algorithm>
#include <type_traits>
#include <vector>

#include "array.hpp"
#include "errors.hpp"

namespace mql {
namespace host {

// The simple elements inside an array of arrays: functions that treat all elements alike see a
// multidimensional array as one row of them.
template <class T>
struct Flat {
  using Scalar = T;
  static constexpr int kCount = 1;
};
template <class T, int N>
struct Flat<Fixed<T, N>> {
  using Scalar = typename Flat<T>::Scalar;
  static constexpr int kCount = N * Flat<T>::kCount;
};

template <AnyArray A>
using ScalarOf = typename Flat<typename std::remove_cvref_t<A>::Element>::Scalar;
template <AnyArray A>
inline constexpr int kScalarsPerElement = Flat<typename std::remove_cvref_t<A>::Element>::kCount;

template <AnyArray A>
auto *scalars(A &array) {
  using Element = std::remove_pointer_t<decltype(array.data())>;
  using Scalar = std::conditional_t<std::is_const_v<Element>, const ScalarOf<A>, ScalarOf<A>>;
  return reinterpret_cast<Scalar *>(array.data());
}

// How many elements [start, start + count) has in an array, WHOLE_ARRAY meaning all that follow;
// -1 where start lies outside.
inline int counted(int size, int start, int count) {
  if (start < 0 || start > size) return -1;
  return count < 0 ? size - start : std::min(count, size - start);
}

}  // namespace host

template <AnyArray A>
int ArraySize(const A &array) {
  return array.size() * host::kScalarsPerElement<A>;
}

namespace host {

template <class Element>
constexpr int range_within(int dimension) {
  if constexpr (is_array<Element>)
    return dimension == 0 ? Element::size()
                          : range_within<typename Element::Element>(dimension - 1);
  else
    return 0;
}

}  // namespace host

template <AnyArray A>
int ArrayRange(const A &array, int dimension) {
  return dimension == 0 ? array.size() : host::range_within<typename A::Element>(dimension - 1);
}

// All elements after the change, or -1. New ones hold whatever the memory held (see array.hpp).
template <AnyArray A>
int ArrayResize(A &array, int new_size, int reserve_size = 0) {
  if (!array.is_dynamic() || !array.resize(new_size, reserve_size)) {
    host::set_error(ERR_ARRAY_RESIZE_ERROR);
    return -1;
  }
  return ArraySize(array);
}

template <AnyArray A>
bool ArrayIsDynamic(const A &array) {
  return array.is_dynamic();
}

template <class T>
void ArrayFree(Array<T> &array) {
  array.clear();
}
template <class T>
void ArrayFree(ArrayRef<T> &array) {
  if (array.dynamic() != nullptr) array.dynamic()->clear();
}

template <class T>
bool ArraySetAsSeries(Array<T> &array, bool flag) {
  array.set_as_series(flag);
  return true;
}
template <class T>
bool ArraySetAsSeries(ArrayRef<T> &array, bool flag) {
  if (array.dynamic() == nullptr) return !flag;
  array.dynamic()->set_as_series(flag);
  return true;
}
template <class T, int N>
bool ArraySetAsSeries(Fixed<T, N> &, bool flag) {
  return !flag;
}

template <AnyArray A>
bool ArrayGetAsSeries(const A &array) {
  return array.as_series();
}

// Whether the terminal itself keeps the array: only indicators have such buffers.
template <AnyArray A>
bool ArrayIsSeries(const A &) {
  return false;
}

template <AnyArray A>
int ArrayInitialize(A &array, auto value) {
  std::fill_n(host::scalars(array), ArraySize(array), static_cast<host::ScalarOf<A>>(value));
  return ArraySize(array);
}

template <AnyArray A>
void ArrayFill(A &array, int start, int count, auto value) {
  const int filled = host::counted(ArraySize(array), start, std::max(count, 0));
  if (filled < 0) return host::set_error(ERR_INVALID_PARAMETER);
  auto *first = host::scalars(array);
  if (array.as_series()) start = ArraySize(array) - start - filled;
  std::fill_n(first + start, filled, static_cast<host::ScalarOf<A>>(value));
}

// The number of elements copied; a dynamic destination grows to hold them.
template <AnyArray D, AnyArray S>
int ArrayCopy(D &&destination, const S &source, int dst_start = 0, int src_start = 0,
              int count = WHOLE_ARRAY) {
  using To = host::ScalarOf<D>;
  using From = host::ScalarOf<S>;
  static_assert(
      std::is_same_v<To, From> || (std::is_arithmetic_v<To> && std::is_arithmetic_v<From>),
      "ArrayCopy converts between numbers only");
  const int copied = host::counted(ArraySize(source), src_start, count);
  if (copied < 0 || dst_start < 0) {
    host::set_error(ERR_INVALID_PARAMETER);
    return -1;
  }
  if (copied == 0) return 0;
  const bool straight = !source.as_series() && !destination.as_series();
  std::vector<From> between;  // the elements in the program's order
  if (!straight || !std::is_same_v<To, From> || !std::is_trivially_copyable_v<From>)
    for (int i = src_start; i < src_start + copied; ++i)
      between.push_back(host::scalars(source)[source.as_series() ? ArraySize(source) - 1 - i : i]);
  if (dst_start + copied > ArraySize(destination)) {
    constexpr int kInElement = host::kScalarsPerElement<D>;
    if (!destination.resize((dst_start + copied + kInElement - 1) / kInElement)) {
      host::set_error(ERR_SMALL_ARRAY);
      return -1;
    }
  }
  To *to = host::scalars(destination);
  const int last = ArraySize(destination) - 1;
  if (between.empty())
    std::memmove(static_cast<void *>(to + dst_start), host::scalars(source) + src_start,
                 static_cast<size_t>(copied) * sizeof(To));
  for (size_t i = 0; i < between.size(); ++i) {
    const int place = dst_start + static_cast<int>(i);
    to[destination.as_series() ? last - place : place] = static_cast<To>(between[i]);
  }
  return copied;
}

// Ascending in memory, also in a time series.
template <AnyArray A>
bool ArraySort(A &array) {
  std::sort(array.data(), array.data() + array.size());
  return true;
}

// In a sorted array: where the value is, or the element nearest to it; -1 when there are none.
template <AnyArray A>
int ArrayBsearch(const A &array, auto value) {
  if (array.size() == 0) return -1;
  const auto *begin = array.data();
  const auto *end = begin + array.size();
  const auto *after = std::lower_bound(begin, end, value);
  if (after == end || (after != begin && value - *(after - 1) <= *after - value && *after != value))
    --after;
  return static_cast<int>(after - begin);
}

namespace host {

template <class A, class Better>
int best_position(const A &array, int start, int count, const Better &better) {
  const int searched = counted(array.size(), start, count);
  if (searched <= 0) {
    set_error(searched < 0 ? ERR_INVALID_PARAMETER : ERR_ZEROSIZE_ARRAY);
    return -1;
  }
  int best = start;
  for (int i = start + 1; i < start + searched; ++i)
    if (better(index(array, i), index(array, best))) best = i;
  return best;
}

}  // namespace host

template <AnyArray A>
int ArrayMaximum(const A &array, int start = 0, int count = WHOLE_ARRAY) {
  return host::best_position(array, start, count, std::greater<>());
}

template <AnyArray A>
int ArrayMinimum(const A &array, int start = 0, int count = WHOLE_ARRAY) {
  return host::best_position(array, start, count, std::less<>());
}

// -1, 0 or 1 as the first array sorts before, with or after the second; -2 on a bad range.
template <AnyArray A, AnyArray B>
int ArrayCompare(const A &array1, const B &array2, int start1 = 0, int start2 = 0,
                 int count = WHOLE_ARRAY) {
  const int count1 = host::counted(array1.size(), start1, count);
  const int count2 = host::counted(array2.size(), start2, count);
  if (count1 < 0 || count2 < 0) return -2;
  for (int i = 0; i < std::min(count1, count2); ++i) {
    const auto &one = index(array1, start1 + i);
    const auto &two = index(array2, start2 + i);
    if (one != two) return one < two ? -1 : 1;
  }
  return count1 == count2 ? 0 : count1 < count2 ? -1 : 1;
}

template <AnyArray D, AnyArray S>
bool ArrayInsert(D &destination, const S &source, int dst_start, int src_start = 0,
                 int count = WHOLE_ARRAY) {
  const int inserted = host::counted(source.size(), src_start, count);
  const int before = destination.size();
  if (inserted < 0 || dst_start < 0 || dst_start > before) {
    host::set_error(ERR_INVALID_PARAMETER);
    return false;
  }
  const std::vector new_ones(source.data() + src_start, source.data() + src_start + inserted);
  if (destination.is_dynamic() && !destination.resize(before + inserted)) return false;
  auto *first = destination.data();
  const int after = destination.size();  // in a fixed array, elements fall out at the end
  for (int i = after - 1; i >= dst_start + inserted; --i) first[i] = first[i - inserted];
  const int kept = std::min(inserted, after - dst_start);
  std::copy_n(new_ones.begin(), kept, first + dst_start);
  return true;
}

template <AnyArray A>
bool ArrayRemove(A &array, int start, int count = WHOLE_ARRAY) {
  const int removed = host::counted(array.size(), start, count);
  if (removed < 0 || start == array.size()) {
    host::set_error(ERR_INVALID_PARAMETER);
    return false;
  }
  auto *first = array.data();
  std::move(first + start + removed, first + array.size(), first + start);
  return !array.is_dynamic() || array.resize(array.size() - removed);
}

template <AnyArray A>
bool ArrayReverse(A &array, int start = 0, int count = WHOLE_ARRAY) {
  const int reversed = host::counted(array.size(), start, count);
  if (reversed < 0) {
    host::set_error(ERR_INVALID_PARAMETER);
    return false;
  }
  std::reverse(array.data() + start, array.data() + start + reversed);
  return true;
}

template <class T>
bool ArraySwap(Array<T> &array1, Array<T> &array2) {
  array1.swap(array2);
  return true;
}
template <class T>
bool ArraySwap(ArrayRef<T> &array1, ArrayRef<T> &array2) {
  if (array1.dynamic() == nullptr || array2.dynamic() == nullptr) return false;
  array1.dynamic()->swap(*array2.dynamic());
  return true;
}

}  // namespace mql
