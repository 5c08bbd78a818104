// Deals and orders of the past. As in the terminal, a program sees those that it selected.
#pragma once

#include <cstdint>

#include "string.hpp"
#include "trade_types.hpp"
#include "types.hpp"

namespace mql {

enum ENUM_DEAL_PROPERTY_INTEGER {
  DEAL_TICKET,
  DEAL_ORDER,
  DEAL_TIME,
  DEAL_TIME_MSC,
  DEAL_TYPE,
  DEAL_ENTRY,
  DEAL_MAGIC,
  DEAL_REASON,
  DEAL_POSITION_ID
};
enum ENUM_DEAL_PROPERTY_DOUBLE {
  DEAL_VOLUME,
  DEAL_PRICE,
  DEAL_COMMISSION,
  DEAL_SWAP,
  DEAL_PROFIT,
  DEAL_FEE,
  DEAL_SL,
  DEAL_TP
};
enum ENUM_DEAL_PROPERTY_STRING { DEAL_SYMBOL, DEAL_COMMENT };

enum ENUM_ORDER_PROPERTY_INTEGER {
  ORDER_TICKET,
  ORDER_TIME_SETUP,
  ORDER_TIME_SETUP_MSC,
  ORDER_TIME_DONE,
  ORDER_TIME_DONE_MSC,
  ORDER_TYPE,
  ORDER_STATE,
  ORDER_TYPE_FILLING,
  ORDER_MAGIC,
  ORDER_REASON,
  ORDER_POSITION_ID
};
enum ENUM_ORDER_PROPERTY_DOUBLE {
  ORDER_VOLUME_INITIAL,
  ORDER_VOLUME_CURRENT,
  ORDER_PRICE_OPEN,
  ORDER_SL,
  ORDER_TP
};
enum ENUM_ORDER_PROPERTY_STRING { ORDER_SYMBOL, ORDER_COMMENT };

bool HistorySelect(datetime from, datetime to);
bool HistorySelectByPosition(int64_t position);
bool HistoryDealSelect(uint64_t ticket);
bool HistoryOrderSelect(uint64_t ticket);

int HistoryDealsTotal();
uint64_t HistoryDealGetTicket(int index);
int64_t HistoryDealGetInteger(uint64_t ticket, ENUM_DEAL_PROPERTY_INTEGER property);
bool HistoryDealGetInteger(uint64_t ticket, ENUM_DEAL_PROPERTY_INTEGER property, int64_t &value);
double HistoryDealGetDouble(uint64_t ticket, ENUM_DEAL_PROPERTY_DOUBLE property);
bool HistoryDealGetDouble(uint64_t ticket, ENUM_DEAL_PROPERTY_DOUBLE property, double &value);
string HistoryDealGetString(uint64_t ticket, ENUM_DEAL_PROPERTY_STRING property);
bool HistoryDealGetString(uint64_t ticket, ENUM_DEAL_PROPERTY_STRING property, string &value);

int HistoryOrdersTotal();
uint64_t HistoryOrderGetTicket(int index);
int64_t HistoryOrderGetInteger(uint64_t ticket, ENUM_ORDER_PROPERTY_INTEGER property);
bool HistoryOrderGetInteger(uint64_t ticket, ENUM_ORDER_PROPERTY_INTEGER property, int64_t &value);
double HistoryOrderGetDouble(uint64_t ticket, ENUM_ORDER_PROPERTY_DOUBLE property);
bool HistoryOrderGetDouble(uint64_t ticket, ENUM_ORDER_PROPERTY_DOUBLE property, double &value);
string HistoryOrderGetString(uint64_t ticket, ENUM_ORDER_PROPERTY_STRING property);
bool HistoryOrderGetString(uint64_t ticket, ENUM_ORDER_PROPERTY_STRING property, string &value);

}  // namespace mql
