// The Strategy Tester: the file's bars, one after the other, on simulated time.
#pragma once

#include <optional>

namespace mql::host {

// Plays `from` to `to` and returns the process's exit code.
//
// Each bar is four ticks (see price_path.hpp). Before each tick the timer's events fall due on
// simulated time; on each the account feels the price first, then OnTick runs, then OnTrade where
// something was traded. At the end open positions are closed at the last price, then OnTester and
// OnDeinit run.
int run_tester();

// What OnTester returned, if it ran.
std::optional<double> &tester_result();

}  // namespace mql::host
