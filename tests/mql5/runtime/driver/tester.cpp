#include "tester.hpp"

#include "agent_files.hpp"
#include "broker.hpp"
#include "clock.hpp"
#include "config.hpp"
#include "events.hpp"
#include "exit_codes.hpp"
#include "expert.hpp"
#include "feed.hpp"
#include "program.hpp"
#include "statistics.hpp"

namespace mql::host {
namespace {

void tell_of_trades() {
  if (broker().take_traded()) expert().trade();
}

void run_timers_until(int64_t time_msc) {
  while (timer().is_set() && timer().due_ms <= time_msc && !stop_requested()) {
    set_server_time_msc(timer().due_ms);
    timer().due_ms += timer().period_ms;
    expert().timer();
    tell_of_trades();
  }
}

void run_tick() {
  tell_of_trades();  // of what the price did: stops and targets
  expert().tick();
  tell_of_trades();
}

}  // namespace

int run_tester() {
  Feed feed;
  if (feed.bars() == 0) bad_configuration("no bar of the file opens between from and to");
  copy_tester_files();
  feed.play_next();  // the price that OnInit sees
  if (!start_expert()) return kExitInitFailed;
  run_tick();
  while (feed.has_next() && !stop_requested()) {
    run_timers_until(feed.next_time_msc());
    feed.play_next();
    run_tick();
  }
  broker().close_all("end of test");
  drawdowns().observe();
  tell_of_trades();
  if (expert().has_tester()) tester_result() = expert().tester();
  expert().deinit(stop_reason());
  return kExitRanToTheEnd;
}

std::optional<double> &tester_result() {
  static std::optional<double> result;
  return result;
}

}  // namespace mql::host
