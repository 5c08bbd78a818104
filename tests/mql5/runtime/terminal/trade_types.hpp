// The words of trading: requests and what comes back, positions, deals, orders.
//
// The host's broker executes at the market only. What MQL5 has beyond that (pending orders, close
// by) is absent here, so a program that uses it does not compile.
#pragma once

#include <cstdint>

#include "string.hpp"
#include "types.hpp"

namespace mql {

enum ENUM_TRADE_REQUEST_ACTIONS { TRADE_ACTION_DEAL = 1, TRADE_ACTION_SLTP = 6 };
enum ENUM_ORDER_TYPE { ORDER_TYPE_BUY, ORDER_TYPE_SELL };
enum ENUM_ORDER_TYPE_FILLING { ORDER_FILLING_FOK, ORDER_FILLING_IOC, ORDER_FILLING_RETURN };
enum ENUM_ORDER_TYPE_TIME { ORDER_TIME_GTC, ORDER_TIME_DAY };
enum ENUM_ORDER_STATE { ORDER_STATE_FILLED = 4 };
enum ENUM_ORDER_REASON {
  ORDER_REASON_CLIENT,
  ORDER_REASON_MOBILE,
  ORDER_REASON_WEB,
  ORDER_REASON_EXPERT,
  ORDER_REASON_SL,
  ORDER_REASON_TP,
  ORDER_REASON_SO
};
enum ENUM_POSITION_TYPE { POSITION_TYPE_BUY, POSITION_TYPE_SELL };
enum ENUM_POSITION_REASON { POSITION_REASON_EXPERT = 3 };
enum ENUM_DEAL_TYPE { DEAL_TYPE_BUY, DEAL_TYPE_SELL, DEAL_TYPE_BALANCE };
enum ENUM_DEAL_ENTRY { DEAL_ENTRY_IN, DEAL_ENTRY_OUT, DEAL_ENTRY_INOUT };
enum ENUM_DEAL_REASON {
  DEAL_REASON_CLIENT,
  DEAL_REASON_MOBILE,
  DEAL_REASON_WEB,
  DEAL_REASON_EXPERT,
  DEAL_REASON_SL,
  DEAL_REASON_TP,
  DEAL_REASON_SO
};

inline constexpr uint32_t TRADE_RETCODE_REQUOTE = 10004;
inline constexpr uint32_t TRADE_RETCODE_REJECT = 10006;
inline constexpr uint32_t TRADE_RETCODE_CANCEL = 10007;
inline constexpr uint32_t TRADE_RETCODE_PLACED = 10008;
inline constexpr uint32_t TRADE_RETCODE_DONE = 10009;
inline constexpr uint32_t TRADE_RETCODE_DONE_PARTIAL = 10010;
inline constexpr uint32_t TRADE_RETCODE_ERROR = 10011;
inline constexpr uint32_t TRADE_RETCODE_TIMEOUT = 10012;
inline constexpr uint32_t TRADE_RETCODE_INVALID = 10013;
inline constexpr uint32_t TRADE_RETCODE_INVALID_VOLUME = 10014;
inline constexpr uint32_t TRADE_RETCODE_INVALID_PRICE = 10015;
inline constexpr uint32_t TRADE_RETCODE_INVALID_STOPS = 10016;
inline constexpr uint32_t TRADE_RETCODE_TRADE_DISABLED = 10017;
inline constexpr uint32_t TRADE_RETCODE_MARKET_CLOSED = 10018;
inline constexpr uint32_t TRADE_RETCODE_NO_MONEY = 10019;
inline constexpr uint32_t TRADE_RETCODE_PRICE_CHANGED = 10020;
inline constexpr uint32_t TRADE_RETCODE_PRICE_OFF = 10021;
inline constexpr uint32_t TRADE_RETCODE_INVALID_EXPIRATION = 10022;
inline constexpr uint32_t TRADE_RETCODE_ORDER_CHANGED = 10023;
inline constexpr uint32_t TRADE_RETCODE_TOO_MANY_REQUESTS = 10024;
inline constexpr uint32_t TRADE_RETCODE_NO_CHANGES = 10025;
inline constexpr uint32_t TRADE_RETCODE_SERVER_DISABLES_AT = 10026;
inline constexpr uint32_t TRADE_RETCODE_CLIENT_DISABLES_AT = 10027;
inline constexpr uint32_t TRADE_RETCODE_LOCKED = 10028;
inline constexpr uint32_t TRADE_RETCODE_FROZEN = 10029;
inline constexpr uint32_t TRADE_RETCODE_INVALID_FILL = 10030;
inline constexpr uint32_t TRADE_RETCODE_CONNECTION = 10031;
inline constexpr uint32_t TRADE_RETCODE_INVALID_ORDER = 10035;
inline constexpr uint32_t TRADE_RETCODE_POSITION_CLOSED = 10036;
inline constexpr uint32_t TRADE_RETCODE_INVALID_CLOSE_VOLUME = 10038;

inline constexpr int ERR_TRADE_WRONG_PROPERTY = 4751;
inline constexpr int ERR_TRADE_DISABLED = 4752;
inline constexpr int ERR_TRADE_POSITION_NOT_FOUND = 4753;
inline constexpr int ERR_TRADE_ORDER_NOT_FOUND = 4754;
inline constexpr int ERR_TRADE_DEAL_NOT_FOUND = 4755;
inline constexpr int ERR_TRADE_SEND_FAILED = 4756;

struct MqlTradeRequest {
  ENUM_TRADE_REQUEST_ACTIONS action;
  uint64_t magic;
  uint64_t order;
  string symbol;
  double volume;
  double price;  // at the market it counts for nothing
  double stoplimit;
  double sl;
  double tp;
  uint64_t deviation;  // the same
  ENUM_ORDER_TYPE type;
  ENUM_ORDER_TYPE_FILLING type_filling;
  ENUM_ORDER_TYPE_TIME type_time;
  datetime expiration;
  string comment;
  uint64_t position;
  uint64_t position_by;
};

struct MqlTradeResult {
  uint32_t retcode;
  uint64_t deal;
  uint64_t order;
  double volume;
  double price;
  double bid;
  double ask;
  string comment;
  uint32_t request_id;
  int32_t retcode_external;
};

struct MqlTradeCheckResult {
  uint32_t retcode;
  double balance;
  double equity;
  double profit;
  double margin;
  double margin_free;
  double margin_level;
  string comment;
};

}  // namespace mql
