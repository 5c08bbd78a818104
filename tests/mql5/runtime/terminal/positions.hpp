// Open positions. As in the terminal, selecting one copies it: what is read afterwards is as it
// was then.
#pragma once

#include <cstdint>

#include "string.hpp"
#include "trade_types.hpp"

namespace mql {

enum ENUM_POSITION_PROPERTY_INTEGER {
  POSITION_TICKET,
  POSITION_IDENTIFIER,
  POSITION_TIME,
  POSITION_TIME_MSC,
  POSITION_TIME_UPDATE,
  POSITION_TIME_UPDATE_MSC,
  POSITION_TYPE,
  POSITION_MAGIC,
  POSITION_REASON
};
enum ENUM_POSITION_PROPERTY_DOUBLE {
  POSITION_VOLUME,
  POSITION_PRICE_OPEN,
  POSITION_SL,
  POSITION_TP,
  POSITION_PRICE_CURRENT,
  POSITION_SWAP,
  POSITION_PROFIT
};
enum ENUM_POSITION_PROPERTY_STRING { POSITION_SYMBOL, POSITION_COMMENT };

int PositionsTotal();
// Selects by place; 0 where there is none.
uint64_t PositionGetTicket(int index);
string PositionGetSymbol(int index);
// Of several positions of the symbol, the one with the smallest ticket.
bool PositionSelect(const string &symbol);
bool PositionSelectByTicket(uint64_t ticket);

int64_t PositionGetInteger(ENUM_POSITION_PROPERTY_INTEGER property);
bool PositionGetInteger(ENUM_POSITION_PROPERTY_INTEGER property, int64_t &value);
double PositionGetDouble(ENUM_POSITION_PROPERTY_DOUBLE property);
bool PositionGetDouble(ENUM_POSITION_PROPERTY_DOUBLE property, double &value);
string PositionGetString(ENUM_POSITION_PROPERTY_STRING property);
bool PositionGetString(ENUM_POSITION_PROPERTY_STRING property, string &value);

}  // namespace mql
