#include "open_file.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include "errors.hpp"
#include "files.hpp"
#include "paths.hpp"

namespace mql::host {
namespace {

constexpr size_t kMostFiles = 64;
constexpr unsigned char kUtf16Mark[] = {0xFF, 0xFE};
constexpr unsigned char kUtf8Mark[] = {0xEF, 0xBB, 0xBF};

using Table = std::array<std::unique_ptr<OpenFile>, kMostFiles>;

Table &table() {
  static Table &files = *new Table;
  return files;
}

// Two handles on one file: each must allow what the other does, as Windows has it.
bool may_share(int one, int other) {
  const auto allows = [](int flags, int access) {
    if ((access & FILE_READ) && !(flags & FILE_SHARE_READ)) return false;
    return !(access & FILE_WRITE) || (flags & FILE_SHARE_WRITE) != 0;
  };
  return allows(one, other) && allows(other, one);
}

bool is_shared_badly(const std::filesystem::path &path, int flags) {
  for (const auto &file : table())
    if (file && file->path() == path && !may_share(file->options().flags, flags)) return true;
  return false;
}

DiskFile::Access access(int flags) {
  if (!(flags & FILE_WRITE)) return DiskFile::Access::read;
  return flags & FILE_READ ? DiskFile::Access::read_and_write : DiskFile::Access::write_anew;
}

}  // namespace

std::unique_ptr<OpenFile> OpenFile::open(const std::filesystem::path &path,
                                         const Options &options) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    set_error(ERR_FILE_IS_DIRECTORY);
    return nullptr;
  }
  if (options.flags & FILE_WRITE) std::filesystem::create_directories(path.parent_path(), ignored);
  std::unique_ptr<DiskFile> file;
  if ((options.flags & (FILE_READ | FILE_WRITE)) && !is_shared_badly(path, options.flags))
    file = DiskFile::open(path, access(options.flags));
  if (!file) {
    set_error(ERR_CANNOT_OPEN_FILE);
    return nullptr;
  }
  std::unique_ptr<OpenFile> opened(new OpenFile(std::move(file), path, options));
  if (options.flags & (FILE_TXT | FILE_CSV)) opened->start_text();
  return opened;
}

OpenFile::OpenFile(std::unique_ptr<DiskFile> file, const std::filesystem::path &path,
                   const Options &options)
    : file_(std::move(file)),
      path_(path),
      options_(options),
      is_unicode_((options.flags & FILE_UNICODE) || !(options.flags & FILE_ANSI)) {}

// A text's first bytes say how it is written; a new one in UTF-16 gets them.
void OpenFile::start_text() {
  if (size() == 0) {
    if (is_unicode_ && has(FILE_WRITE)) write(kUtf16Mark, sizeof kUtf16Mark);
    return;
  }
  if (!has(FILE_READ)) return;
  unsigned char start[3] = {};
  const size_t length = read(start, sizeof start);
  const auto starts_with = [&](const auto &mark) {
    return length >= std::size(mark) && std::equal(std::begin(mark), std::end(mark), start);
  };
  seek(0);
  if (starts_with(kUtf16Mark)) {
    is_unicode_ = true;
    seek(sizeof kUtf16Mark);
  } else if (starts_with(kUtf8Mark)) {
    is_unicode_ = false;
    options_.codepage = CP_UTF8;
    seek(sizeof kUtf8Mark);
  }
}

size_t OpenFile::read(void *bytes, size_t count) {
  constexpr size_t kSmall = 512;
  constexpr size_t kAhead = 4096;
  size_t got = 0;
  if (count > kSmall) {
    got = file_->read(position_, bytes, count);
  } else {
    const auto covered = [&] {
      const int64_t end = ahead_from_ + static_cast<int64_t>(ahead_.size());
      return position_ >= ahead_from_ && position_ + static_cast<int64_t>(count) <= end;
    };
    if (!covered()) {
      ahead_.resize(kAhead);
      ahead_from_ = position_;
      ahead_.resize(file_->read(position_, ahead_.data(), kAhead));
    }
    const auto start = static_cast<size_t>(position_ - ahead_from_);
    got = ahead_.copy(static_cast<char *>(bytes), count, start);
  }
  position_ += static_cast<int64_t>(got);
  return got;
}

size_t OpenFile::write(const void *bytes, size_t count) {
  ahead_.clear();
  const size_t written = file_->write(position_, bytes, count);
  position_ += static_cast<int64_t>(written);
  return written;
}

bool OpenFile::seek(int64_t position) {
  if (position < 0) return false;
  position_ = position;
  return true;
}

int OpenFile::take_unit() {
  unsigned char bytes[2] = {};
  const size_t width = is_unicode_ ? 2 : 1;
  if (read(bytes, width) < width) return -1;
  return bytes[0] | (bytes[1] << 8);
}

int OpenFile::peek_unit() {
  const int64_t at = position_;
  const int unit = take_unit();
  position_ = at;
  return unit;
}

void OpenFile::write_text(std::u16string_view text) {
  std::string bytes;
  if (is_unicode_) {
    for (const char16_t unit : text) {
      bytes += static_cast<char>(unit & 0xFF);
      bytes += static_cast<char>(unit >> 8);
    }
  } else {
    bytes = options_.codepage == CP_UTF8 ? to_utf8(text) : to_ansi(text);
  }
  write(bytes.data(), bytes.size());
}

int keep_open(std::unique_ptr<OpenFile> file) {
  for (size_t i = 0; i < kMostFiles; ++i) {
    if (table()[i]) continue;
    table()[i] = std::move(file);
    return static_cast<int>(i) + 1;
  }
  set_error(ERR_TOO_MANY_FILES);
  return INVALID_HANDLE;
}

OpenFile *open_file(int handle) {
  const auto i = static_cast<size_t>(handle) - 1;
  if (i < kMostFiles && table()[i]) return table()[i].get();
  set_error(ERR_INVALID_FILEHANDLE);
  return nullptr;
}

void close_file(int handle) {
  if (open_file(handle) != nullptr) table()[static_cast<size_t>(handle) - 1].reset();
}

std::vector<std::string> files_left_open() {
  std::vector<std::string> names;
  for (const auto &file : table())
    if (file) names.push_back(path_text(file->path()));
  return names;
}

}  // namespace mql::host
