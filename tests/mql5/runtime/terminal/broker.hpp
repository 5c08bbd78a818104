// The account and the broker behind it: it takes requests as a trade server does, and acts on its
// own when the price reaches a stop, a target, or the account's last margin.
//
// Buys open at the ask and close at the bid, sells the other way round. Every position holds its
// full margin, opposite ones too. Each deal costs `commission` for each lot; there is no swap.
#pragma once

#include <cstdint>
#include <string>

#include "ledger.hpp"
#include "trade_types.hpp"

namespace mql::host {

struct Quote;

class Broker {
 public:
  Broker();
  // The history's first deal is the deposit.
  void begin();

  const Ledger &ledger() const { return ledger_; }
  bool hedging() const { return hedging_; }
  int64_t leverage() const { return leverage_; }
  double stop_out_level() const { return stop_out_level_; }
  bool trade_allowed() const { return trade_allowed_; }

  double deposit() const { return deposit_; }
  double balance() const { return balance_; }
  double profit() const;  // of open positions, at the present price
  double equity() const { return balance_ + profit(); }
  double margin() const;
  double profit_of(const Position &position) const;

  // The price that a market order of this side gets now, and the one a position of it closes at.
  static double opening_price(Side side);
  static double closing_price(Side side) { return opening_price(opposite(side)); }
  double margin_for(double volume, double price) const;
  static double profit_for(Side side, double volume, double open, double close);

  // What would come of a request: TRADE_RETCODE_DONE or why not.
  uint32_t check(const MqlTradeRequest &request);
  MqlTradeResult send(const MqlTradeRequest &request);

  // The market has moved: stops, targets, stop-out.
  void feel_price();
  // At the end of a test.
  void close_all(const std::string &comment);
  // Whether something was dealt since the last question.
  bool take_traded();

 private:
  struct Fill {
    Side side;
    double volume;
    double price;
    ENUM_DEAL_REASON reason;
    uint64_t magic;
    std::string comment;
    ENUM_ORDER_TYPE_FILLING filling = ORDER_FILLING_FOK;
    double sl = 0.0;
    double tp = 0.0;
  };

  uint32_t check_conditions(const MqlTradeRequest &request) const;
  uint32_t check_deal(const MqlTradeRequest &request);
  uint32_t check_close(const MqlTradeRequest &request, const Position &position) const;
  uint32_t check_modification(const MqlTradeRequest &request);
  uint32_t check_margin(const MqlTradeRequest &request);
  Position *addressed_by(const MqlTradeRequest &request);

  Deal &record(const Fill &fill, ENUM_DEAL_ENTRY entry, uint64_t position);
  Deal &open(const Fill &fill);
  Deal &close(Position &position, const Fill &fill);
  Deal &deal(const MqlTradeRequest &request);
  void close_at(uint64_t ticket, double price, ENUM_DEAL_REASON reason, const std::string &comment);
  void trigger_stops(uint64_t ticket);
  void stop_out();

  bool hedging_;
  bool trade_allowed_;
  int64_t leverage_;
  double stop_out_level_;
  double commission_;  // for one lot, each way
  double deposit_;
  double balance_;
  Ledger ledger_;
  uint64_t last_order_ = 1;
  uint32_t last_request_ = 0;
  bool traded_ = false;
};

Broker &broker();

}  // namespace mql::host
