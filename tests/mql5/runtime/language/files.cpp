#include "files.hpp"

#include <filesystem>

#include "errors.hpp"
#include "open_file.hpp"
#include "sandbox.hpp"

namespace mql {
namespace {

using host::OpenFile;
using std::filesystem::path;

bool fail(int error) {
  host::set_error(error);
  return false;
}

bool is_common(int flags) { return (flags & FILE_COMMON) != 0; }

// Both names and whether what they name may be written.
bool transfer(const string &from_name, int common_flag, const string &to_name, int mode_flags,
              bool keep_source) {
  const auto from = host::sandboxed(from_name, is_common(common_flag));
  const auto to = host::sandboxed(to_name, is_common(mode_flags));
  if (!from || !to) return false;
  if (!exists(*from)) return fail(ERR_FILE_NOT_EXIST);
  if (is_directory(*from)) return fail(ERR_FILE_IS_DIRECTORY);
  if (exists(*to) && !(mode_flags & FILE_REWRITE)) return fail(ERR_FILE_CANNOT_REWRITE);
  std::error_code error;
  create_directories(to->parent_path(), error);
  if (keep_source)
    copy_file(*from, *to, std::filesystem::copy_options::overwrite_existing, error);
  else
    rename(*from, *to, error);
  return !error || fail(ERR_CANNOT_OPEN_FILE);
}

int open_with(const string &file_name, const OpenFile::Options &options) {
  const auto at = host::sandboxed(file_name, is_common(options.flags));
  if (!at) return INVALID_HANDLE;
  auto file = OpenFile::open(*at, options);
  return file ? host::keep_open(std::move(file)) : INVALID_HANDLE;
}

}  // namespace

int FileOpen(const string &file_name, int open_flags, int16_t delimiter, uint32_t codepage) {
  return open_with(file_name, {open_flags, static_cast<char16_t>(delimiter), codepage});
}

int FileOpen(const string &file_name, int open_flags, const string &delimiter, uint32_t codepage) {
  const char16_t unit = delimiter.length() > 0 ? delimiter.text().front() : u'\0';
  return open_with(file_name, {open_flags, unit, codepage});
}

void FileClose(int file_handle) { host::close_file(file_handle); }

// Nothing waits to be written: every write goes to the system at once.
void FileFlush(int file_handle) { host::open_file(file_handle); }

bool FileSeek(int file_handle, int64_t offset, int origin) {
  OpenFile *file = host::open_file(file_handle);
  if (file == nullptr) return false;
  if (origin == SEEK_CUR) offset += file->tell();
  if (origin == SEEK_END) offset += file->size();
  return file->seek(offset);
}

uint64_t FileTell(int file_handle) {
  const OpenFile *file = host::open_file(file_handle);
  return file != nullptr ? static_cast<uint64_t>(file->tell()) : 0;
}

uint64_t FileSize(int file_handle) {
  OpenFile *file = host::open_file(file_handle);
  return file != nullptr ? static_cast<uint64_t>(file->size()) : 0;
}

bool FileIsEnding(int file_handle) {
  OpenFile *file = host::open_file(file_handle);
  return file == nullptr || file->tell() >= file->size();
}

bool FileIsLineEnding(int file_handle) {
  OpenFile *file = host::open_file(file_handle);
  if (file == nullptr) return true;
  const int unit = file->peek_unit();
  return unit < 0 || unit == u'\r' || unit == u'\n';
}

bool FileIsExist(const string &file_name, int common_flag) {
  const auto at = host::sandboxed(file_name, is_common(common_flag));
  if (!at) return false;
  if (is_directory(*at)) return fail(ERR_FILE_IS_DIRECTORY);
  return exists(*at) || fail(ERR_FILE_NOT_EXIST);
}

bool FileDelete(const string &file_name, int common_flag) {
  const auto at = host::sandboxed(file_name, is_common(common_flag));
  if (!at) return false;
  if (!exists(*at)) return fail(ERR_FILE_NOT_EXIST);
  if (is_directory(*at)) return fail(ERR_FILE_IS_DIRECTORY);
  std::error_code error;
  return remove(*at, error) || fail(ERR_CANNOT_DELETE_FILE);
}

bool FileMove(const string &src_file_name, int common_flag, const string &dst_file_name,
              int mode_flags) {
  return transfer(src_file_name, common_flag, dst_file_name, mode_flags, false);
}

bool FileCopy(const string &src_file_name, int common_flag, const string &dst_file_name,
              int mode_flags) {
  return transfer(src_file_name, common_flag, dst_file_name, mode_flags, true);
}

bool FolderCreate(const string &folder_name, int common_flag) {
  const auto at = host::sandboxed(folder_name, is_common(common_flag));
  if (!at) return false;
  std::error_code error;
  create_directories(*at, error);
  return is_directory(*at) || fail(ERR_WRONG_DIRECTORYNAME);
}

bool FolderDelete(const string &folder_name, int common_flag) {
  const auto at = host::sandboxed(folder_name, is_common(common_flag));
  if (!at) return false;
  if (!exists(*at)) return fail(ERR_DIRECTORY_NOT_EXIST);
  if (!is_directory(*at)) return fail(ERR_FILE_ISNOT_DIRECTORY);
  std::error_code error;
  return remove(*at, error) || fail(ERR_CANNOT_DELETE_DIRECTORY);  // only an empty one
}

bool FolderClean(const string &folder_name, int common_flag) {
  const auto at = host::sandboxed(folder_name, is_common(common_flag));
  if (!at) return false;
  if (!is_directory(*at)) return fail(ERR_DIRECTORY_NOT_EXIST);
  std::error_code error;
  for (const auto &entry : std::filesystem::directory_iterator(*at)) {
    remove_all(entry.path(), error);
    if (error) return fail(ERR_CANNOT_CLEAN_DIRECTORY);
  }
  return true;
}

}  // namespace mql
