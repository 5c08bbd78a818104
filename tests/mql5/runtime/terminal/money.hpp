// Amounts in the account's currency.
#pragma once

namespace mql::host {

// An amount that prices are counted in, at the symbol's own price where the account is kept in the
// symbol's base currency, else by the configured rates (account currency for one of the other:
// `profit_rate`, `margin_rate`). Without a rate that is needed the configuration is bad.
double profit_in_account_currency(double amount, double price);
// An amount of the symbol's base currency.
double base_in_account_currency(double amount, double price);

// To cents, as accounts are kept.
double rounded_money(double amount);

}  // namespace mql::host
