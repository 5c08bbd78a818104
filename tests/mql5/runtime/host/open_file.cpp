#include "open_file.hpp"

#include <array>

#ifdef _WIN32
#include <io.h>
#else
#include <sys/stat.h>
#endif

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

std::FILE *open_stream(const std::filesystem::path &path, const char *mode) {
#ifdef _WIN32
  const std::wstring wide(mode, mode + std::char_traits<char>::length(mode));
  return _wfopen(path.c_str(), wide.c_str());
#else
  return std::fopen(path.c_str(), mode);
#endif
}

int seek_stream(std::FILE *file, int64_t offset, int origin) {
#ifdef _WIN32
  return _fseeki64(file, offset, origin);
#else
  return fseeko(file, offset, origin);
#endif
}

int64_t tell_stream(std::FILE *file) {
#ifdef _WIN32
  return _ftelli64(file);
#else
  return ftello(file);
#endif
}

int64_t stream_size(std::FILE *file) {
#ifdef _WIN32
  return _filelengthi64(_fileno(file));
#else
  struct stat about = {};
  return fstat(fileno(file), &about) == 0 ? about.st_size : 0;
#endif
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

const char *stream_mode(const std::filesystem::path &path, int flags) {
  if (!(flags & FILE_WRITE)) return "rb";
  if (!(flags & FILE_READ)) return "wb";
  return std::filesystem::exists(path) ? "r+b" : "w+b";
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
  std::FILE *file = nullptr;
  if ((options.flags & (FILE_READ | FILE_WRITE)) && !is_shared_badly(path, options.flags))
    file = open_stream(path, stream_mode(path, options.flags));
  if (file == nullptr) {
    set_error(ERR_CANNOT_OPEN_FILE);
    return nullptr;
  }
  std::unique_ptr<OpenFile> opened(new OpenFile(file, path, options));
  if (options.flags & (FILE_TXT | FILE_CSV)) opened->start_text();
  return opened;
}

OpenFile::OpenFile(std::FILE *file, const std::filesystem::path &path, const Options &options)
    : file_(file),
      path_(path),
      options_(options),
      is_unicode_((options.flags & FILE_UNICODE) || !(options.flags & FILE_ANSI)) {}

OpenFile::~OpenFile() { std::fclose(file_); }

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
  size_t mark = 0;
  if (starts_with(kUtf16Mark)) {
    is_unicode_ = true;
    mark = sizeof kUtf16Mark;
  } else if (starts_with(kUtf8Mark)) {
    is_unicode_ = false;
    options_.codepage = CP_UTF8;
    mark = sizeof kUtf8Mark;
  }
  seek(static_cast<int64_t>(mark), SEEK_SET);
}

// C's streams want a seek between reading and writing.
void OpenFile::turn_to(Last next) {
  if (last_ != Last::nothing && last_ != next) seek_stream(file_, 0, SEEK_CUR);
  last_ = next;
}

size_t OpenFile::read(void *bytes, size_t count) {
  turn_to(Last::read);
  return std::fread(bytes, 1, count, file_);
}

size_t OpenFile::write(const void *bytes, size_t count) {
  turn_to(Last::write);
  return std::fwrite(bytes, 1, count, file_);
}

bool OpenFile::seek(int64_t offset, int origin) {
  last_ = Last::nothing;
  return seek_stream(file_, offset, origin) == 0;
}

int64_t OpenFile::tell() const { return tell_stream(file_); }

int64_t OpenFile::size() {
  if (last_ == Last::write) flush();
  return stream_size(file_);
}

void OpenFile::flush() { std::fflush(file_); }

int OpenFile::take_unit() {
  unsigned char bytes[2] = {};
  const size_t width = is_unicode_ ? 2 : 1;
  if (read(bytes, width) < width) return -1;
  return bytes[0] | (bytes[1] << 8);
}

int OpenFile::peek_unit() {
  const int64_t at = tell();
  const int unit = take_unit();
  seek(at, SEEK_SET);
  return unit;
}

void OpenFile::write_text(std::u16string_view text) {
  if (is_unicode_) {
    for (const char16_t unit : text) {
      const unsigned char bytes[] = {static_cast<unsigned char>(unit & 0xFF),
                                     static_cast<unsigned char>(unit >> 8)};
      write(bytes, sizeof bytes);
    }
  } else {
    const std::string bytes = options_.codepage == CP_UTF8 ? to_utf8(text) : to_ansi(text);
    write(bytes.data(), bytes.size());
  }
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
