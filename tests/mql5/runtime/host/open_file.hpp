// The files that a program has open.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "disk_file.hpp"

namespace mql::host {

class OpenFile {
 public:
  struct Options {
    int flags = 0;  // MQL5's FILE_*
    char16_t delimiter = u'\t';
    uint32_t codepage = 0;
  };

  // Null, with the last error set, where it cannot be opened as asked.
  static std::unique_ptr<OpenFile> open(const std::filesystem::path &path, const Options &options);

  const std::filesystem::path &path() const { return path_; }
  const Options &options() const { return options_; }
  bool has(int flag) const { return (options_.flags & flag) != 0; }
  // Text is in UTF-16, not in the bytes of the code page.
  bool is_unicode() const { return is_unicode_; }

  size_t read(void *bytes, size_t count);
  size_t write(const void *bytes, size_t count);
  bool seek(int64_t position);
  int64_t tell() const { return position_; }
  int64_t size() const { return file_->size(); }

  // The next unit of text without taking it, and taking it; -1 at the end.
  int peek_unit();
  int take_unit();
  void write_text(std::u16string_view text);

 private:
  OpenFile(std::unique_ptr<DiskFile> file, const std::filesystem::path &path,
           const Options &options);
  void start_text();

  std::unique_ptr<DiskFile> file_;
  std::filesystem::path path_;
  Options options_;
  bool is_unicode_;
  int64_t position_ = 0;
  std::string ahead_;  // bytes read in advance, for small reads
  int64_t ahead_from_ = 0;
};

// By handle, from 1. At most 64 at a time.
int keep_open(std::unique_ptr<OpenFile> file);
// Null, with the last error set, where the handle is none.
OpenFile *open_file(int handle);
void close_file(int handle);
// What would have to be closed: for reports at the program's end.
std::vector<std::string> files_left_open();

}  // namespace mql::host
