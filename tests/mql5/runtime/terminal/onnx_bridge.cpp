#include "onnx_bridge.hpp"

#include <cstring>
#include <sstream>

#include "config.hpp"
#include "critical.hpp"

#ifndef _WIN32
#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#endif

namespace mql::host {

template <class T>
T Message::take() {
  if (bytes_.size() - read_ < sizeof(T)) critical("the ONNX bridge's answer is too short");
  T value;
  std::memcpy(&value, bytes_.data() + read_, sizeof(T));
  read_ += sizeof(T);
  return value;
}

uint32_t Message::take_small() { return take<uint32_t>(); }
int64_t Message::take_number() { return take<int64_t>(); }

std::span<const uint8_t> Message::take_blob() {
  const auto count = static_cast<size_t>(take_number());
  if (bytes_.size() - read_ < count) critical("the ONNX bridge's answer is too short");
  const std::span<const uint8_t> blob(bytes_.data() + read_, count);
  read_ += count;
  return blob;
}

std::string Message::take_text() {
  const auto blob = take_blob();
  return std::string(blob.begin(), blob.end());
}

std::vector<int64_t> Message::take_numbers() {
  std::vector<int64_t> numbers(take_small());
  for (int64_t &number : numbers) number = take_number();
  return numbers;
}

#ifdef _WIN32

std::optional<Message> ask_onnx(const Message &) { return std::nullopt; }

#else

namespace {

// A process with a pipe to its stdin and one from its stdout. It ends when its stdin does: when
// this process ends, however it ends.
class Child {
 public:
  explicit Child(std::vector<std::string> command) {
    std::signal(SIGPIPE, SIG_IGN);  // a child that died is an answer that does not come
    int requests[2];
    int answers[2];
    if (pipe2(requests, O_CLOEXEC) != 0) return;
    if (pipe2(answers, O_CLOEXEC) != 0) return;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, requests[0], 0);
    posix_spawn_file_actions_adddup2(&actions, answers[1], 1);
    std::vector<char *> words;
    for (std::string &word : command) words.push_back(word.data());
    words.push_back(nullptr);
    pid_t process = 0;
    if (posix_spawnp(&process, words[0], &actions, nullptr, words.data(), environ) == 0) {
      to_ = requests[1];
      from_ = answers[0];
    }
    posix_spawn_file_actions_destroy(&actions);
    ::close(requests[0]);
    ::close(answers[1]);
  }

  // Length, then that many bytes, both ways.
  std::optional<Message> ask(const Message &request) {
    const auto size = static_cast<uint64_t>(request.bytes().size());
    uint64_t answered = 0;
    if (to_ < 0 || !write_all(&size, sizeof(size)) || !write_all(request.bytes().data(), size) ||
        !read_all(&answered, sizeof(answered)))
      return std::nullopt;
    std::vector<uint8_t> answer(answered);
    if (!read_all(answer.data(), answer.size())) return std::nullopt;
    return Message(std::move(answer));
  }

 private:
  bool write_all(const void *from, size_t count) {
    const auto *next = static_cast<const uint8_t *>(from);
    while (count > 0) {
      const ssize_t written = ::write(to_, next, count);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return false;
      next += written;
      count -= static_cast<size_t>(written);
    }
    return true;
  }

  bool read_all(void *to, size_t count) {
    auto *next = static_cast<uint8_t *>(to);
    while (count > 0) {
      const ssize_t got = ::read(from_, next, count);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      next += got;
      count -= static_cast<size_t>(got);
    }
    return true;
  }

  int to_ = -1;
  int from_ = -1;
};

std::vector<std::string> configured_command() {
  std::vector<std::string> words;
  std::istringstream lines(config().text("onnx_bridge"));
  for (std::string word; std::getline(lines, word);) words.push_back(word);
  if (words.empty()) bad_configuration("onnx_bridge does not say how ONNX Runtime is started");
  return words;
}

}  // namespace

std::optional<Message> ask_onnx(const Message &request) {
  static Child &child = *new Child(configured_command());
  return child.ask(request);
}

#endif

}  // namespace mql::host
