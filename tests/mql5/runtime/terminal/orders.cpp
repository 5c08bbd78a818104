#include "orders.hpp"

#include "broker.hpp"
#include "errors.hpp"
#include "market.hpp"
#include "retcode_text.hpp"
#include "symbol.hpp"

namespace mql {
namespace {

host::Side side_of(ENUM_ORDER_TYPE type) {
  return type == ORDER_TYPE_BUY ? host::Side::buy : host::Side::sell;
}

bool is_calculable(ENUM_ORDER_TYPE type, const string &symbol) {
  if (!host::is_known_symbol(symbol)) return false;
  if (type == ORDER_TYPE_BUY || type == ORDER_TYPE_SELL) return true;
  host::set_error(ERR_INVALID_PARAMETER);
  return false;
}

}  // namespace

bool OrderSend(const MqlTradeRequest &request, MqlTradeResult &result) {
  host::market().refresh();
  result = host::broker().send(request);
  result.comment = host::from_utf8(host::retcode_text(result.retcode));
  if (result.retcode == TRADE_RETCODE_DONE) return true;
  host::set_error(ERR_TRADE_SEND_FAILED);
  return false;
}

bool OrderCheck(const MqlTradeRequest &request, MqlTradeCheckResult &result) {
  host::market().refresh();
  host::Broker &broker = host::broker();
  const uint32_t retcode = broker.check(request);
  const bool adds = request.action == TRADE_ACTION_DEAL && request.position == 0 &&
                    (retcode == TRADE_RETCODE_DONE || retcode == TRADE_RETCODE_NO_MONEY);
  const double added =
      adds ? broker.margin_for(request.volume, host::Broker::opening_price(side_of(request.type)))
           : 0.0;
  result = {};
  result.retcode = retcode == TRADE_RETCODE_DONE ? 0 : retcode;
  result.balance = broker.balance();
  result.equity = broker.equity();
  result.profit = broker.profit();
  result.margin = broker.margin() + added;
  result.margin_free = result.equity - result.margin;
  result.margin_level = result.margin > 0.0 ? result.equity / result.margin * 100.0 : 0.0;
  result.comment = host::from_utf8(host::retcode_text(retcode));
  if (result.retcode == 0) return true;
  host::set_error(ERR_TRADE_SEND_FAILED);
  return false;
}

bool OrderCalcMargin(ENUM_ORDER_TYPE action, const string &symbol, double volume, double price,
                     double &margin) {
  if (!is_calculable(action, symbol)) return false;
  margin = host::broker().margin_for(volume, price);
  return true;
}

bool OrderCalcProfit(ENUM_ORDER_TYPE action, const string &symbol, double volume, double price_open,
                     double price_close, double &profit) {
  if (!is_calculable(action, symbol)) return false;
  profit = host::Broker::profit_for(side_of(action), volume, price_open, price_close);
  return true;
}

int OrdersTotal() { return 0; }

}  // namespace mql
