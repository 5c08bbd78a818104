#include "sandbox.hpp"

#include <algorithm>
#include <string>

#include "config.hpp"
#include "errors.hpp"
#include "paths.hpp"

namespace mql::host {
namespace {

constexpr int kLongestName = 260;  // Windows' MAX_PATH
constexpr char16_t kForbidden[] = u":*?\"<>|";

}  // namespace

std::filesystem::path files_folder(bool common) {
  const char *key = common                         ? "common_folder"
                    : config().has("agent_folder") ? "agent_folder"
                                                   : "data_folder";
  if (!config().has(key)) bad_configuration(std::string("no ") + key + " is set");
  return native_path(config().text(key)) / "Files";
}

std::optional<std::filesystem::path> sandboxed(const string &name, bool common) {
  std::u16string text = name.text();
  std::replace(text.begin(), text.end(), u'\\', u'/');
  const std::filesystem::path inside = std::filesystem::path(text).lexically_normal();
  const bool is_outside = text.empty() || text.front() == u'/' || inside.begin()->string() == "..";
  if (is_outside || text.find_first_of(kForbidden) != std::u16string::npos) {
    set_error(ERR_WRONG_FILENAME);
    return std::nullopt;
  }
  if (name.length() > kLongestName) {
    set_error(ERR_TOO_LONG_FILENAME);
    return std::nullopt;
  }
  return files_folder(common) / inside;
}

}  // namespace mql::host
