#include "print.hpp"

#include "journal.hpp"

namespace mql::host {
namespace {

struct Comments {
  string shown;
  string last;
};

Comments &comments() {
  static Comments &kept = *new Comments;
  return kept;
}

}  // namespace

void print(const string &line) { journal(to_utf8(line)); }
void alert(const string &line) { journal("Alert: " + to_utf8(line)); }

void comment(const string &text) {
  comments().shown = text;
  if (text.length() > 0) comments().last = text;
}

const string &chart_comment() { return comments().shown; }
const string &last_comment() { return comments().last; }

}  // namespace mql::host
