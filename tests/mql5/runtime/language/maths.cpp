#include "maths.hpp"

#include <algorithm>
#include <array>

namespace mql {
namespace {

uint32_t random_state = 1;

}  // namespace

// The linear congruential generator of Microsoft's C library, whose rand() has MQL5's range.
int MathRand() {
  random_state = random_state * 214013u + 2531011u;
  return static_cast<int>((random_state >> 16) & 0x7FFF);
}

void MathSrand(int seed) { random_state = static_cast<uint32_t>(seed); }

double NormalizeDouble(double value, int digits) {
  static constexpr std::array<double, 9> kPowers = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8};
  const double power = kPowers[static_cast<size_t>(std::clamp(digits, 0, 8))];
  const double rounded = std::round(value * power) / power;
  return std::isfinite(rounded) ? rounded : value;
}

}  // namespace mql
