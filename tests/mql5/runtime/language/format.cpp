#include "format.hpp"

#include <cstdio>
#include <string>

namespace mql::host {
namespace {

// One `%[flags][width][.precision][size]type`, its parts in ASCII.
struct Conversion {
  std::string shape = "%";  // flags, width and precision, as C takes them
  bool wide = false;        // an integer of 64 bits is asked for
  char type = 0;
};

[[noreturn]] void refuse(const string &format, const std::string &why) {
  critical("StringFormat: " + why + " in \"" + to_utf8(format) + "\"");
}

class Formatter {
 public:
  Formatter(const string &format, Arguments arguments) : format_(format), arguments_(arguments) {}

  string run() {
    const std::u16string &text = format_.text();
    while (at_ < text.size()) {
      const size_t percent = text.find(u'%', at_);
      written_.append(text, at_, percent - at_);
      if (percent == std::u16string::npos) break;
      at_ = percent + 1;
      if (at_ < text.size() && text[at_] == u'%') {
        written_ += u'%';
        ++at_;
      } else {
        write(conversion());
      }
    }
    if (taken_ < arguments_.size()) refuse(format_, "more arguments than conversions");
    return string(std::move(written_));
  }

 private:
  char peek(size_t ahead = 0) const {
    const std::u16string &text = format_.text();
    const char16_t unit = at_ + ahead < text.size() ? text[at_ + ahead] : u'\0';
    return unit < 0x80 ? static_cast<char>(unit) : '\x7f';
  }

  char take() {
    const char taken = peek();
    ++at_;
    return taken;
  }

  bool skip(std::string_view word) {
    for (size_t i = 0; i < word.size(); ++i)
      if (peek(i) != word[i]) return false;
    at_ += word.size();
    return true;
  }

  void digits(std::string &shape) {
    if (skip("*")) {
      const Argument &width = next();
      if (width.kind() != Argument::Kind::integer) refuse(format_, "* takes an integer");
      shape += std::to_string(width.integer());
    }
    while (peek() >= '0' && peek() <= '9') shape += take();
  }

  Conversion conversion() {
    Conversion found;
    while (peek() == '-' || peek() == '+' || peek() == ' ' || peek() == '0' || peek() == '#')
      found.shape += take();
    digits(found.shape);
    if (skip(".")) {
      found.shape += '.';
      digits(found.shape);
    }
    if (skip("I64") || skip("ll"))
      found.wide = true;
    else if (!skip("I32") && !skip("hh") && !skip("h"))
      skip("l");
    found.type = take();
    return found;
  }

  const Argument &next() {
    if (taken_ == arguments_.size()) refuse(format_, "fewer arguments than conversions");
    return arguments_[taken_++];
  }

  template <class... Values>
  void print(const std::string &shape, Values... values) {
    const int length = std::snprintf(nullptr, 0, shape.c_str(), values...);
    std::string bytes(static_cast<size_t>(length) + 1, '\0');
    std::snprintf(bytes.data(), bytes.size(), shape.c_str(), values...);
    bytes.pop_back();
    written_.append(bytes.begin(), bytes.end());
  }

  void write(const Conversion &wanted) {
    const Argument &argument = next();
    const auto position = " (argument " + std::to_string(taken_) + ")";
    switch (wanted.type) {
      case 'd':
      case 'i':
      case 'u':
      case 'x':
      case 'X':
      case 'o': {
        if (argument.kind() != Argument::Kind::integer && argument.kind() != Argument::Kind::flag)
          refuse(format_, std::string("%") + wanted.type + " takes an integer" + position);
        if (argument.is_wide() && !wanted.wide)
          refuse(format_, std::string("%") + wanted.type + " has 32 bits, write %I64" +
                              wanted.type + position);
        const std::string shape = wanted.shape + "ll" + wanted.type;
        const bool is_signed = wanted.type == 'd' || wanted.type == 'i';
        const auto value = static_cast<unsigned long long>(argument.integer());
        if (is_signed)
          print(shape, wanted.wide ? static_cast<long long>(value)
                                   : static_cast<long long>(static_cast<int32_t>(value)));
        else
          print(shape, wanted.wide ? value : value & 0xFFFFFFFFu);
        return;
      }
      case 'e':
      case 'E':
      case 'f':
      case 'g':
      case 'G':
      case 'a':
      case 'A':
        if (argument.kind() != Argument::Kind::real)
          refuse(format_, std::string("%") + wanted.type + " takes a double" + position);
        print(wanted.shape + wanted.type, argument.real());
        return;
      case 's':
      case 'S':
        if (argument.kind() != Argument::Kind::text)
          refuse(format_, "%s takes a string" + position);
        write_text(wanted.shape, argument.text().text());
        return;
      case 'c':
      case 'C':
        if (argument.kind() != Argument::Kind::integer)
          refuse(format_, "%c takes a character" + position);
        written_ += static_cast<char16_t>(argument.integer());
        return;
      default:
        refuse(format_, "a conversion that MQL5 does not have" + position);
    }
  }

  // Width and precision count UTF-16 units, so C's own %s will not do.
  void write_text(const std::string &shape, std::u16string_view text) {
    const bool left = shape.find('-') != std::string::npos;
    const size_t point = shape.find('.');
    if (point != std::string::npos)
      text = text.substr(0, static_cast<size_t>(std::atoi(shape.c_str() + point + 1)));
    const size_t digit = shape.find_first_of("123456789");
    size_t width = 0;
    if (digit != std::string::npos && digit < point)
      width = static_cast<size_t>(std::atoi(shape.c_str() + digit));
    const std::u16string padding(width > text.size() ? width - text.size() : 0, u' ');
    if (!left) written_ += padding;
    written_ += text;
    if (left) written_ += padding;
  }

  const string &format_;
  Arguments arguments_;
  size_t at_ = 0;
  size_t taken_ = 0;
  std::u16string written_;
};

}  // namespace

string Argument::plain() const {
  switch (kind_) {
    case Kind::flag:
      return number_text(integer_ != 0);
    case Kind::integer:
      return is_signed_ ? number_text(integer_) : number_text(static_cast<uint64_t>(integer_));
    case Kind::real:
      return is_float_ ? number_text(static_cast<float>(real_)) : number_text(real_);
    case Kind::text:
      return *text_;
  }
  return null;
}

string formatted(const string &format, Arguments arguments) {
  return Formatter(format, arguments).run();
}

string joined(Arguments arguments) {
  string all;
  for (const Argument &argument : arguments) all += argument.plain();
  return all;
}

}  // namespace mql::host
