#include "money.hpp"

#include <cmath>
#include <string>

#include "config.hpp"
#include "market.hpp"

namespace mql::host {
namespace {

std::string account_currency() { return config().text("account_currency", "USD"); }

double configured_rate(const char *key, const std::string &from) {
  const double rate = config().number(key, 0.0);
  if (rate > 0.0) return rate;
  bad_configuration("the account is kept in " + account_currency() + ": say what one " + from +
                    " is worth with " + key);
}

// The account's currency as seen from the symbol's two.
enum class Kept { in_profit_currency, in_base_currency, in_another };

Kept kept() {
  static const Kept how = [] {
    const SymbolSpecification &symbol = market().symbol();
    if (account_currency() == symbol.profit) return Kept::in_profit_currency;
    if (account_currency() == symbol.base) return Kept::in_base_currency;
    return Kept::in_another;
  }();
  return how;
}

}  // namespace

double profit_in_account_currency(double amount, double price) {
  switch (kept()) {
    case Kept::in_profit_currency:
      return amount;
    case Kept::in_base_currency:
      return price > 0.0 ? amount / price : 0.0;
    case Kept::in_another:
      break;
  }
  static const double rate = configured_rate("profit_rate", market().symbol().profit);
  return amount * rate;
}

double base_in_account_currency(double amount, double price) {
  switch (kept()) {
    case Kept::in_profit_currency:
      return amount * price;
    case Kept::in_base_currency:
      return amount;
    case Kept::in_another:
      break;
  }
  static const double rate = configured_rate("margin_rate", market().symbol().base);
  return amount * rate;
}

double rounded_money(double amount) { return std::round(amount * 100.0) / 100.0; }

}  // namespace mql::host
