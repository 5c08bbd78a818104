#include "symbol.hpp"

#include <cmath>

#include "errors.hpp"
#include "market.hpp"
#include "money.hpp"

namespace mql {
namespace {

const host::SymbolSpecification &specification() { return host::market().symbol(); }

// What the smallest step of the price is worth for one lot, in the account's currency.
double tick_value() {
  const host::SymbolSpecification &symbol = specification();
  return host::profit_in_account_currency(symbol.point * symbol.contract_size,
                                          host::market().quote().bid);
}

bool wrong_property() {
  host::set_error(ERR_MARKET_WRONG_PROPERTY);
  return false;
}

}  // namespace

bool host::is_known_symbol(const string &name) {
  market().refresh();
  if (name.length() == 0 || to_utf8(name) == specification().name) return true;
  set_error(ERR_MARKET_UNKNOWN_SYMBOL);
  return false;
}

string Symbol() { return host::from_utf8(specification().name); }
ENUM_TIMEFRAMES Period() { return host::market().period(); }
double Point() { return specification().point; }
int Digits() { return specification().digits; }

bool SymbolInfoInteger(const string &name, ENUM_SYMBOL_INFO_INTEGER property, int64_t &value) {
  if (!host::is_known_symbol(name)) return false;
  const host::Quote &quote = host::market().quote();
  switch (property) {
    case SYMBOL_EXIST:
    case SYMBOL_SELECT:
    case SYMBOL_VISIBLE:
      value = 1;
      return true;
    case SYMBOL_TIME:
      value = quote.time_msc / 1000;
      return true;
    case SYMBOL_TIME_MSC:
      value = quote.time_msc;
      return true;
    case SYMBOL_DIGITS:
      value = specification().digits;
      return true;
    case SYMBOL_SPREAD:
      value = std::llround((quote.ask - quote.bid) / specification().point);
      return true;
    case SYMBOL_TRADE_MODE:
      value = SYMBOL_TRADE_MODE_FULL;
      return true;
    case SYMBOL_TRADE_STOPS_LEVEL:
      value = specification().stops_level;
      return true;
    case SYMBOL_TRADE_FREEZE_LEVEL:
      value = specification().freeze_level;
      return true;
    case SYMBOL_TRADE_EXEMODE:
      value = SYMBOL_TRADE_EXECUTION_MARKET;
      return true;
    case SYMBOL_FILLING_MODE:
      value = specification().filling;
      return true;
  }
  return wrong_property();
}

int64_t SymbolInfoInteger(const string &name, ENUM_SYMBOL_INFO_INTEGER property) {
  int64_t value = 0;
  SymbolInfoInteger(name, property, value);
  return value;
}

bool SymbolInfoDouble(const string &name, ENUM_SYMBOL_INFO_DOUBLE property, double &value) {
  if (!host::is_known_symbol(name)) return false;
  switch (property) {
    case SYMBOL_BID:
      value = host::market().quote().bid;
      return true;
    case SYMBOL_ASK:
      value = host::market().quote().ask;
      return true;
    case SYMBOL_POINT:
    case SYMBOL_TRADE_TICK_SIZE:
      value = specification().point;
      return true;
    case SYMBOL_TRADE_TICK_VALUE:
    case SYMBOL_TRADE_TICK_VALUE_PROFIT:
    case SYMBOL_TRADE_TICK_VALUE_LOSS:
      value = tick_value();
      return true;
    case SYMBOL_TRADE_CONTRACT_SIZE:
      value = specification().contract_size;
      return true;
    case SYMBOL_VOLUME_MIN:
      value = specification().volume_min;
      return true;
    case SYMBOL_VOLUME_MAX:
      value = specification().volume_max;
      return true;
    case SYMBOL_VOLUME_STEP:
      value = specification().volume_step;
      return true;
  }
  return wrong_property();
}

double SymbolInfoDouble(const string &name, ENUM_SYMBOL_INFO_DOUBLE property) {
  double value = 0.0;
  SymbolInfoDouble(name, property, value);
  return value;
}

bool SymbolInfoString(const string &name, ENUM_SYMBOL_INFO_STRING property, string &value) {
  if (!host::is_known_symbol(name)) return false;
  switch (property) {
    case SYMBOL_CURRENCY_BASE:
    case SYMBOL_CURRENCY_MARGIN:
      value = host::from_utf8(specification().base);
      return true;
    case SYMBOL_CURRENCY_PROFIT:
      value = host::from_utf8(specification().profit);
      return true;
  }
  return wrong_property();
}

string SymbolInfoString(const string &name, ENUM_SYMBOL_INFO_STRING property) {
  string value;
  SymbolInfoString(name, property, value);
  return value;
}

bool SymbolInfoTick(const string &name, MqlTick &tick) {
  if (!host::is_known_symbol(name)) return false;
  const host::Quote &quote = host::market().quote();
  if (quote.time_msc == 0) return false;  // no price yet
  tick = {quote.time_msc / 1000,
          quote.bid,
          quote.ask,
          0.0,  // no last deal: as for currencies
          0,
          quote.time_msc,
          TICK_FLAG_BID | TICK_FLAG_ASK,
          0.0};
  return true;
}

bool SymbolSelect(const string &name, bool) { return host::is_known_symbol(name); }

bool SymbolExist(const string &name, bool &is_custom) {
  is_custom = false;
  return host::to_utf8(name) == specification().name;
}

int SymbolsTotal(bool) { return 1; }

string SymbolName(int position, bool) { return position == 0 ? Symbol() : string(u""); }

}  // namespace mql
