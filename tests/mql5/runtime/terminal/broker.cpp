#include "broker.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "clock.hpp"
#include "config.hpp"
#include "market.hpp"
#include "money.hpp"
#include "stop_levels.hpp"
#include "symbol.hpp"

namespace mql::host {
namespace {

Side side_of(ENUM_ORDER_TYPE type) { return type == ORDER_TYPE_BUY ? Side::buy : Side::sell; }

// Volumes are decimals: sums are brought back to the grid.
double on_volume_grid(double volume) {
  const double step = market().symbol().volume_step;
  return std::round(volume / step) * step;
}

std::string price_text(double price) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", market().symbol().digits, price);
  return text;
}

// Ticks make the market's hours: it is shut once the bar of the last one is over.
bool is_market_open() {
  return server_time_msc() < (market().bar(0).time + market().period_seconds()) * 1000;
}

bool configured_hedging() {
  const std::string mode = config().text("margin_mode", "hedging");
  if (mode != "hedging" && mode != "netting")
    bad_configuration("margin_mode is " + mode + ": it should be hedging or netting");
  return mode == "hedging";
}

}  // namespace

Broker::Broker()
    : hedging_(configured_hedging()),
      trade_allowed_(config().flag("trade_allowed", true)),
      leverage_(config().integer("leverage", 100)),
      stop_out_level_(config().number("stop_out", 50.0)),
      commission_(config().number("commission", 0.0)),
      deposit_(config().number("deposit", 10000.0)),
      balance_(deposit_) {
  if (leverage_ < 1) bad_configuration("leverage is less than 1");
}

void Broker::begin() {
  Deal deal;
  deal.ticket = 1;
  deal.profit = deposit_;
  deal.time_msc = server_time_msc();
  ledger_.deals.push_back(deal);
}

double Broker::opening_price(Side side) {
  const Quote &quote = market().quote();
  return side == Side::buy ? quote.ask : quote.bid;
}

double Broker::profit_for(Side side, double volume, double open, double close) {
  const double moved = direction(side) * (close - open) * volume * market().symbol().contract_size;
  return rounded_money(profit_in_account_currency(moved, close));
}

double Broker::margin_for(double volume, double price) const {
  const double lent = volume * market().symbol().contract_size / static_cast<double>(leverage_);
  return rounded_money(base_in_account_currency(lent, price));
}

double Broker::profit_of(const Position &position) const {
  return profit_for(position.side, position.volume, position.price_open,
                    closing_price(position.side));
}

double Broker::profit() const {
  double sum = 0.0;
  for (const Position &position : ledger_.positions) sum += profit_of(position);
  return sum;
}

double Broker::margin() const {
  double sum = 0.0;
  for (const Position &position : ledger_.positions)
    sum += margin_for(position.volume, position.price_open);
  return sum;
}

Position *Broker::addressed_by(const MqlTradeRequest &request) {
  if (hedging_ || request.position != 0) return ledger_.find(request.position);
  return ledger_.positions.empty() ? nullptr : &ledger_.positions.front();
}

uint32_t Broker::check(const MqlTradeRequest &request) {
  if (const uint32_t refused = check_conditions(request); refused != 0) return refused;
  switch (request.action) {
    case TRADE_ACTION_DEAL:
      return check_deal(request);
    case TRADE_ACTION_SLTP:
      return check_modification(request);
  }
  return TRADE_RETCODE_INVALID;
}

uint32_t Broker::check_conditions(const MqlTradeRequest &request) const {
  if (!trade_allowed_) return TRADE_RETCODE_CLIENT_DISABLES_AT;
  if (to_utf8(request.symbol) != market().symbol().name) return TRADE_RETCODE_INVALID;
  if (market().visible() == 0 || market().quote().bid <= 0.0) return TRADE_RETCODE_PRICE_OFF;
  return is_market_open() ? 0 : TRADE_RETCODE_MARKET_CLOSED;
}

uint32_t Broker::check_deal(const MqlTradeRequest &request) {
  if (request.type != ORDER_TYPE_BUY && request.type != ORDER_TYPE_SELL)
    return TRADE_RETCODE_INVALID_ORDER;
  if (!volume_is_valid(request.volume)) return TRADE_RETCODE_INVALID_VOLUME;
  const int filling = market().symbol().filling;
  const bool fills =
      (request.type_filling == ORDER_FILLING_FOK && (filling & SYMBOL_FILLING_FOK)) ||
      (request.type_filling == ORDER_FILLING_IOC && (filling & SYMBOL_FILLING_IOC));
  if (!fills) return TRADE_RETCODE_INVALID_FILL;
  if (request.position != 0) {
    const Position *const position = ledger_.find(request.position);
    if (position == nullptr) return TRADE_RETCODE_POSITION_CLOSED;
    if (hedging_) return check_close(request, *position);
  }
  if (!stops_are_valid(side_of(request.type), request.sl, request.tp))
    return TRADE_RETCODE_INVALID_STOPS;
  return check_margin(request);
}

uint32_t Broker::check_close(const MqlTradeRequest &request, const Position &position) const {
  if (side_of(request.type) == position.side) return TRADE_RETCODE_INVALID;
  if (request.volume > position.volume + 0.5 * market().symbol().volume_step)
    return TRADE_RETCODE_INVALID_CLOSE_VOLUME;
  return is_frozen(position) ? TRADE_RETCODE_FROZEN : TRADE_RETCODE_DONE;
}

uint32_t Broker::check_modification(const MqlTradeRequest &request) {
  const Position *const position = addressed_by(request);
  if (position == nullptr) return TRADE_RETCODE_POSITION_CLOSED;
  if (request.sl == position->sl && request.tp == position->tp) return TRADE_RETCODE_NO_CHANGES;
  if (is_frozen(*position)) return TRADE_RETCODE_FROZEN;
  return stops_are_valid(position->side, request.sl, request.tp) ? TRADE_RETCODE_DONE
                                                                 : TRADE_RETCODE_INVALID_STOPS;
}

uint32_t Broker::check_margin(const MqlTradeRequest &request) {
  const Side side = side_of(request.type);
  double added = request.volume;
  if (!hedging_ && !ledger_.positions.empty()) {
    const Position &held = ledger_.positions.front();
    // A trade against the position needs margin only for what goes beyond it.
    if (held.side != side) added = request.volume - 2.0 * held.volume;
  }
  if (added <= 0.0) return TRADE_RETCODE_DONE;
  return equity() - margin() >= margin_for(added, opening_price(side)) ? TRADE_RETCODE_DONE
                                                                       : TRADE_RETCODE_NO_MONEY;
}

MqlTradeResult Broker::send(const MqlTradeRequest &request) {
  MqlTradeResult result{};
  result.retcode = check(request);
  result.request_id = ++last_request_;
  result.bid = market().quote().bid;
  result.ask = market().quote().ask;
  if (result.retcode != TRADE_RETCODE_DONE) return result;
  if (request.action == TRADE_ACTION_SLTP) {
    Position &position = *addressed_by(request);
    position.sl = request.sl;
    position.tp = request.tp;
    position.time_update_msc = server_time_msc();
  } else {
    const Deal &done = deal(request);
    result.deal = done.ticket;
    result.order = done.order;
    result.volume = request.volume;
    result.price = done.price;
  }
  traded_ = true;
  return result;
}

Deal &Broker::deal(const MqlTradeRequest &request) {
  const Side side = side_of(request.type);
  const Fill fill{side,          request.volume,           opening_price(side),  DEAL_REASON_EXPERT,
                  request.magic, to_utf8(request.comment), request.type_filling, request.sl,
                  request.tp};
  Position *const held = addressed_by(request);
  if (held == nullptr) return open(fill);
  if (held->side != side) return close(*held, fill);
  // Netting: more of the same. The price is the average; new stops replace the old.
  const double volume = on_volume_grid(held->volume + fill.volume);
  held->price_open = (held->price_open * held->volume + fill.price * fill.volume) / volume;
  held->volume = volume;
  if (fill.sl > 0.0) held->sl = fill.sl;
  if (fill.tp > 0.0) held->tp = fill.tp;
  held->time_update_msc = server_time_msc();
  return record(fill, DEAL_ENTRY_IN, held->ticket);
}

Deal &Broker::record(const Fill &fill, ENUM_DEAL_ENTRY entry, uint64_t position) {
  Order order;
  order.ticket = ++last_order_;
  order.position = position != 0 ? position : order.ticket;
  order.side = fill.side;
  order.filling = fill.filling;
  order.reason = static_cast<ENUM_ORDER_REASON>(fill.reason);  // the same reasons, by number
  order.volume = fill.volume;
  order.price = fill.price;
  order.sl = fill.sl;
  order.tp = fill.tp;
  order.time_msc = server_time_msc();
  order.magic = fill.magic;
  order.comment = fill.comment;
  ledger_.orders.push_back(order);
  Deal deal;
  deal.ticket = ledger_.deals.size() + 1;
  deal.order = order.ticket;
  deal.position = order.position;
  deal.type = fill.side == Side::buy ? DEAL_TYPE_BUY : DEAL_TYPE_SELL;
  deal.entry = entry;
  deal.reason = fill.reason;
  deal.volume = fill.volume;
  deal.price = fill.price;
  deal.sl = fill.sl;
  deal.tp = fill.tp;
  deal.time_msc = order.time_msc;
  deal.magic = fill.magic;
  deal.comment = fill.comment;
  deal.commission = 0.0 - rounded_money(commission_ * fill.volume);
  balance_ = rounded_money(balance_ + deal.commission);
  traded_ = true;
  return ledger_.deals.emplace_back(deal);
}

Deal &Broker::open(const Fill &fill) {
  Deal &deal = record(fill, DEAL_ENTRY_IN, 0);
  ledger_.positions.push_back({deal.position, fill.side, fill.volume, fill.price, fill.sl, fill.tp,
                               deal.time_msc, deal.time_msc, fill.magic, fill.comment});
  return deal;
}

// A fill against a position: it shrinks, ends, or (netting) turns round.
Deal &Broker::close(Position &position, const Fill &fill) {
  const double closed = std::min(position.volume, fill.volume);
  const double left = on_volume_grid(position.volume - closed);
  const double beyond = on_volume_grid(fill.volume - closed);
  Deal &deal = record(fill, beyond > 0.0 ? DEAL_ENTRY_INOUT : DEAL_ENTRY_OUT, position.ticket);
  deal.profit = profit_for(position.side, closed, position.price_open, fill.price);
  balance_ = rounded_money(balance_ + deal.profit);
  if (beyond > 0.0) {
    position.side = fill.side;
    position.price_open = fill.price;
    position.sl = fill.sl;
    position.tp = fill.tp;
  }
  position.volume = beyond > 0.0 ? beyond : left;
  position.time_update_msc = deal.time_msc;
  if (position.volume <= 0.0)
    std::erase_if(ledger_.positions,
                  [&deal](const Position &each) { return each.ticket == deal.position; });
  return deal;
}

void Broker::close_at(uint64_t ticket, double price, ENUM_DEAL_REASON reason,
                      const std::string &comment) {
  Position &position = *ledger_.find(ticket);
  close(position,
        {opposite(position.side), position.volume, price, reason, position.magic, comment});
}

void Broker::trigger_stops(uint64_t ticket) {
  const Position &position = *ledger_.find(ticket);
  const double price = closing_price(position.side);
  const double way = direction(position.side);
  if (position.sl > 0.0 && way * (price - position.sl) <= 0.0) {
    // Between ticks of a bar the price passes the stop itself; between bars it may jump it.
    const double filled = market().quote().opens_bar ? price : position.sl;
    close_at(ticket, filled, DEAL_REASON_SL, "sl " + price_text(position.sl));
  } else if (position.tp > 0.0 && way * (price - position.tp) >= 0.0) {
    // Never better than its own price, though a gap might give more.
    close_at(ticket, position.tp, DEAL_REASON_TP, "tp " + price_text(position.tp));
  }
}

void Broker::stop_out() {
  while (!ledger_.positions.empty() && equity() / margin() * 100.0 <= stop_out_level_) {
    const auto worst = std::min_element(
        ledger_.positions.begin(), ledger_.positions.end(),
        [this](const Position &a, const Position &b) { return profit_of(a) < profit_of(b); });
    char comment[64];
    std::snprintf(comment, sizeof(comment), "so %.2f%%/%.2f/%.2f", equity() / margin() * 100.0,
                  equity(), margin());
    close_at(worst->ticket, closing_price(worst->side), DEAL_REASON_SO, comment);
  }
}

void Broker::feel_price() {
  std::vector<uint64_t> tickets;
  for (const Position &position : ledger_.positions) tickets.push_back(position.ticket);
  for (const uint64_t ticket : tickets) trigger_stops(ticket);
  stop_out();
}

void Broker::close_all(const std::string &comment) {
  while (!ledger_.positions.empty()) {
    const Position &last = ledger_.positions.back();
    close_at(last.ticket, closing_price(last.side), DEAL_REASON_CLIENT, comment);
  }
}

bool Broker::take_traded() { return std::exchange(traded_, false); }

Broker &broker() {
  static Broker &one = *new Broker;
  return one;
}

}  // namespace mql::host
