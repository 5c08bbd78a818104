// Trade requests.
#pragma once

#include "string.hpp"
#include "trade_types.hpp"

namespace mql {

// True when the request was carried out; else ERR_TRADE_SEND_FAILED, and result.retcode says why.
bool OrderSend(const MqlTradeRequest &request, MqlTradeResult &result);
// True when there is money for it and nothing else against it.
bool OrderCheck(const MqlTradeRequest &request, MqlTradeCheckResult &result);
bool OrderCalcMargin(ENUM_ORDER_TYPE action, const string &symbol, double volume, double price,
                     double &margin);
bool OrderCalcProfit(ENUM_ORDER_TYPE action, const string &symbol, double volume, double price_open,
                     double price_close, double &profit);

// How many orders wait to be filled: none ever does, at the market.
int OrdersTotal();

}  // namespace mql
