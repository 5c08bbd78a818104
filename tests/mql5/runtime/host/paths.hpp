// Paths as UTF-8, whatever the system's own form is.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace mql::host {

inline std::filesystem::path native_path(std::string_view utf8) {
  return std::filesystem::path(std::u8string(utf8.begin(), utf8.end()));
}

inline std::string path_text(const std::filesystem::path &path) {
  const std::u8string text = path.u8string();
  return std::string(text.begin(), text.end());
}

}  // namespace mql::host
