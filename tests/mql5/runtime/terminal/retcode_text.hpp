// A trade server's answer in words.
#pragma once

#include <cstdint>
#include <string_view>

#include "trade_types.hpp"

namespace mql::host {

constexpr std::string_view retcode_text(uint32_t retcode) {
  switch (retcode) {
    case TRADE_RETCODE_DONE:
      return "Request executed";
    case TRADE_RETCODE_INVALID:
      return "Invalid request";
    case TRADE_RETCODE_INVALID_VOLUME:
      return "Invalid volume";
    case TRADE_RETCODE_INVALID_STOPS:
      return "Invalid stops";
    case TRADE_RETCODE_MARKET_CLOSED:
      return "Market closed";
    case TRADE_RETCODE_NO_MONEY:
      return "No money";
    case TRADE_RETCODE_PRICE_OFF:
      return "No prices";
    case TRADE_RETCODE_NO_CHANGES:
      return "No changes";
    case TRADE_RETCODE_CLIENT_DISABLES_AT:
      return "AutoTrading disabled by client";
    case TRADE_RETCODE_FROZEN:
      return "Order or position frozen";
    case TRADE_RETCODE_INVALID_FILL:
      return "Unsupported filling mode";
    case TRADE_RETCODE_INVALID_ORDER:
      return "Invalid order";
    case TRADE_RETCODE_POSITION_CLOSED:
      return "Position doesn't exist";
    case TRADE_RETCODE_INVALID_CLOSE_VOLUME:
      return "Invalid close volume";
    default:
      return "";  // no other one is given
  }
}

}  // namespace mql::host
