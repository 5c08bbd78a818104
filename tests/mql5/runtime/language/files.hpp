// MQL5's File* functions, inside the sandbox (see sandbox.hpp).
#pragma once

#include <cstdint>
#include <type_traits>

#include "arrays.hpp"
#include "conversion.hpp"
#include "format.hpp"

// MQL5 has these as an enumeration; C's macros of the same values may come before or after.
#undef SEEK_SET
#undef SEEK_CUR
#undef SEEK_END

namespace mql {

inline constexpr int FILE_READ = 1;
inline constexpr int FILE_WRITE = 2;
inline constexpr int FILE_BIN = 4;
inline constexpr int FILE_CSV = 8;
inline constexpr int FILE_TXT = 16;
inline constexpr int FILE_ANSI = 32;
inline constexpr int FILE_UNICODE = 64;
inline constexpr int FILE_SHARE_READ = 128;
inline constexpr int FILE_SHARE_WRITE = 256;
inline constexpr int FILE_REWRITE = 512;
inline constexpr int FILE_COMMON = 4096;

inline constexpr int CHAR_VALUE = 1;
inline constexpr int SHORT_VALUE = 2;
inline constexpr int INT_VALUE = 4;

enum ENUM_FILE_POSITION : int32_t { SEEK_SET = 0, SEEK_CUR = 1, SEEK_END = 2 };

int FileOpen(const string &file_name, int open_flags, int16_t delimiter = u'\t',
             uint32_t codepage = CP_ACP);
int FileOpen(const string &file_name, int open_flags, const string &delimiter,
             uint32_t codepage = CP_ACP);
void FileClose(int file_handle);
void FileFlush(int file_handle);

bool FileSeek(int file_handle, int64_t offset, int origin);
uint64_t FileTell(int file_handle);
uint64_t FileSize(int file_handle);
bool FileIsEnding(int file_handle);
bool FileIsLineEnding(int file_handle);

bool FileIsExist(const string &file_name, int common_flag = 0);
bool FileDelete(const string &file_name, int common_flag = 0);
bool FileMove(const string &src_file_name, int common_flag, const string &dst_file_name,
              int mode_flags);
bool FileCopy(const string &src_file_name, int common_flag, const string &dst_file_name,
              int mode_flags);
bool FolderCreate(const string &folder_name, int common_flag = 0);
bool FolderDelete(const string &folder_name, int common_flag = 0);
bool FolderClean(const string &folder_name, int common_flag = 0);

// Binary files. A read that finds too little gives 0 and sets the last error.
double FileReadDouble(int file_handle);
float FileReadFloat(int file_handle);
int FileReadInteger(int file_handle, int size = INT_VALUE);
int64_t FileReadLong(int file_handle);
uint32_t FileWriteDouble(int file_handle, double value);
uint32_t FileWriteFloat(int file_handle, float value);
uint32_t FileWriteInteger(int file_handle, int value, int size = INT_VALUE);
uint32_t FileWriteLong(int file_handle, int64_t value);

// In binary files `length` characters; else to the end of the line or the delimiter.
string FileReadString(int file_handle, int length = -1);
uint32_t FileWriteString(int file_handle, const string &text, int length = -1);

// Text files.
bool FileReadBool(int file_handle);
datetime FileReadDatetime(int file_handle);
double FileReadNumber(int file_handle);

namespace host {

// Bytes read or written; less than asked, with the last error set, where that failed.
size_t read_bytes(int file_handle, void *bytes, size_t count);
size_t write_bytes(int file_handle, const void *bytes, size_t count);
int64_t bytes_left(int file_handle);
uint32_t write_line(int file_handle, Arguments values);

template <class T>
constexpr void check_layout() {
  static_assert(std::is_trivially_copyable_v<T>, "files take no strings and no dynamic arrays");
  static_assert(sizeof(T) == packed_size<T>, "this structure's padding is not in MQL5's file");
}

}  // namespace host

// The elements read. A dynamic array grows to hold them; WHOLE_ARRAY reads to the end of the file,
// or fills an array of fixed size.
template <AnyArray A>
uint32_t FileReadArray(int file_handle, A &array, int start = 0, int count = WHOLE_ARRAY) {
  using T = host::ScalarOf<A>;
  host::check_layout<T>();
  if (start < 0) return 0;
  const bool has_room = count >= 0 && start <= ArraySize(array) - count;
  if (!has_room) {
    const int64_t there = host::bytes_left(file_handle) / static_cast<int64_t>(sizeof(T));
    const int64_t wanted = count >= 0           ? count
                           : array.is_dynamic() ? there
                                                : std::max(ArraySize(array) - start, 0);
    count = static_cast<int>(std::min(wanted, there));
    if (start > ArraySize(array) - count && ArrayResize(array, start + count) < 0) return 0;
  }
  if (count == 0) return 0;
  return static_cast<uint32_t>(host::read_bytes(file_handle, host::scalars(array) + start,
                                                static_cast<size_t>(count) * sizeof(T)) /
                               sizeof(T));
}

template <AnyArray A>
uint32_t FileWriteArray(int file_handle, const A &array, int start = 0, int count = WHOLE_ARRAY) {
  using T = host::ScalarOf<A>;
  host::check_layout<T>();
  const int wanted = host::counted(ArraySize(array), start, count);
  if (wanted <= 0) return 0;
  return static_cast<uint32_t>(host::write_bytes(file_handle, host::scalars(array) + start,
                                                 static_cast<size_t>(wanted) * sizeof(T)) /
                               sizeof(T));
}

// The bytes read or written.
template <class T>
uint32_t FileReadStruct(int file_handle, T &structure, int size = -1) {
  host::check_layout<T>();
  const size_t wanted = size < 0 ? sizeof(T) : std::min(sizeof(T), static_cast<size_t>(size));
  return static_cast<uint32_t>(host::read_bytes(file_handle, &structure, wanted));
}

template <class T>
uint32_t FileWriteStruct(int file_handle, const T &structure, int size = -1) {
  host::check_layout<T>();
  const size_t wanted = size < 0 ? sizeof(T) : std::min(sizeof(T), static_cast<size_t>(size));
  return static_cast<uint32_t>(host::write_bytes(file_handle, &structure, wanted));
}

// A whole file into an array or out of it: the elements, or -1.
template <AnyArray A>
int64_t FileLoad(const string &file_name, A &array, int common_flag = 0) {
  const int handle = FileOpen(file_name, FILE_READ | FILE_BIN | FILE_SHARE_READ | common_flag);
  if (handle == INVALID_HANDLE) return -1;
  const uint32_t read = FileReadArray(handle, array);
  FileClose(handle);
  return read;
}

template <AnyArray A>
bool FileSave(const string &file_name, const A &array, int common_flag = 0) {
  const int handle = FileOpen(file_name, FILE_WRITE | FILE_BIN | common_flag);
  if (handle == INVALID_HANDLE) return false;
  const uint32_t written = FileWriteArray(handle, array);
  FileClose(handle);
  return written == static_cast<uint32_t>(ArraySize(array));
}

// One line of a CSV or text file: the values, with the delimiter between them.
template <class... A>
uint32_t FileWrite(int file_handle, const A &...values) {
  return host::write_line(file_handle, host::arguments(values...));
}

}  // namespace mql
