// Arithmetic: division that is checked, and MQL5's Math* functions.
#pragma once

#include <cmath>
#include <cstdint>
#include <source_location>
#include <type_traits>

#include "critical.hpp"
#include "types.hpp"

namespace mql {

template <class A, class B>
auto div(A a, B b, std::source_location where = std::source_location::current()) {
  if (b == B{}) [[unlikely]]
    host::critical("zero divide", where);
  return a / b;
}

template <class A, class B>
auto mod(A a, B b, std::source_location where = std::source_location::current()) {
  if (b == B{}) [[unlikely]]
    host::critical("zero divide", where);
  return a % b;
}

template <class A, class B>
A &div_assign(A &a, B b, std::source_location where = std::source_location::current()) {
  return a = static_cast<A>(div(a, b, where));
}

template <class A, class B>
A &mod_assign(A &a, B b, std::source_location where = std::source_location::current()) {
  return a = static_cast<A>(mod(a, b, where));
}

template <class T>
T MathAbs(T value) {
  return value < T{} ? static_cast<T>(-value) : value;
}

template <class A, class B>
std::common_type_t<A, B> MathMax(A a, B b) {
  using T = std::common_type_t<A, B>;
  return static_cast<T>(a) < static_cast<T>(b) ? static_cast<T>(b) : static_cast<T>(a);
}

template <class A, class B>
std::common_type_t<A, B> MathMin(A a, B b) {
  using T = std::common_type_t<A, B>;
  return static_cast<T>(b) < static_cast<T>(a) ? static_cast<T>(b) : static_cast<T>(a);
}

inline double MathArccos(double value) { return std::acos(value); }
inline double MathArccosh(double value) { return std::acosh(value); }
inline double MathArcsin(double value) { return std::asin(value); }
inline double MathArcsinh(double value) { return std::asinh(value); }
inline double MathArctan(double value) { return std::atan(value); }
inline double MathArctanh(double value) { return std::atanh(value); }
inline double MathCeil(double value) { return std::ceil(value); }
inline double MathCos(double value) { return std::cos(value); }
inline double MathCosh(double value) { return std::cosh(value); }
inline double MathExp(double value) { return std::exp(value); }
inline double MathExpm1(double value) { return std::expm1(value); }
inline double MathFloor(double value) { return std::floor(value); }
inline double MathLog(double value) { return std::log(value); }
inline double MathLog10(double value) { return std::log10(value); }
inline double MathLog1p(double value) { return std::log1p(value); }
inline double MathRound(double value) { return std::round(value); }
inline double MathSin(double value) { return std::sin(value); }
inline double MathSinh(double value) { return std::sinh(value); }
inline double MathSqrt(double value) { return std::sqrt(value); }
inline double MathTan(double value) { return std::tan(value); }
inline double MathTanh(double value) { return std::tanh(value); }
inline double MathArctan2(double y, double x) { return std::atan2(y, x); }
inline double MathMod(double value, double divisor) { return std::fmod(value, divisor); }
inline double MathPow(double base, double exponent) { return std::pow(base, exponent); }
inline bool MathIsValidNumber(double value) { return std::isfinite(value); }

inline uint16_t MathSwap(uint16_t value) { return __builtin_bswap16(value); }
inline uint32_t MathSwap(uint32_t value) { return __builtin_bswap32(value); }
inline uint64_t MathSwap(uint64_t value) { return __builtin_bswap64(value); }

// 0 to 32767, the same series after the same seed.
int MathRand();
void MathSrand(int seed);

// Rounded half away from zero at a decimal place: digits 0 to 8.
double NormalizeDouble(double value, int digits);

// MQL5's second names.
inline double acos(double value) { return MathArccos(value); }
inline double acosh(double value) { return MathArccosh(value); }
inline double asin(double value) { return MathArcsin(value); }
inline double asinh(double value) { return MathArcsinh(value); }
inline double atan(double value) { return MathArctan(value); }
inline double atanh(double value) { return MathArctanh(value); }
inline double ceil(double value) { return MathCeil(value); }
inline double cos(double value) { return MathCos(value); }
inline double cosh(double value) { return MathCosh(value); }
inline double exp(double value) { return MathExp(value); }
inline double expm1(double value) { return MathExpm1(value); }
inline double floor(double value) { return MathFloor(value); }
inline double log(double value) { return MathLog(value); }
inline double log10(double value) { return MathLog10(value); }
inline double log1p(double value) { return MathLog1p(value); }
inline double round(double value) { return MathRound(value); }
inline double sin(double value) { return MathSin(value); }
inline double sinh(double value) { return MathSinh(value); }
inline double sqrt(double value) { return MathSqrt(value); }
inline double tan(double value) { return MathTan(value); }
inline double tanh(double value) { return MathTanh(value); }
inline double atan2(double y, double x) { return MathArctan2(y, x); }
inline double fmod(double value, double divisor) { return MathMod(value, divisor); }
inline double pow(double base, double exponent) { return MathPow(base, exponent); }
inline int rand() { return MathRand(); }
inline void srand(int seed) { MathSrand(seed); }
template <class T>
T fabs(T value) {
  return MathAbs(value);
}
template <class A, class B>
std::common_type_t<A, B> fmax(A a, B b) {
  return MathMax(a, b);
}
template <class A, class B>
std::common_type_t<A, B> fmin(A a, B b) {
  return MathMin(a, b);
}

}  // namespace mql
