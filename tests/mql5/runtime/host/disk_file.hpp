// One file of the system, read and written at given positions, without a buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>

namespace mql::host {

class DiskFile {
 public:
  enum class Access { read, write_anew, read_and_write };

  // Null where the system does not open it. What may be written is made where it is missing.
  static std::unique_ptr<DiskFile> open(const std::filesystem::path &path, Access access);
  ~DiskFile();
  DiskFile(const DiskFile &) = delete;
  DiskFile &operator=(const DiskFile &) = delete;

  // The bytes read or written: fewer than asked at the end of the file, or where the disk fails.
  size_t read(int64_t position, void *bytes, size_t count);
  size_t write(int64_t position, const void *bytes, size_t count);
  int64_t size() const;

 private:
  explicit DiskFile(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
};

}  // namespace mql::host
