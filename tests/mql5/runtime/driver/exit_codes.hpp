// What the process says when it ends.
#pragma once

namespace mql::host {

inline constexpr int kExitRanToTheEnd = 0;
inline constexpr int kExitInitFailed = 2;
inline constexpr int kExitCritical = 3;
inline constexpr int kExitRefusedToStart = 4;
inline constexpr int kExitBadConfiguration = 5;

}  // namespace mql::host
