#include "clock.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <thread>

#include "market.hpp"
#include "program.hpp"
#include "times.hpp"

namespace mql {
namespace {

using steady = std::chrono::steady_clock;

int64_t last_server_time_msc = 0;
steady::time_point last_set = steady::now();

datetime computer_time_gmt() { return static_cast<datetime>(std::time(nullptr)); }

int computer_offset_seconds() {
  const std::time_t now = std::time(nullptr);
  std::tm utc = *std::gmtime(&now);
  utc.tm_isdst = -1;
  return static_cast<int>(std::mktime(&utc) - now);  // GMT less local, as TimeGMTOffset
}

}  // namespace

datetime TimeCurrent() {
  host::market().refresh();
  return last_server_time_msc / 1000;
}

datetime TimeTradeServer() {
  if (host::in_tester()) return TimeCurrent();
  host::market().refresh();
  using namespace std::chrono;
  const auto since_msc = duration_cast<milliseconds>(steady::now() - last_set).count();
  return (last_server_time_msc + since_msc) / 1000;
}

datetime TimeLocal() {
  return host::in_tester() ? TimeCurrent() : computer_time_gmt() - computer_offset_seconds();
}

datetime TimeGMT() { return host::in_tester() ? TimeCurrent() : computer_time_gmt(); }

int TimeGMTOffset() { return host::in_tester() ? 0 : computer_offset_seconds(); }

uint64_t GetMicrosecondCount() {
  static const steady::time_point start = steady::now();
  using namespace std::chrono;
  return static_cast<uint64_t>(duration_cast<microseconds>(steady::now() - start).count());
}

uint64_t GetTickCount64() {
  using namespace std::chrono;
  return static_cast<uint64_t>(
      duration_cast<milliseconds>(steady::now().time_since_epoch()).count());
}

uint32_t GetTickCount() { return static_cast<uint32_t>(GetTickCount64()); }

void Sleep(int milliseconds) {
  if (host::in_tester()) return;
  using namespace std::chrono;
  const auto until = steady::now() + std::chrono::milliseconds(milliseconds);
  while (!IsStopped() && steady::now() < until) {
    const auto left = duration_cast<microseconds>(until - steady::now());
    std::this_thread::sleep_for(std::clamp<microseconds>(left, 0us, 20ms));
  }
}

int64_t host::server_time_msc() { return last_server_time_msc; }

void host::set_server_time_msc(int64_t time_msc) {
  last_server_time_msc = time_msc;
  last_set = steady::now();
}

std::string host::clock_text() {
  const bool simulated = in_tester();
  MqlDateTime now{};
  TimeToStruct(
      simulated ? last_server_time_msc / 1000 : computer_time_gmt() - computer_offset_seconds(),
      now);
  char text[40];
  std::snprintf(text, sizeof(text), "%04d.%02d.%02d %02d:%02d:%02d", now.year, now.mon, now.day,
                now.hour, now.min, now.sec);
  return text;
}

}  // namespace mql
