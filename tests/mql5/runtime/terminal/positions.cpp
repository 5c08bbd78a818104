#include "positions.hpp"

#include "broker.hpp"
#include "errors.hpp"
#include "market.hpp"
#include "symbol.hpp"

namespace mql {
namespace {

struct Selection {
  bool made = false;
  host::Position position;
  double price_current = 0.0;
  double profit = 0.0;
};

Selection &selection() {
  static Selection &one = *new Selection;
  return one;
}

bool select(const host::Position *position) {
  if (position == nullptr) {
    selection() = {};
    host::set_error(ERR_TRADE_POSITION_NOT_FOUND);
    return false;
  }
  selection() = {true, *position, host::Broker::closing_price(position->side),
                 host::broker().profit_of(*position)};
  return true;
}

const host::Position *position_at(int index) {
  host::market().refresh();
  const auto &positions = host::broker().ledger().positions;
  const bool exists = index >= 0 && static_cast<size_t>(index) < positions.size();
  return exists ? &positions[static_cast<size_t>(index)] : nullptr;
}

bool is_selected() {
  if (selection().made) return true;
  host::set_error(ERR_TRADE_POSITION_NOT_FOUND);
  return false;
}

bool wrong_property() {
  host::set_error(ERR_TRADE_WRONG_PROPERTY);
  return false;
}

}  // namespace

int PositionsTotal() {
  host::market().refresh();
  return static_cast<int>(host::broker().ledger().positions.size());
}

uint64_t PositionGetTicket(int index) {
  return select(position_at(index)) ? selection().position.ticket : 0;
}

string PositionGetSymbol(int index) { return select(position_at(index)) ? Symbol() : string(u""); }

bool PositionSelect(const string &symbol) {
  return host::is_known_symbol(symbol) && select(position_at(0));
}

bool PositionSelectByTicket(uint64_t ticket) {
  host::market().refresh();
  for (const host::Position &position : host::broker().ledger().positions)
    if (position.ticket == ticket) return select(&position);
  return select(nullptr);
}

bool PositionGetInteger(ENUM_POSITION_PROPERTY_INTEGER property, int64_t &value) {
  if (!is_selected()) return false;
  const host::Position &position = selection().position;
  switch (property) {
    case POSITION_TICKET:
    case POSITION_IDENTIFIER:
      value = static_cast<int64_t>(position.ticket);
      return true;
    case POSITION_TIME:
      value = position.time_msc / 1000;
      return true;
    case POSITION_TIME_MSC:
      value = position.time_msc;
      return true;
    case POSITION_TIME_UPDATE:
      value = position.time_update_msc / 1000;
      return true;
    case POSITION_TIME_UPDATE_MSC:
      value = position.time_update_msc;
      return true;
    case POSITION_TYPE:
      value = position.side == host::Side::buy ? POSITION_TYPE_BUY : POSITION_TYPE_SELL;
      return true;
    case POSITION_MAGIC:
      value = static_cast<int64_t>(position.magic);
      return true;
    case POSITION_REASON:
      value = POSITION_REASON_EXPERT;
      return true;
  }
  return wrong_property();
}

int64_t PositionGetInteger(ENUM_POSITION_PROPERTY_INTEGER property) {
  int64_t value = 0;
  PositionGetInteger(property, value);
  return value;
}

bool PositionGetDouble(ENUM_POSITION_PROPERTY_DOUBLE property, double &value) {
  if (!is_selected()) return false;
  const host::Position &position = selection().position;
  switch (property) {
    case POSITION_VOLUME:
      value = position.volume;
      return true;
    case POSITION_PRICE_OPEN:
      value = position.price_open;
      return true;
    case POSITION_SL:
      value = position.sl;
      return true;
    case POSITION_TP:
      value = position.tp;
      return true;
    case POSITION_PRICE_CURRENT:
      value = selection().price_current;
      return true;
    case POSITION_SWAP:
      value = 0.0;
      return true;
    case POSITION_PROFIT:
      value = selection().profit;
      return true;
  }
  return wrong_property();
}

double PositionGetDouble(ENUM_POSITION_PROPERTY_DOUBLE property) {
  double value = 0.0;
  PositionGetDouble(property, value);
  return value;
}

bool PositionGetString(ENUM_POSITION_PROPERTY_STRING property, string &value) {
  if (!is_selected()) return false;
  switch (property) {
    case POSITION_SYMBOL:
      value = Symbol();
      return true;
    case POSITION_COMMENT:
      value = host::from_utf8(selection().position.comment);
      return true;
  }
  return wrong_property();
}

string PositionGetString(ENUM_POSITION_PROPERTY_STRING property) {
  string value;
  PositionGetString(property, value);
  return value;
}

}  // namespace mql
