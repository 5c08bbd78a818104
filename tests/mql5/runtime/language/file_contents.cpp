// What is read from open files and written to them.
#include "errors.hpp"
#include "files.hpp"
#include "open_file.hpp"

namespace mql {
namespace {

using host::OpenFile;

// The open file if it may be used so; else null, with the last error set.
OpenFile *usable(int handle, int access, int kinds, int error_of_kind) {
  OpenFile *file = host::open_file(handle);
  if (file == nullptr) return nullptr;
  if (!file->has(access))
    host::set_error(access == FILE_READ ? ERR_FILE_NOTTOREAD : ERR_FILE_NOTTOWRITE);
  else if (!file->has(kinds))
    host::set_error(error_of_kind);
  else
    return file;
  return nullptr;
}

OpenFile *binary(int handle, int access) {
  return usable(handle, access, FILE_BIN, ERR_FILE_NOTBIN);
}

template <class T>
T read_value(int handle) {
  T value{};
  host::read_bytes(handle, &value, sizeof value);
  return value;
}

template <class T>
uint32_t write_value(int handle, T value) {
  return static_cast<uint32_t>(host::write_bytes(handle, &value, sizeof value));
}

string decoded(const OpenFile &file, const std::string &bytes) {
  return file.options().codepage == CP_UTF8 ? host::from_utf8(bytes) : host::from_ansi(bytes);
}

string read_characters(OpenFile &file, int count) {
  std::u16string units;
  std::string bytes;
  for (int i = 0; i < count; ++i) {
    const int unit = file.take_unit();
    if (unit < 0) {
      host::set_error(ERR_FILE_READERROR);
      break;
    }
    if (file.is_unicode())
      units += static_cast<char16_t>(unit);
    else
      bytes += static_cast<char>(unit);
  }
  return file.is_unicode() ? string(std::move(units)) : decoded(file, bytes);
}

// One line, or one field of a CSV file. What ends it is taken too.
string read_field(OpenFile &file) {
  const bool is_csv = file.has(FILE_CSV);
  std::u16string units;
  std::string bytes;
  for (int unit; (unit = file.take_unit()) >= 0;) {
    if (unit == u'\r') {
      if (file.peek_unit() == u'\n') file.take_unit();
      break;
    }
    if (unit == u'\n' || (is_csv && unit == file.options().delimiter)) break;
    if (file.is_unicode())
      units += static_cast<char16_t>(unit);
    else
      bytes += static_cast<char>(unit);
  }
  return file.is_unicode() ? string(std::move(units)) : decoded(file, bytes);
}

string read_csv_field(int handle) {
  OpenFile *file = usable(handle, FILE_READ, FILE_CSV, ERR_FILE_NOTCSV);
  return file != nullptr ? read_field(*file) : string();
}

}  // namespace

size_t host::read_bytes(int file_handle, void *bytes, size_t count) {
  OpenFile *file = binary(file_handle, FILE_READ);
  if (file == nullptr) return 0;
  const size_t got = file->read(bytes, count);
  if (got < count) set_error(ERR_FILE_READERROR);
  return got;
}

size_t host::write_bytes(int file_handle, const void *bytes, size_t count) {
  OpenFile *file = binary(file_handle, FILE_WRITE);
  if (file == nullptr) return 0;
  const size_t written = file->write(bytes, count);
  if (written < count) set_error(ERR_FILE_WRITEERROR);
  return written;
}

int64_t host::bytes_left(int file_handle) {
  OpenFile *file = binary(file_handle, FILE_READ);
  return file != nullptr ? std::max<int64_t>(file->size() - file->tell(), 0) : 0;
}

uint32_t host::write_line(int file_handle, Arguments values) {
  OpenFile *file = usable(file_handle, FILE_WRITE, FILE_CSV | FILE_TXT, ERR_FILE_NOTTXTORCSV);
  if (file == nullptr) return 0;
  const int64_t start = file->tell();
  std::u16string line;
  for (const Argument &value : values) {
    if (file->has(FILE_CSV) && &value != values.data()) line += file->options().delimiter;
    line += value.plain().text();
  }
  file->write_text(line + u"\r\n");
  return static_cast<uint32_t>(file->tell() - start);
}

double FileReadDouble(int file_handle) { return read_value<double>(file_handle); }
float FileReadFloat(int file_handle) { return read_value<float>(file_handle); }
int64_t FileReadLong(int file_handle) { return read_value<int64_t>(file_handle); }

int FileReadInteger(int file_handle, int size) {
  switch (size) {
    case CHAR_VALUE:
      return read_value<int8_t>(file_handle);
    case SHORT_VALUE:
      return read_value<int16_t>(file_handle);
    case INT_VALUE:
      return read_value<int32_t>(file_handle);
    default:
      host::set_error(ERR_INVALID_PARAMETER);
      return 0;
  }
}

uint32_t FileWriteDouble(int file_handle, double value) { return write_value(file_handle, value); }
uint32_t FileWriteFloat(int file_handle, float value) { return write_value(file_handle, value); }
uint32_t FileWriteLong(int file_handle, int64_t value) { return write_value(file_handle, value); }

uint32_t FileWriteInteger(int file_handle, int value, int size) {
  switch (size) {
    case CHAR_VALUE:
      return write_value(file_handle, static_cast<int8_t>(value));
    case SHORT_VALUE:
      return write_value(file_handle, static_cast<int16_t>(value));
    case INT_VALUE:
      return write_value(file_handle, value);
    default:
      host::set_error(ERR_INVALID_PARAMETER);
      return 0;
  }
}

string FileReadString(int file_handle, int length) {
  OpenFile *file =
      usable(file_handle, FILE_READ, FILE_BIN | FILE_CSV | FILE_TXT, ERR_FILE_NOTTXTORCSV);
  if (file == nullptr) return null;
  if (!file->has(FILE_BIN)) return read_field(*file);
  if (length < 0) {
    host::set_error(ERR_FILE_BINSTRINGSIZE);
    return null;
  }
  return read_characters(*file, length);
}

uint32_t FileWriteString(int file_handle, const string &text, int length) {
  OpenFile *file =
      usable(file_handle, FILE_WRITE, FILE_BIN | FILE_CSV | FILE_TXT, ERR_FILE_NOTTXTORCSV);
  if (file == nullptr) return 0;
  const int64_t start = file->tell();
  std::u16string_view written = text.text();
  if (length >= 0) written = written.substr(0, static_cast<size_t>(length));
  file->write_text(written);
  return static_cast<uint32_t>(file->tell() - start);
}

bool FileReadBool(int file_handle) {
  const string field = read_csv_field(file_handle);
  return StringToInteger(field) != 0 || field == string(u"true") || field == string(u"TRUE");
}

datetime FileReadDatetime(int file_handle) { return StringToTime(read_csv_field(file_handle)); }

double FileReadNumber(int file_handle) { return StringToDouble(read_csv_field(file_handle)); }

}  // namespace mql
