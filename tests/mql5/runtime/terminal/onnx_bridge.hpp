// The child process that runs ONNX Runtime, started when it is first needed.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace mql::host {

// Messages to and from the child: little-endian numbers, and texts and blobs with their length
// before them.
class Message {
 public:
  Message() = default;
  explicit Message(std::vector<uint8_t> bytes) : bytes_(std::move(bytes)) {}

  Message &add(uint32_t number) { return append(&number, sizeof(number)); }
  Message &add(int64_t number) { return append(&number, sizeof(number)); }
  Message &add(std::span<const uint8_t> blob) {
    add(static_cast<int64_t>(blob.size()));
    return append(blob.data(), blob.size());
  }
  Message &add(std::span<const int64_t> numbers) {
    add(static_cast<uint32_t>(numbers.size()));
    return append(numbers.data(), numbers.size_bytes());
  }

  uint32_t take_small();
  int64_t take_number();
  std::span<const uint8_t> take_blob();
  std::string take_text();
  std::vector<int64_t> take_numbers();

  const std::vector<uint8_t> &bytes() const { return bytes_; }

 private:
  Message &append(const void *from, size_t count) {
    const auto *const first = static_cast<const uint8_t *>(from);
    bytes_.insert(bytes_.end(), first, first + count);
    return *this;
  }
  template <class T>
  T take();

  std::vector<uint8_t> bytes_;
  size_t read_ = 0;
};

// Sends a request and waits for its answer; nothing where there is no bridge, or it ended.
std::optional<Message> ask_onnx(const Message &request);

}  // namespace mql::host
