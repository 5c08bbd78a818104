#include "account.hpp"

#include "broker.hpp"
#include "config.hpp"
#include "market.hpp"

namespace mql {

int64_t AccountInfoInteger(ENUM_ACCOUNT_INFO_INTEGER property) {
  const host::Broker &broker = host::broker();
  switch (property) {
    case ACCOUNT_LOGIN:
      return 1;
    case ACCOUNT_TRADE_MODE:
      return ACCOUNT_TRADE_MODE_DEMO;
    case ACCOUNT_LEVERAGE:
      return broker.leverage();
    case ACCOUNT_MARGIN_SO_MODE:
      return ACCOUNT_STOPOUT_MODE_PERCENT;
    case ACCOUNT_TRADE_ALLOWED:
    case ACCOUNT_TRADE_EXPERT:
      return 1;
    case ACCOUNT_MARGIN_MODE:
      return broker.hedging() ? ACCOUNT_MARGIN_MODE_RETAIL_HEDGING
                              : ACCOUNT_MARGIN_MODE_RETAIL_NETTING;
    case ACCOUNT_CURRENCY_DIGITS:
      return 2;
    case ACCOUNT_FIFO_CLOSE:
      return 0;
    case ACCOUNT_HEDGE_ALLOWED:
      return broker.hedging() ? 1 : 0;
  }
  return 0;
}

double AccountInfoDouble(ENUM_ACCOUNT_INFO_DOUBLE property) {
  host::market().refresh();
  const host::Broker &broker = host::broker();
  const double margin = broker.margin();
  switch (property) {
    case ACCOUNT_BALANCE:
      return broker.balance();
    case ACCOUNT_CREDIT:
      return 0.0;
    case ACCOUNT_PROFIT:
      return broker.profit();
    case ACCOUNT_EQUITY:
      return broker.equity();
    case ACCOUNT_MARGIN:
      return margin;
    case ACCOUNT_MARGIN_FREE:
      return broker.equity() - margin;
    case ACCOUNT_MARGIN_LEVEL:
      return margin > 0.0 ? broker.equity() / margin * 100.0 : 0.0;
    case ACCOUNT_MARGIN_SO_SO:
      return broker.stop_out_level();
  }
  return 0.0;
}

string AccountInfoString(ENUM_ACCOUNT_INFO_STRING property) {
  switch (property) {
    case ACCOUNT_NAME:
      return string(u"Tester");
    case ACCOUNT_SERVER:
    case ACCOUNT_COMPANY:
      return string(u"EABridge host");
    case ACCOUNT_CURRENCY:
      return host::from_utf8(host::config().text("account_currency", "USD"));
  }
  return null;
}

}  // namespace mql
