// What the tester counts.
#pragma once

namespace mql {

enum ENUM_STATISTICS {
  STAT_INITIAL_DEPOSIT,
  STAT_PROFIT,
  STAT_GROSS_PROFIT,
  STAT_GROSS_LOSS,
  STAT_MAX_PROFITTRADE,
  STAT_MAX_LOSSTRADE,
  STAT_BALANCEMIN,
  STAT_BALANCE_DD,
  STAT_BALANCEDD_PERCENT,
  STAT_BALANCE_DDREL_PERCENT,
  STAT_BALANCE_DD_RELATIVE,
  STAT_EQUITYMIN,
  STAT_EQUITY_DD,
  STAT_EQUITYDD_PERCENT,
  STAT_EQUITY_DDREL_PERCENT,
  STAT_EQUITY_DD_RELATIVE,
  STAT_EXPECTED_PAYOFF,
  STAT_PROFIT_FACTOR,
  STAT_RECOVERY_FACTOR,
  STAT_DEALS,
  STAT_TRADES,
  STAT_PROFIT_TRADES,
  STAT_LOSS_TRADES,
  STAT_SHORT_TRADES,
  STAT_LONG_TRADES
};

// A trade is a deal that closes, with its commission. Outside of the tester everything is 0.
double TesterStatistics(ENUM_STATISTICS statistic);

namespace host {

// How far an amount fell from its highest point so far.
class Drawdown {
 public:
  void start(double amount) { peak_ = lowest_ = amount; }
  void observe(double amount);

  double lowest() const { return lowest_; }
  double most() const { return most_; }                    // money
  double most_percent() const { return most_percent_; }    // of the peak it fell from
  double largest_share() const { return largest_share_; }  // percent of its peak
  double largest_share_money() const { return largest_share_money_; }

 private:
  double peak_ = 0.0;
  double lowest_ = 0.0;
  double most_ = 0.0;
  double most_percent_ = 0.0;
  double largest_share_ = 0.0;
  double largest_share_money_ = 0.0;
};

struct Drawdowns {
  Drawdown balance;
  Drawdown equity;

  void start();    // at the account's deposit
  void observe();  // the account as it is now
};
Drawdowns &drawdowns();

}  // namespace host
}  // namespace mql
