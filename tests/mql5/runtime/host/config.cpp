#include "config.hpp"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "paths.hpp"

namespace mql::host {
namespace {

constexpr int kExitBadConfiguration = 5;
constexpr std::string_view kInput = "input.";

std::string unescaped(std::string_view value) {
  std::string text;
  for (size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '\\' && i + 1 < value.size())
      text += value[++i] == 'n' ? '\n' : value[i];
    else
      text += value[i];
  }
  return text;
}

template <class T>
T parsed(std::string_view key, const std::string &value) {
  T number{};
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc{} || end != value.data() + value.size())
    bad_configuration(std::string(key) + " is no number: " + value);
  return number;
}

}  // namespace

Config::Config() {
  const char *path = std::getenv("MQL_HOST");
  if (path == nullptr) bad_configuration("the variable MQL_HOST does not name a file");
  std::ifstream file(native_path(path));
  if (!file) bad_configuration(std::string("cannot read ") + path);
  for (std::string line; std::getline(file, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    const size_t equals = line.find('=');
    if (equals == std::string::npos) bad_configuration("no key=value: " + line);
    values_[line.substr(0, equals)] = unescaped(std::string_view(line).substr(equals + 1));
  }
}

std::string Config::text(std::string_view key, std::string_view fallback) const {
  const auto found = values_.find(key);
  return found == values_.end() ? std::string(fallback) : found->second;
}

int64_t Config::integer(std::string_view key, int64_t fallback) const {
  const auto found = values_.find(key);
  return found == values_.end() ? fallback : parsed<int64_t>(key, found->second);
}

double Config::number(std::string_view key, double fallback) const {
  const auto found = values_.find(key);
  return found == values_.end() ? fallback : parsed<double>(key, found->second);
}

bool Config::flag(std::string_view key, bool fallback) const {
  return integer(key, fallback ? 1 : 0) != 0;
}

const std::string *Config::input(const std::string &name) const {
  asked_[name] = true;
  const auto found = values_.find(std::string(kInput) + name);
  return found == values_.end() ? nullptr : &found->second;
}

std::vector<std::string> Config::inputs_never_asked() const {
  std::vector<std::string> names;
  for (const auto &[key, value] : values_)
    if (key.starts_with(kInput) && !asked_.contains(key.substr(kInput.size())))
      names.push_back(key.substr(kInput.size()));
  return names;
}

const Config &config() {
  static const Config &read = *new Config;
  return read;
}

void bad_configuration(std::string_view what) {
  std::fprintf(stderr, "bad configuration: %.*s\n", static_cast<int>(what.size()), what.data());
  std::fflush(stderr);
  std::_Exit(kExitBadConfiguration);
}

}  // namespace mql::host
