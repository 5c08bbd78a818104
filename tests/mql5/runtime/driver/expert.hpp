// The running program: its handlers, called one at a time, counted and timed.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <string_view>

#include "program.hpp"

namespace mql::host {

enum class Handler { init, tick, timer, trade, tester, start, deinit };
inline constexpr std::array<std::string_view, 7> kHandlerNames = {
    "OnInit", "OnTick", "OnTimer", "OnTrade", "OnTester", "OnStart", "OnDeinit"};

class Expert {
 public:
  struct Spent {
    int64_t calls = 0;
    int64_t nanoseconds = 0;
    int64_t longest_nanoseconds = 0;  // of one call
  };

  Expert() { describe(program_); }

  bool has_tester() const { return static_cast<bool>(program_.tester); }

  int init() {
    if (!program_.init) return INIT_SUCCEEDED;
    const Watch watch(spent_, Handler::init);
    return program_.init();
  }
  void tick() { call(Handler::tick, program_.tick); }
  void timer() { call(Handler::timer, program_.timer); }
  void trade() { call(Handler::trade, program_.trade); }
  void start() { call(Handler::start, program_.start); }
  double tester() {
    const Watch watch(spent_, Handler::tester);
    return program_.tester();
  }
  void deinit(int reason) {
    if (!program_.deinit) return;
    const Watch watch(spent_, Handler::deinit);
    program_.deinit(reason);
  }

  const Spent &spent(Handler handler) const { return spent_[static_cast<size_t>(handler)]; }

 private:
  using SpentByHandler = std::array<Spent, kHandlerNames.size()>;

  class Watch {
   public:
    Watch(SpentByHandler &spent, Handler handler) : spent_(spent[static_cast<size_t>(handler)]) {}
    ~Watch() {
      using namespace std::chrono;
      const int64_t spent = nanoseconds(steady_clock::now() - start_).count();
      ++spent_.calls;
      spent_.nanoseconds += spent;
      spent_.longest_nanoseconds = std::max(spent_.longest_nanoseconds, spent);
    }
    Watch(const Watch &) = delete;
    Watch &operator=(const Watch &) = delete;

   private:
    Spent &spent_;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  };

  void call(Handler handler, const std::function<void()> &body) {
    if (!body) return;
    const Watch watch(spent_, handler);
    body();
  }

  Program program_;
  SpentByHandler spent_{};
};

// The one program that this process runs. First used by main.
Expert &expert();

// OnInit; where it fails, OnDeinit and false.
bool start_expert();

}  // namespace mql::host
