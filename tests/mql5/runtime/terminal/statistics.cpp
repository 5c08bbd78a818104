#include "statistics.hpp"

#include <algorithm>
#include <cfloat>

#include "broker.hpp"
#include "money.hpp"
#include "program.hpp"

namespace mql {
namespace {

// The closing deals, summed.
struct Trades {
  int all = 0;
  int won = 0;
  int lost = 0;
  int of_longs = 0;
  double gross_profit = 0.0;
  double best = 0.0;
  double worst = 0.0;
};

Trades count_trades() {
  Trades trades;
  for (const host::Deal &deal : host::broker().ledger().deals) {
    if (deal.type == DEAL_TYPE_BALANCE || deal.entry == DEAL_ENTRY_IN) continue;
    const double result = deal.profit + deal.commission;
    ++trades.all;
    ++(result >= 0.0 ? trades.won : trades.lost);
    if (deal.type == DEAL_TYPE_SELL) ++trades.of_longs;  // a sale closes what was bought
    trades.gross_profit += std::max(result, 0.0);
    trades.best = std::max(trades.best, result);
    trades.worst = std::min(trades.worst, result);
  }
  return trades;
}

double ratio(double above, double below) { return below != 0.0 ? above / below : 0.0; }

}  // namespace

double TesterStatistics(ENUM_STATISTICS statistic) {
  if (!host::in_tester()) return 0.0;
  const host::Broker &broker = host::broker();
  const auto &[balance, equity] = host::drawdowns();
  const Trades trades = count_trades();
  const double profit = host::rounded_money(broker.balance() - broker.deposit());
  const double gross_loss = host::rounded_money(profit - trades.gross_profit);
  switch (statistic) {
    case STAT_INITIAL_DEPOSIT:
      return broker.deposit();
    case STAT_PROFIT:
      return profit;
    case STAT_GROSS_PROFIT:
      return trades.gross_profit;
    case STAT_GROSS_LOSS:
      return gross_loss;
    case STAT_MAX_PROFITTRADE:
      return trades.best;
    case STAT_MAX_LOSSTRADE:
      return trades.worst;
    case STAT_BALANCEMIN:
      return balance.lowest();
    case STAT_BALANCE_DD:
      return balance.most();
    case STAT_BALANCEDD_PERCENT:
      return balance.most_percent();
    case STAT_BALANCE_DDREL_PERCENT:
      return balance.largest_share();
    case STAT_BALANCE_DD_RELATIVE:
      return balance.largest_share_money();
    case STAT_EQUITYMIN:
      return equity.lowest();
    case STAT_EQUITY_DD:
      return equity.most();
    case STAT_EQUITYDD_PERCENT:
      return equity.most_percent();
    case STAT_EQUITY_DDREL_PERCENT:
      return equity.largest_share();
    case STAT_EQUITY_DD_RELATIVE:
      return equity.largest_share_money();
    case STAT_EXPECTED_PAYOFF:
      return ratio(profit, trades.all);
    case STAT_PROFIT_FACTOR:
      // Without a loss the terminal shows the largest double.
      return gross_loss < 0.0 ? trades.gross_profit / -gross_loss
                              : (trades.gross_profit > 0.0 ? DBL_MAX : 0.0);
    case STAT_RECOVERY_FACTOR:
      return ratio(profit, equity.most());
    case STAT_DEALS:
      return static_cast<double>(broker.ledger().deals.size() - 1);  // less the deposit
    case STAT_TRADES:
      return trades.all;
    case STAT_PROFIT_TRADES:
      return trades.won;
    case STAT_LOSS_TRADES:
      return trades.lost;
    case STAT_SHORT_TRADES:
      return trades.all - trades.of_longs;
    case STAT_LONG_TRADES:
      return trades.of_longs;
  }
  return 0.0;
}

void host::Drawdown::observe(double amount) {
  peak_ = std::max(peak_, amount);
  lowest_ = std::min(lowest_, amount);
  const double fall = peak_ - amount;
  const double share = ratio(100.0 * fall, peak_);
  if (fall > most_) {
    most_ = fall;
    most_percent_ = share;
  }
  if (share > largest_share_) {
    largest_share_ = share;
    largest_share_money_ = fall;
  }
}

void host::Drawdowns::start() {
  balance.start(broker().deposit());
  equity.start(broker().deposit());
}

void host::Drawdowns::observe() {
  balance.observe(broker().balance());
  equity.observe(broker().equity());
}

host::Drawdowns &host::drawdowns() {
  static Drawdowns one;
  return one;
}

}  // namespace mql
