// The properties of symbols. The host knows one symbol: others are unknown, as those that are not
// in a broker's list.
#pragma once

#include <cstdint>

#include "string.hpp"
#include "timeframes.hpp"
#include "types.hpp"

namespace mql {

inline constexpr int ERR_MARKET_UNKNOWN_SYMBOL = 4301;
inline constexpr int ERR_MARKET_WRONG_PROPERTY = 4303;

enum ENUM_SYMBOL_INFO_INTEGER {
  SYMBOL_EXIST,
  SYMBOL_SELECT,
  SYMBOL_VISIBLE,
  SYMBOL_TIME,
  SYMBOL_TIME_MSC,
  SYMBOL_DIGITS,
  SYMBOL_SPREAD,
  SYMBOL_TRADE_MODE,
  SYMBOL_TRADE_STOPS_LEVEL,
  SYMBOL_TRADE_FREEZE_LEVEL,
  SYMBOL_TRADE_EXEMODE,
  SYMBOL_FILLING_MODE
};

enum ENUM_SYMBOL_INFO_DOUBLE {
  SYMBOL_BID,
  SYMBOL_ASK,
  SYMBOL_POINT,
  SYMBOL_TRADE_TICK_SIZE,
  SYMBOL_TRADE_TICK_VALUE,
  SYMBOL_TRADE_TICK_VALUE_PROFIT,
  SYMBOL_TRADE_TICK_VALUE_LOSS,
  SYMBOL_TRADE_CONTRACT_SIZE,
  SYMBOL_VOLUME_MIN,
  SYMBOL_VOLUME_MAX,
  SYMBOL_VOLUME_STEP
};

enum ENUM_SYMBOL_INFO_STRING {
  SYMBOL_CURRENCY_BASE,
  SYMBOL_CURRENCY_PROFIT,
  SYMBOL_CURRENCY_MARGIN
};

enum ENUM_SYMBOL_TRADE_MODE {
  SYMBOL_TRADE_MODE_DISABLED,
  SYMBOL_TRADE_MODE_LONGONLY,
  SYMBOL_TRADE_MODE_SHORTONLY,
  SYMBOL_TRADE_MODE_CLOSEONLY,
  SYMBOL_TRADE_MODE_FULL
};

enum ENUM_SYMBOL_TRADE_EXECUTION {
  SYMBOL_TRADE_EXECUTION_REQUEST,
  SYMBOL_TRADE_EXECUTION_INSTANT,
  SYMBOL_TRADE_EXECUTION_MARKET,
  SYMBOL_TRADE_EXECUTION_EXCHANGE
};

// Bits of SYMBOL_FILLING_MODE.
inline constexpr int SYMBOL_FILLING_FOK = 1;
inline constexpr int SYMBOL_FILLING_IOC = 2;

struct MqlTick {
  datetime time;
  double bid;
  double ask;
  double last;
  uint64_t volume;
  int64_t time_msc;
  uint32_t flags;
  double volume_real;
};

// MQL5 leaves no gap after flags, C++ does: where bytes go outside, such a structure is refused.
template <>
inline constexpr size_t packed_size<MqlTick> = 60;

// Bits of MqlTick::flags: what changed.
inline constexpr uint32_t TICK_FLAG_BID = 2;
inline constexpr uint32_t TICK_FLAG_ASK = 4;

string Symbol();
ENUM_TIMEFRAMES Period();
double Point();
int Digits();

int64_t SymbolInfoInteger(const string &name, ENUM_SYMBOL_INFO_INTEGER property);
bool SymbolInfoInteger(const string &name, ENUM_SYMBOL_INFO_INTEGER property, int64_t &value);
double SymbolInfoDouble(const string &name, ENUM_SYMBOL_INFO_DOUBLE property);
bool SymbolInfoDouble(const string &name, ENUM_SYMBOL_INFO_DOUBLE property, double &value);
string SymbolInfoString(const string &name, ENUM_SYMBOL_INFO_STRING property);
bool SymbolInfoString(const string &name, ENUM_SYMBOL_INFO_STRING property, string &value);
bool SymbolInfoTick(const string &name, MqlTick &tick);

bool SymbolSelect(const string &name, bool select);
bool SymbolExist(const string &name, bool &is_custom);
int SymbolsTotal(bool selected);
string SymbolName(int position, bool selected);

namespace host {

// Whether the name, or NULL or "" for the chart's own, is the host's symbol. Sets
// ERR_MARKET_UNKNOWN_SYMBOL where it is not.
bool is_known_symbol(const string &name);

}  // namespace host
}  // namespace mql
