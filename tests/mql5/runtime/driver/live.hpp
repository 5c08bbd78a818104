// A live chart: real time, and a market that replays the file.
#pragma once

namespace mql::host {

// Runs the program until it is asked to stop, and returns the process's exit code.
//
// The market plays one tick of the file each `tick_ms`, from the first bar that opens at `from` or
// later; with tick_ms=0 it stands still after its first tick. As in the terminal, ticks that come
// while a handler runs are not queued: the market moves on, and one OnTick follows.
int run_live();

}  // namespace mql::host
