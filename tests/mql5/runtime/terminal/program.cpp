#include "program.hpp"

#include <atomic>
#include <csignal>
#include <map>
#include <string>

#include "config.hpp"

namespace mql {
namespace {

// What a signal handler or the thread that watches stdin may touch.
std::atomic<bool> stop_wanted{false};
static_assert(std::atomic<bool>::is_always_lock_free);
int reason_to_stop = REASON_REMOVE;
bool is_running = false;

std::multimap<std::string, std::string> &properties() {
  static auto &all = *new std::multimap<std::string, std::string>;
  return all;
}

}  // namespace

Property::Property(const char *name, const char *value) { properties().emplace(name, value); }

bool IsStopped() { return stop_wanted; }

void ExpertRemove() { host::request_stop(REASON_PROGRAM); }

void TesterStop() {
  if (host::in_tester()) host::request_stop(REASON_PROGRAM);
}

int UninitializeReason() { return reason_to_stop; }

namespace host {

Mode mode() {
  static const Mode chosen = [] {
    const std::string name = config().text("mode", "script");
    if (name == "tester") return Mode::tester;
    if (name == "live") return Mode::live;
    if (name == "script") return Mode::script;
    bad_configuration("mode is " + name + ": it should be tester, live or script");
  }();
  return chosen;
}

bool running() { return is_running; }

void set_running(bool value) { is_running = value; }

void request_stop(int reason) {
  reason_to_stop = reason;
  stop_wanted = true;
}

void request_stop_from_signal() { stop_wanted = true; }

bool stop_requested() { return stop_wanted; }

int stop_reason() { return reason_to_stop; }

std::vector<std::string> property(const std::string &name) {
  std::vector<std::string> values;
  const auto [first, last] = properties().equal_range(name);
  for (auto each = first; each != last; ++each) values.push_back(each->second);
  return values;
}

}  // namespace host
}  // namespace mql
