#include "information.hpp"

#include "config.hpp"
#include "paths.hpp"
#include "program.hpp"

namespace mql {

int64_t MQLInfoInteger(ENUM_MQL_INFO_INTEGER property) {
  const auto flag = [](const char *key, bool fallback = false) {
    return host::config().flag(key, fallback) ? 1 : 0;
  };
  switch (property) {
    case MQL_PROGRAM_TYPE:
      return host::mode() == host::Mode::script ? PROGRAM_SCRIPT : PROGRAM_EXPERT;
    case MQL_DLLS_ALLOWED:
      return flag("allow_dll");
    case MQL_TRADE_ALLOWED:
      return flag("trade_allowed", true);
    case MQL_TESTER:
      return host::in_tester() ? 1 : 0;
    case MQL_OPTIMIZATION:
      return flag("optimization");
    case MQL_VISUAL_MODE:
      return flag("visual");
    case MQL_DEBUG:
    case MQL_FORWARD:
    case MQL_FRAME_MODE:
      return 0;
  }
  return 0;
}

string MQLInfoString(ENUM_MQL_INFO_STRING) {
  return host::from_utf8(host::config().text("program", "program"));
}

int64_t TerminalInfoInteger(ENUM_TERMINAL_INFO_INTEGER property) {
  switch (property) {
    case TERMINAL_BUILD:
      return 5572;  // the one whose ONNX flags onnx.hpp has
    case TERMINAL_CONNECTED:
    case TERMINAL_X64:
      return 1;
    case TERMINAL_DLLS_ALLOWED:
      return host::config().flag("allow_dll") ? 1 : 0;
    case TERMINAL_TRADE_ALLOWED:
      return host::config().flag("trade_allowed", true) ? 1 : 0;
  }
  return 0;
}

string TerminalInfoString(ENUM_TERMINAL_INFO_STRING property) {
  switch (property) {
    case TERMINAL_LANGUAGE:
      return string(u"English");
    case TERMINAL_COMPANY:
    case TERMINAL_NAME:
      return string(u"EABridge host");
    case TERMINAL_DATA_PATH:
      return host::from_utf8(
          host::path_text(host::native_path(host::config().text("data_folder")).parent_path()));
    case TERMINAL_COMMONDATA_PATH:
      return host::from_utf8(host::config().text("common_folder"));
  }
  return null;
}

}  // namespace mql
