// The one symbol that the host trades: its properties, its bars so far, its quote.
//
// All bars of the file are in memory, but whoever asks sees only those that closed, and the one
// that is forming, as it is after the ticks so far. Bars are of bid prices, as the terminal's.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "bars_file.hpp"
#include "timeframes.hpp"

namespace mql::host {

struct Quote {
  int64_t time_msc = 0;
  double bid = 0.0;
  double ask = 0.0;
  bool opens_bar = false;  // its price may lie anywhere: between bars the market may jump
};

struct SymbolSpecification {
  std::string name;
  std::string base;    // the currency that a lot is counted in
  std::string profit;  // the currency that prices are counted in
  int digits = 5;
  double point = 0.00001;
  double contract_size = 100000.0;
  double volume_min = 0.01;
  double volume_max = 100.0;
  double volume_step = 0.01;
  int stops_level = 0;   // points
  int freeze_level = 0;  // points
  int filling = 3;       // SYMBOL_FILLING_FOK | SYMBOL_FILLING_IOC
};

class Market {
 public:
  Market();

  const SymbolSpecification &symbol() const { return symbol_; }
  ENUM_TIMEFRAMES period() const { return period_; }
  int64_t period_seconds() const { return period_seconds_; }

  // The file's bars, coming ones among them: for what plays them, never for the program.
  const std::vector<Bar> &file() const { return bars_; }
  // Everything before bar `index` of the file is history.
  void start_before(std::size_t index);
  // A price of bar `index`: the market moves there.
  void play(std::size_t index, int64_t time_msc, double bid);

  // How many bars the program sees; shift 0 is the newest, which is forming.
  std::size_t visible() const { return closed_ + (forming_ ? 1U : 0U); }
  const Bar &bar(std::size_t shift) const;
  // How many visible bars opened at `time` or before.
  std::size_t opened_until(int64_t time) const;
  const Quote &quote() const { return quote_; }

  // A price on the grid of the symbol's digits.
  double normalised(double price) const;

  // Live, the market moves while a handler runs: what reads it calls refresh first.
  void refresh() const;
  void on_refresh(std::function<void()> catch_up) { catch_up_ = std::move(catch_up); }

 private:
  SymbolSpecification symbol_;
  ENUM_TIMEFRAMES period_;
  int64_t period_seconds_;
  int fixed_spread_;  // points; below 0: each bar's own
  std::vector<Bar> bars_;
  std::size_t closed_ = 0;
  bool forming_ = false;
  Bar current_;
  Quote quote_;
  std::function<void()> catch_up_;
};

Market &market();

}  // namespace mql::host
