// What an account holds: open positions, and the deals and orders of its history.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trade_types.hpp"

namespace mql::host {

enum class Side { buy, sell };

inline Side opposite(Side side) { return side == Side::buy ? Side::sell : Side::buy; }
// The way the price must go for a profit: 1 or -1.
inline double direction(Side side) { return side == Side::buy ? 1.0 : -1.0; }

struct Position {
  uint64_t ticket = 0;  // of the order that opened it
  Side side = Side::buy;
  double volume = 0.0;
  double price_open = 0.0;
  double sl = 0.0;  // 0: none
  double tp = 0.0;
  int64_t time_msc = 0;
  int64_t time_update_msc = 0;
  uint64_t magic = 0;
  std::string comment;
};

struct Deal {
  uint64_t ticket = 0;
  uint64_t order = 0;
  uint64_t position = 0;
  ENUM_DEAL_TYPE type = DEAL_TYPE_BALANCE;
  ENUM_DEAL_ENTRY entry = DEAL_ENTRY_IN;
  ENUM_DEAL_REASON reason = DEAL_REASON_CLIENT;
  double volume = 0.0;
  double price = 0.0;
  double sl = 0.0;
  double tp = 0.0;
  double profit = 0.0;
  double commission = 0.0;  // what it cost, so 0 or less
  int64_t time_msc = 0;
  uint64_t magic = 0;
  std::string comment;
};

struct Order {
  uint64_t ticket = 0;
  uint64_t position = 0;
  Side side = Side::buy;
  ENUM_ORDER_TYPE_FILLING filling = ORDER_FILLING_FOK;
  ENUM_ORDER_REASON reason = ORDER_REASON_EXPERT;
  double volume = 0.0;
  double price = 0.0;
  double sl = 0.0;
  double tp = 0.0;
  int64_t time_msc = 0;
  uint64_t magic = 0;
  std::string comment;
};

struct Ledger {
  std::vector<Position> positions;  // in the order of their opening
  std::vector<Deal> deals;
  std::vector<Order> orders;

  Position *find(uint64_t ticket) {
    for (Position &position : positions)
      if (position.ticket == ticket) return &position;
    return nullptr;
  }
};

}  // namespace mql::host
