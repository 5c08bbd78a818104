// Time: the trade server's, which the tester simulates, and the computer's, which is real.
#pragma once

#include <cstdint>
#include <string>

namespace mql {

using datetime = int64_t;

// The time of the last tick, in seconds of the server's clock.
datetime TimeCurrent();
// The server's clock now. In the tester the same as TimeCurrent.
datetime TimeTradeServer();
// The computer's clock. In the tester the server's.
datetime TimeLocal();
datetime TimeGMT();
int TimeGMTOffset();

// Real time, in the tester too.
uint32_t GetTickCount();
uint64_t GetTickCount64();
uint64_t GetMicrosecondCount();

// Returns at once in the tester; simulated time does not move. Ends early when the program is
// asked to stop.
void Sleep(int milliseconds);

namespace host {

// Milliseconds of the server's clock at the last tick or simulated timer event.
int64_t server_time_msc();
void set_server_time_msc(int64_t time_msc);

// What stands before a journal line: the simulated time in the tester, else the computer's.
std::string clock_text();

}  // namespace host
}  // namespace mql
