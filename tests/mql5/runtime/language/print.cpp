#include "print.hpp"

#include "journal.hpp"

namespace mql::host {
namespace {

string &shown() {
  static string &text = *new string;
  return text;
}

}  // namespace

void print(const string &line) { journal(to_utf8(line)); }
void alert(const string &line) { journal("Alert: " + to_utf8(line)); }
void comment(const string &text) { shown() = text; }
const string &chart_comment() { return shown(); }

}  // namespace mql::host
