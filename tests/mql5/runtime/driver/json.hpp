// Writing JSON: enough for the report.
#pragma once

#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

namespace mql::host {

// Builds one document; commas are its own business.
class Json {
 public:
  Json &begin_object() { return open('{'); }
  Json &end_object() { return close('}'); }
  Json &begin_array() { return open('['); }
  Json &end_array() { return close(']'); }

  Json &key(std::string_view name) {
    value(name);
    text_ += ": ";
    first_ = true;
    return *this;
  }

  Json &value(std::string_view words) {
    separate();
    text_ += '"';
    for (const char each : words) {
      if (each == '"' || each == '\\') text_ += '\\';
      if (static_cast<unsigned char>(each) < 0x20)
        text_ += ' ';  // names and comments: no line breaks to keep
      else
        text_ += each;
    }
    text_ += '"';
    return *this;
  }
  Json &value(const char *words) { return value(std::string_view(words)); }
  Json &value(bool truth) { return raw(truth ? "true" : "false"); }
  Json &value(int64_t number) { return raw(std::to_string(number)); }
  Json &value(int number) { return raw(std::to_string(number)); }
  Json &value(uint64_t number) { return raw(std::to_string(number)); }
  // Shortest digits that read back as the same double; null where JSON has no number for it.
  Json &value(double number) {
    if (!std::isfinite(number)) return raw("null");
    char digits[40];
    const auto end = std::to_chars(digits, digits + sizeof(digits), number).ptr;
    return raw(std::string_view(digits, end));
  }

  template <class T>
  Json &member(std::string_view name, const T &content) {
    return key(name).value(content);
  }

  const std::string &text() const { return text_; }

 private:
  Json &open(char bracket) {
    separate();
    text_ += bracket;
    first_ = true;
    return *this;
  }
  Json &close(char bracket) {
    text_ += bracket;
    first_ = false;
    return *this;
  }
  Json &raw(std::string_view written) {
    separate();
    text_ += written;
    return *this;
  }
  void separate() {
    if (!first_) text_ += ", ";
    first_ = false;
  }

  std::string text_;
  bool first_ = true;
};

}  // namespace mql::host
