// Distances that a broker insists on.
#pragma once

#include <cstdint>

#include "ledger.hpp"

namespace mql::host {

// Whether a stop and a target (0: none) lie on the price grid and on the right sides of the price
// that the position would close at, the symbol's stops level away from it at least.
bool stops_are_valid(Side side, double sl, double tp);

// Whether the price is so near to the position's stop or target that the broker changes nothing.
bool is_frozen(const Position &position);

// Whether the volume is within the symbol's limits and on its grid.
bool volume_is_valid(double volume);

}  // namespace mql::host
