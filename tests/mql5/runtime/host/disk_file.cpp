#include "disk_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#ifdef _WIN32
#include <io.h>
#else
#include <unistd.h>
#endif

namespace mql::host {
namespace {

#ifdef _WIN32

int open_descriptor(const std::filesystem::path &path, int flags) {
  return _wopen(path.c_str(), flags | _O_BINARY, _S_IREAD | _S_IWRITE);
}
void close_descriptor(int descriptor) { _close(descriptor); }
int64_t size_of_descriptor(int descriptor) { return _filelengthi64(descriptor); }
int64_t read_once(int descriptor, int64_t position, void *bytes, size_t count) {
  if (_lseeki64(descriptor, position, SEEK_SET) < 0) return -1;
  return _read(descriptor, bytes, static_cast<unsigned>(count));
}
int64_t write_once(int descriptor, int64_t position, const void *bytes, size_t count) {
  if (_lseeki64(descriptor, position, SEEK_SET) < 0) return -1;
  return _write(descriptor, bytes, static_cast<unsigned>(count));
}

#else

int open_descriptor(const std::filesystem::path &path, int flags) {
  constexpr mode_t kReadableByAll = 0644;
  return ::open(path.c_str(), flags | O_CLOEXEC, kReadableByAll);
}
void close_descriptor(int descriptor) { ::close(descriptor); }
int64_t size_of_descriptor(int descriptor) {
  struct stat about = {};
  return fstat(descriptor, &about) == 0 ? about.st_size : 0;
}
int64_t read_once(int descriptor, int64_t position, void *bytes, size_t count) {
  return ::pread(descriptor, bytes, count, position);
}
int64_t write_once(int descriptor, int64_t position, const void *bytes, size_t count) {
  return ::pwrite(descriptor, bytes, count, position);
}

#endif

constexpr size_t kMostAtOnce = 1 << 30;  // the system's calls take no more than an int

// Repeats what may do less than was asked.
template <class Bytes, class Once>
size_t transfer(Bytes *bytes, size_t count, Once once) {
  size_t done = 0;
  while (done < count) {
    const int64_t now = once(done, bytes + done, std::min(count - done, kMostAtOnce));
    if (now <= 0) break;
    done += static_cast<size_t>(now);
  }
  return done;
}

}  // namespace

std::unique_ptr<DiskFile> DiskFile::open(const std::filesystem::path &path, Access access) {
  int flags = O_RDONLY;
  if (access == Access::write_anew) flags = O_WRONLY | O_CREAT | O_TRUNC;
  if (access == Access::read_and_write) flags = O_RDWR | O_CREAT;
  const int descriptor = open_descriptor(path, flags);
  return descriptor < 0 ? nullptr : std::unique_ptr<DiskFile>(new DiskFile(descriptor));
}

DiskFile::~DiskFile() { close_descriptor(descriptor_); }

size_t DiskFile::read(int64_t position, void *bytes, size_t count) {
  return transfer(static_cast<char *>(bytes), count, [&](size_t done, char *to, size_t most) {
    return read_once(descriptor_, position + static_cast<int64_t>(done), to, most);
  });
}

size_t DiskFile::write(int64_t position, const void *bytes, size_t count) {
  return transfer(
      static_cast<const char *>(bytes), count, [&](size_t done, const char *from, size_t most) {
        return write_once(descriptor_, position + static_cast<int64_t>(done), from, most);
      });
}

int64_t DiskFile::size() const { return size_of_descriptor(descriptor_); }

}  // namespace mql::host
