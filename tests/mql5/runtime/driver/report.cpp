#include "report.hpp"

#include <fstream>

#include "broker.hpp"
#include "chart_objects.hpp"
#include "config.hpp"
#include "dll.hpp"
#include "events.hpp"
#include "expert.hpp"
#include "json.hpp"
#include "open_file.hpp"
#include "paths.hpp"
#include "print.hpp"
#include "ptr.hpp"
#include "sockets.hpp"
#include "statistics.hpp"
#include "tester.hpp"

namespace mql::host {
namespace {

const char *type_name(const Deal &deal) {
  if (deal.type == DEAL_TYPE_BALANCE) return "balance";
  return deal.type == DEAL_TYPE_BUY ? "buy" : "sell";
}

const char *entry_name(ENUM_DEAL_ENTRY entry) {
  if (entry == DEAL_ENTRY_INOUT) return "inout";
  return entry == DEAL_ENTRY_IN ? "in" : "out";
}

const char *reason_name(ENUM_DEAL_REASON reason) {
  switch (reason) {
    case DEAL_REASON_EXPERT:
      return "expert";
    case DEAL_REASON_SL:
      return "sl";
    case DEAL_REASON_TP:
      return "tp";
    case DEAL_REASON_SO:
      return "so";
    default:
      return "client";
  }
}

void write_deals(Json &json) {
  json.key("deals").begin_array();
  for (const Deal &deal : broker().ledger().deals) {
    json.begin_object();
    json.member("ticket", deal.ticket).member("order", deal.order);
    json.member("position", deal.position).member("time", deal.time_msc / 1000);
    json.member("type", type_name(deal)).member("entry", entry_name(deal.entry));
    json.member("reason", reason_name(deal.reason)).member("volume", deal.volume);
    json.member("price", deal.price).member("sl", deal.sl).member("tp", deal.tp);
    json.member("profit", deal.profit).member("commission", deal.commission);
    json.member("magic", deal.magic).member("comment", deal.comment);
    json.end_object();
  }
  json.end_array();
}

void write_account(Json &json) {
  json.member("deposit", broker().deposit()).member("balance", broker().balance());
  json.member("equity", broker().equity());
  json.member("positions_left", broker().ledger().positions.size());
  json.member("balance_drawdown", drawdowns().balance.most());
  json.member("equity_drawdown", drawdowns().equity.most());
}

// How often each handler ran, and how long the program spent in it.
void write_handlers(Json &json) {
  json.key("handlers").begin_object();
  for (size_t i = 0; i < kHandlerNames.size(); ++i) {
    const Expert::Spent &spent = expert().spent(static_cast<Handler>(i));
    json.key(kHandlerNames[i]).begin_object();
    json.member("calls", spent.calls).member("microseconds", spent.nanoseconds / 1000);
    json.member("longest_microseconds", spent.longest_nanoseconds / 1000);
    json.end_object();
  }
  json.end_object();
}

void write_what_is_left(Json &json) {
  json.key("objects_left").begin_array();
  for (const auto &[name, object] : chart_objects()) json.value(to_utf8(name));
  json.end_array();
  json.member("sockets_left", open_sockets());
  json.member("winsock_left", open_winsock_sockets());
  json.key("files_left").begin_array();
  for (const std::string &name : files_left_open()) json.value(name);
  json.end_array();
  json.member("comment_last", to_utf8(last_comment()));
  json.member("comment_left", to_utf8(chart_comment()));
  json.member("timer_left", timer().is_set());
}

}  // namespace

void finish_report() {
  report_undeleted_objects();
  const std::string path = config().text("report");
  if (path.empty()) return;
  Json json;
  json.begin_object();
  if (tester_result()) json.member("on_tester", *tester_result());
  write_account(json);
  write_deals(json);
  write_handlers(json);
  write_what_is_left(json);
  json.end_object();
  std::ofstream(native_path(path), std::ios::binary) << json.text() << '\n';
}

}  // namespace mql::host
