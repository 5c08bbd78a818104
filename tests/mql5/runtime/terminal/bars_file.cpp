#include "bars_file.hpp"

#include <charconv>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string_view>

#include "config.hpp"
#include "string.hpp"

namespace mql::host {
namespace {

using Columns = std::vector<std::string_view>;

// The file's text as UTF-8, whichever of the terminal's encodings it has.
std::string read_text(const std::string &path) {
  std::ifstream file(std::filesystem::path(std::u8string(path.begin(), path.end())),
                     std::ios::binary);
  if (!file) bad_configuration("cannot read the bars in " + path);
  std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (bytes.starts_with("\xFF\xFE")) {
    std::u16string text;
    for (std::size_t i = 2; i + 1 < bytes.size(); i += 2)
      text += static_cast<char16_t>(static_cast<unsigned char>(bytes[i]) |
                                    static_cast<unsigned char>(bytes[i + 1]) << 8);
    return to_utf8(text);
  }
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.erase(0, 3);
  return bytes;
}

Columns split(std::string_view line) {
  Columns columns;
  for (;;) {
    const std::size_t tab = line.find('\t');
    columns.push_back(line.substr(0, tab));
    if (tab == line.npos) return columns;
    line.remove_prefix(tab + 1);
  }
}

template <class T>
bool parse(std::string_view text, T &value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

bool parse_date_and_time(std::string_view date, std::string_view time, int64_t &seconds) {
  int year = 0, hour = 0, minute = 0, second = 0;
  unsigned month = 0, day = 0;
  if (date.size() != 10 || !parse(date.substr(0, 4), year) || !parse(date.substr(5, 2), month) ||
      !parse(date.substr(8, 2), day))
    return false;
  if (!time.empty()) {
    if (time.size() < 5 || !parse(time.substr(0, 2), hour) || !parse(time.substr(3, 2), minute))
      return false;
    if (time.size() == 8 && !parse(time.substr(6, 2), second)) return false;
  }
  using namespace std::chrono;
  const year_month_day calendar{std::chrono::year(year), std::chrono::month(month),
                                std::chrono::day(day)};
  if (!calendar.ok()) return false;
  seconds =
      sys_days(calendar).time_since_epoch().count() * 86400LL + hour * 3600 + minute * 60 + second;
  return true;
}

// Which column holds what, by the header's names.
class Layout {
 public:
  Layout(const Columns &header, const std::string &path) {
    for (std::size_t i = 0; i < header.size(); ++i) places_[std::string(header[i])] = i;
    for (const char *name : {"<DATE>", "<OPEN>", "<HIGH>", "<LOW>", "<CLOSE>"})
      if (!places_.contains(name)) bad_configuration(path + " has no column " + name);
  }

  std::string_view text(const Columns &row, const char *name) const {
    const auto place = places_.find(name);
    return place == places_.end() || place->second >= row.size() ? std::string_view()
                                                                 : row[place->second];
  }

  template <class T>
  bool number(const Columns &row, const char *name, T &value) const {
    return parse(text(row, name), value);
  }

  bool read(const Columns &row, Bar &bar) const {
    // Exports differ in the last three columns: absent ones are 0.
    number(row, "<TICKVOL>", bar.tick_volume);
    number(row, "<VOL>", bar.real_volume);
    number(row, "<SPREAD>", bar.spread);
    return parse_date_and_time(text(row, "<DATE>"), text(row, "<TIME>"), bar.time) &&
           number(row, "<OPEN>", bar.open) && number(row, "<HIGH>", bar.high) &&
           number(row, "<LOW>", bar.low) && number(row, "<CLOSE>", bar.close);
  }

 private:
  std::map<std::string, std::size_t> places_;
};

}  // namespace

std::vector<Bar> read_bars(const std::string &path) {
  const std::string text = read_text(path);
  std::string_view rest = text;
  const auto next_line = [&rest] {
    const std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  };
  const Layout layout(split(next_line()), path);
  std::vector<Bar> bars;
  for (int number = 2; !rest.empty(); ++number) {
    const std::string_view line = next_line();
    if (line.empty()) continue;
    Bar bar;
    if (!layout.read(split(line), bar) || (!bars.empty() && bar.time <= bars.back().time))
      bad_configuration(path + ", line " + std::to_string(number) +
                        " is no bar, or not later than the one before");
    bars.push_back(bar);
  }
  return bars;
}

int64_t parse_time(const std::string &text) {
  int64_t seconds = 0;
  const std::size_t space = text.find(' ');
  const std::string_view whole = text;
  if (parse(whole, seconds) ||
      parse_date_and_time(whole.substr(0, space),
                          space == text.npos ? std::string_view() : whole.substr(space + 1),
                          seconds))
    return seconds;
  bad_configuration("\"" + text + "\" is no time: write 2020.01.31 10:00");
}

}  // namespace mql::host
