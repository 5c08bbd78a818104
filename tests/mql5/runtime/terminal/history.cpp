#include "history.hpp"

#include <algorithm>
#include <vector>

#include "broker.hpp"
#include "errors.hpp"
#include "market.hpp"
#include "symbol.hpp"

namespace mql {
namespace {

// Copies of what was selected, oldest first.
template <class Record>
std::vector<Record> &selected() {
  static std::vector<Record> &records = *new std::vector<Record>;
  return records;
}

const host::Ledger &ledger() {
  host::market().refresh();
  return host::broker().ledger();
}

template <class Record, class Condition>
void select(const std::vector<Record> &all, Condition condition) {
  selected<Record>().clear();
  std::copy_if(all.begin(), all.end(), std::back_inserter(selected<Record>()), condition);
}

template <class Condition>
void select_both(Condition condition) {
  select(ledger().deals, condition);
  select(ledger().orders, condition);
}

// One more, beside those selected before.
template <class Record>
bool select_ticket(const std::vector<Record> &all, uint64_t ticket, int error) {
  const auto has_ticket = [ticket](const Record &record) { return record.ticket == ticket; };
  auto &chosen = selected<Record>();
  if (std::any_of(chosen.begin(), chosen.end(), has_ticket)) return true;
  const auto found = std::find_if(all.begin(), all.end(), has_ticket);
  if (found == all.end()) {
    host::set_error(error);
    return false;
  }
  chosen.push_back(*found);
  return true;
}

template <class Record>
uint64_t ticket_at(int index, int error) {
  if (index >= 0 && static_cast<size_t>(index) < selected<Record>().size())
    return selected<Record>()[static_cast<size_t>(index)].ticket;
  host::set_error(error);
  return 0;
}

// Tickets ascend, so a long history is searched in a moment.
template <class Record>
const Record *find(uint64_t ticket, int error) {
  const auto &records = selected<Record>();
  const auto found = std::lower_bound(
      records.begin(), records.end(), ticket,
      [](const Record &record, uint64_t wanted) { return record.ticket < wanted; });
  if (found != records.end() && found->ticket == ticket) return &*found;
  const auto last = std::find_if(records.begin(), records.end(), [ticket](const Record &record) {
    return record.ticket == ticket;
  });
  if (last != records.end()) return &*last;
  host::set_error(error);
  return nullptr;
}

const host::Deal *deal(uint64_t ticket) {
  return find<host::Deal>(ticket, ERR_TRADE_DEAL_NOT_FOUND);
}

const host::Order *order(uint64_t ticket) {
  return find<host::Order>(ticket, ERR_TRADE_ORDER_NOT_FOUND);
}

bool wrong_property() {
  host::set_error(ERR_TRADE_WRONG_PROPERTY);
  return false;
}

}  // namespace

bool HistorySelect(datetime from, datetime to) {
  select_both([from, to](const auto &record) {
    return record.time_msc / 1000 >= from && record.time_msc / 1000 <= to;
  });
  return true;
}

bool HistorySelectByPosition(int64_t position) {
  select_both([position](const auto &record) {
    return record.position == static_cast<uint64_t>(position);
  });
  return true;
}

bool HistoryDealSelect(uint64_t ticket) {
  return select_ticket(ledger().deals, ticket, ERR_TRADE_DEAL_NOT_FOUND);
}

bool HistoryOrderSelect(uint64_t ticket) {
  return select_ticket(ledger().orders, ticket, ERR_TRADE_ORDER_NOT_FOUND);
}

int HistoryDealsTotal() { return static_cast<int>(selected<host::Deal>().size()); }

uint64_t HistoryDealGetTicket(int index) {
  return ticket_at<host::Deal>(index, ERR_TRADE_DEAL_NOT_FOUND);
}

bool HistoryDealGetInteger(uint64_t ticket, ENUM_DEAL_PROPERTY_INTEGER property, int64_t &value) {
  const host::Deal *const found = deal(ticket);
  if (found == nullptr) return false;
  switch (property) {
    case DEAL_TICKET:
      value = static_cast<int64_t>(found->ticket);
      return true;
    case DEAL_ORDER:
      value = static_cast<int64_t>(found->order);
      return true;
    case DEAL_TIME:
      value = found->time_msc / 1000;
      return true;
    case DEAL_TIME_MSC:
      value = found->time_msc;
      return true;
    case DEAL_TYPE:
      value = found->type;
      return true;
    case DEAL_ENTRY:
      value = found->entry;
      return true;
    case DEAL_MAGIC:
      value = static_cast<int64_t>(found->magic);
      return true;
    case DEAL_REASON:
      value = found->reason;
      return true;
    case DEAL_POSITION_ID:
      value = static_cast<int64_t>(found->position);
      return true;
  }
  return wrong_property();
}

int64_t HistoryDealGetInteger(uint64_t ticket, ENUM_DEAL_PROPERTY_INTEGER property) {
  int64_t value = 0;
  HistoryDealGetInteger(ticket, property, value);
  return value;
}

bool HistoryDealGetDouble(uint64_t ticket, ENUM_DEAL_PROPERTY_DOUBLE property, double &value) {
  const host::Deal *const found = deal(ticket);
  if (found == nullptr) return false;
  switch (property) {
    case DEAL_VOLUME:
      value = found->volume;
      return true;
    case DEAL_PRICE:
      value = found->price;
      return true;
    case DEAL_COMMISSION:
      value = found->commission;
      return true;
    case DEAL_SWAP:
    case DEAL_FEE:
      value = 0.0;
      return true;
    case DEAL_PROFIT:
      value = found->profit;
      return true;
    case DEAL_SL:
      value = found->sl;
      return true;
    case DEAL_TP:
      value = found->tp;
      return true;
  }
  return wrong_property();
}

double HistoryDealGetDouble(uint64_t ticket, ENUM_DEAL_PROPERTY_DOUBLE property) {
  double value = 0.0;
  HistoryDealGetDouble(ticket, property, value);
  return value;
}

bool HistoryDealGetString(uint64_t ticket, ENUM_DEAL_PROPERTY_STRING property, string &value) {
  const host::Deal *const found = deal(ticket);
  if (found == nullptr) return false;
  switch (property) {
    case DEAL_SYMBOL:
      value = found->type == DEAL_TYPE_BALANCE ? string(u"") : Symbol();
      return true;
    case DEAL_COMMENT:
      value = host::from_utf8(found->comment);
      return true;
  }
  return wrong_property();
}

string HistoryDealGetString(uint64_t ticket, ENUM_DEAL_PROPERTY_STRING property) {
  string value;
  HistoryDealGetString(ticket, property, value);
  return value;
}

int HistoryOrdersTotal() { return static_cast<int>(selected<host::Order>().size()); }

uint64_t HistoryOrderGetTicket(int index) {
  return ticket_at<host::Order>(index, ERR_TRADE_ORDER_NOT_FOUND);
}

bool HistoryOrderGetInteger(uint64_t ticket, ENUM_ORDER_PROPERTY_INTEGER property, int64_t &value) {
  const host::Order *const found = order(ticket);
  if (found == nullptr) return false;
  switch (property) {
    case ORDER_TICKET:
      value = static_cast<int64_t>(found->ticket);
      return true;
    case ORDER_TIME_SETUP:
    case ORDER_TIME_DONE:
      value = found->time_msc / 1000;
      return true;
    case ORDER_TIME_SETUP_MSC:
    case ORDER_TIME_DONE_MSC:
      value = found->time_msc;
      return true;
    case ORDER_TYPE:
      value = found->side == host::Side::buy ? ORDER_TYPE_BUY : ORDER_TYPE_SELL;
      return true;
    case ORDER_STATE:
      value = ORDER_STATE_FILLED;
      return true;
    case ORDER_TYPE_FILLING:
      value = found->filling;
      return true;
    case ORDER_MAGIC:
      value = static_cast<int64_t>(found->magic);
      return true;
    case ORDER_REASON:
      value = found->reason;
      return true;
    case ORDER_POSITION_ID:
      value = static_cast<int64_t>(found->position);
      return true;
  }
  return wrong_property();
}

int64_t HistoryOrderGetInteger(uint64_t ticket, ENUM_ORDER_PROPERTY_INTEGER property) {
  int64_t value = 0;
  HistoryOrderGetInteger(ticket, property, value);
  return value;
}

bool HistoryOrderGetDouble(uint64_t ticket, ENUM_ORDER_PROPERTY_DOUBLE property, double &value) {
  const host::Order *const found = order(ticket);
  if (found == nullptr) return false;
  switch (property) {
    case ORDER_VOLUME_INITIAL:
      value = found->volume;
      return true;
    case ORDER_VOLUME_CURRENT:
      value = 0.0;  // all filled
      return true;
    case ORDER_PRICE_OPEN:
      value = found->price;
      return true;
    case ORDER_SL:
      value = found->sl;
      return true;
    case ORDER_TP:
      value = found->tp;
      return true;
  }
  return wrong_property();
}

double HistoryOrderGetDouble(uint64_t ticket, ENUM_ORDER_PROPERTY_DOUBLE property) {
  double value = 0.0;
  HistoryOrderGetDouble(ticket, property, value);
  return value;
}

bool HistoryOrderGetString(uint64_t ticket, ENUM_ORDER_PROPERTY_STRING property, string &value) {
  const host::Order *const found = order(ticket);
  if (found == nullptr) return false;
  switch (property) {
    case ORDER_SYMBOL:
      value = Symbol();
      return true;
    case ORDER_COMMENT:
      value = host::from_utf8(found->comment);
      return true;
  }
  return wrong_property();
}

string HistoryOrderGetString(uint64_t ticket, ENUM_ORDER_PROPERTY_STRING property) {
  string value;
  HistoryOrderGetString(ticket, property, value);
  return value;
}

}  // namespace mql
