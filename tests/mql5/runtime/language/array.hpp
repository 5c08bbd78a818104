// MQL5's arrays: dynamic (Array), of fixed size (Fixed), and the reference by which both are passed
// (ArrayRef). Every element is reached by index(), which checks.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <source_location>
#include <type_traits>
#include <utility>

#include "critical.hpp"
#include "types.hpp"

namespace mql {
namespace host {

template <class T>
inline constexpr bool is_simple =
    std::is_trivially_copyable_v<T> &&std::is_trivially_default_constructible_v<T>;

// A C++ index from any of MQL5's integers; what is negative becomes larger than any size.
template <class I>
requires(std::is_integral_v<I> || std::is_enum_v<I>) constexpr size_t position(I i) {
  return static_cast<size_t>(static_cast<int64_t>(i));
}

}  // namespace host

// Fills a variable that its declaration leaves uninitialised.
template <class T>
void poison(T &variable) {
  if constexpr (host::is_simple<T>)
    std::memset(static_cast<void *>(&variable), host::kPoison, sizeof(T));
}

template <class T>
class Array {
 public:
  using Element = T;

  Array() = default;
  Array(const Array &other) { *this = other; }
  Array(Array &&other) noexcept { swap(other); }
  ~Array() { clear(); }

  Array &operator=(const Array &other) {
    if (this != &other && resize(other.size_)) {
      std::copy_n(other.data_, other.size_, data_);
      series_ = other.series_;
    }
    return *this;
  }
  Array &operator=(Array &&other) noexcept {
    swap(other);
    return *this;
  }

  T *data() { return data_; }
  const T *data() const { return data_; }
  int size() const { return size_; }
  bool as_series() const { return series_; }
  void set_as_series(bool series) { series_ = series; }
  static constexpr bool is_dynamic() { return true; }

  // Keeps what fits. Memory grows to exactly size + reserve, and shrinks only by clear().
  bool resize(int size, int reserve = 0) {
    if (size < 0) return false;
    if (size > capacity_ && !grow(size, std::max(reserve, 0))) return false;
    if (size < size_) std::destroy(data_ + size, data_ + size_);
    if (size > size_) prepare(data_ + size_, size - size_);
    size_ = size;
    return true;
  }

  void clear() {
    if (data_ == nullptr) return;
    std::destroy_n(data_, size_);
    std::free(data_);
    data_ = nullptr;
    size_ = capacity_ = 0;
  }

  void swap(Array &other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    std::swap(series_, other.series_);
  }

  MQL_INLINE T *at(size_t i) {
    return i < static_cast<size_t>(size_) ? data_ + (series_ ? from_end(i) : i) : nullptr;
  }
  MQL_INLINE const T *at(size_t i) const { return const_cast<Array *>(this)->at(i); }

 private:
  size_t from_end(size_t i) const { return static_cast<size_t>(size_) - 1 - i; }

  static void prepare(T *first, int count) {
    std::memset(static_cast<void *>(first), host::kPoison, static_cast<size_t>(count) * sizeof(T));
    if constexpr (!host::is_simple<T>) std::uninitialized_default_construct_n(first, count);
  }

  bool grow(int size, int reserve) {
    const auto capacity = std::min<int64_t>(int64_t{size} + reserve, INT32_MAX);
    const auto bytes = static_cast<size_t>(capacity) * sizeof(T);
    T *memory = nullptr;
    if constexpr (host::is_simple<T>) {
      memory = static_cast<T *>(std::realloc(static_cast<void *>(data_), bytes));
      if (memory == nullptr) return false;
    } else {
      memory = static_cast<T *>(std::malloc(bytes));
      if (memory == nullptr) return false;
      std::uninitialized_move_n(data_, size_, memory);
      std::destroy_n(data_, size_);
      std::free(data_);
    }
    data_ = memory;
    capacity_ = static_cast<int>(capacity);
    return true;
  }

  T *data_ = nullptr;
  int size_ = 0;
  int capacity_ = 0;
  bool series_ = false;
};

template <class T, int N>
struct Fixed {
  using Element = T;

  T elements[static_cast<size_t>(N)];

  T *data() { return elements; }
  const T *data() const { return elements; }
  static constexpr int size() { return N; }
  static constexpr bool as_series() { return false; }
  static constexpr bool is_dynamic() { return false; }
  static constexpr bool resize(int, int = 0) { return false; }
  T *at(size_t i) { return i < size_t{N} ? elements + i : nullptr; }
  const T *at(size_t i) const { return i < size_t{N} ? elements + i : nullptr; }
};

template <class T, int N>
inline constexpr size_t packed_size<Fixed<T, N>> = static_cast<size_t>(N) * packed_size<T>;

// A parameter `T &a[]` or `const T &a[]`: another's array, dynamic or not.
template <class T>
class ArrayRef {
 public:
  using Element = std::remove_const_t<T>;
  using Dynamic = std::conditional_t<std::is_const_v<T>, const Array<Element>, Array<Element>>;

  ArrayRef(Dynamic &array) : dynamic_(&array) {}
  template <int N>
  ArrayRef(Fixed<Element, N> &array) : fixed_(array.elements), size_(N) {}
  template <int N>
  requires std::is_const_v<T> ArrayRef(const Fixed<Element, N> &array)
      : fixed_(array.elements), size_(N) {}
  template <class U>
  requires(std::is_const_v<T> &&std::is_same_v<U, Element>) ArrayRef(const ArrayRef<U> &other)
      : dynamic_(other.dynamic()), fixed_(other.fixed()), size_(other.fixed_size()) {}

  T *data() const { return dynamic_ != nullptr ? dynamic_->data() : fixed_; }
  int size() const { return dynamic_ != nullptr ? dynamic_->size() : size_; }
  bool as_series() const { return dynamic_ != nullptr && dynamic_->as_series(); }
  bool is_dynamic() const { return dynamic_ != nullptr; }
  MQL_INLINE T *at(size_t i) const {
    if (dynamic_ != nullptr) return dynamic_->at(i);
    return i < static_cast<size_t>(size_) ? fixed_ + i : nullptr;
  }

  bool resize(int size, int reserve = 0) const requires(!std::is_const_v<T>) {
    return dynamic_ != nullptr && dynamic_->resize(size, reserve);
  }

  // For built-ins: the array itself where it is dynamic, else null; and what stands for it then.
  Dynamic *dynamic() const { return dynamic_; }
  T *fixed() const { return fixed_; }
  int fixed_size() const { return size_; }

 private:
  Dynamic *dynamic_ = nullptr;
  T *fixed_ = nullptr;
  int size_ = 0;
};

template <class A>
inline constexpr bool is_array = false;
template <class T>
inline constexpr bool is_array<Array<T>> = true;
template <class T, int N>
inline constexpr bool is_array<Fixed<T, N>> = true;
template <class T>
inline constexpr bool is_array<ArrayRef<T>> = true;

template <class A>
concept AnyArray = is_array<std::remove_cvref_t<A>>;

// a[i]
template <AnyArray A, class I>
MQL_INLINE inline auto &index(A &&array, I i,
                              std::source_location where = std::source_location::current()) {
  auto *element = array.at(host::position(i));
  if (element == nullptr) [[unlikely]]
    host::critical("array out of range", where);
  return *element;
}

}  // namespace mql
