#include "sockets.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <sstream>

#include "config.hpp"
#include "errors.hpp"
#include "net.hpp"
#include "program.hpp"

namespace mql {
namespace {

namespace net = host::net;

constexpr int kMostSockets = 128;
constexpr uint32_t kDefaultTimeoutMs = 120'000;

struct Socket {
  net::Handle handle = net::kNone;
  bool speculated = false;
  uint32_t timeout_send_ms = kDefaultTimeoutMs;

  bool connected() const { return handle != net::kNone; }
  void disconnect() {
    if (connected()) net::close(handle);
    handle = net::kNone;
  }
};

// A program's handle is the slot's number; slot 0 stays empty.
using Slots = std::array<std::optional<Socket>, kMostSockets + 1>;
Slots &slots() {
  static Slots &all = *new Slots;
  return all;
}

std::optional<Socket> *find_slot(int socket) {
  const auto number = static_cast<size_t>(socket);
  if (number < slots().size() && slots()[number]) return &slots()[number];
  host::set_error(ERR_NETSOCKET_INVALIDHANDLE);
  return nullptr;
}

Socket *find(int socket) {
  std::optional<Socket> *const slot = find_slot(socket);
  return slot == nullptr ? nullptr : &**slot;
}

// As find, for what needs a connection.
Socket *find_connected(int socket) {
  Socket *const found = find(socket);
  if (found == nullptr || found->connected()) return found;
  host::set_error(ERR_NETSOCKET_IO_ERROR);
  return nullptr;
}

// "An error on a system socket discontinues the connection."
void fail(Socket &socket) {
  socket.disconnect();
  host::set_error(ERR_NETSOCKET_IO_ERROR);
}

// False once the other side has closed and all that it sent is read.
bool still_open(const Socket &socket) {
  char next = 0;
  const long long peeked = net::receive(socket.handle, &next, 1, MSG_PEEK);
  return peeked > 0 || (peeked < 0 && (net::would_block() || net::interrupted()));
}

uint32_t or_default(uint32_t timeout_ms) {
  return timeout_ms == 0 ? kDefaultTimeoutMs : timeout_ms;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

bool in_allowed_list(const std::string &server) {
  std::istringstream list(host::config().text("allowed_addresses"));
  for (std::string entry; std::getline(list, entry, ',');)
    if (lower(entry) == lower(server)) return true;
  return false;
}

bool reads_wait_for_all() {
  static const bool waits = host::config().flag("socket_read_waits", true);
  return waits;
}

bool speculates() {
  static const bool does = host::config().flag("socket_speculates", false);
  return does;
}

enum class Ending { enough, timeout, broken };

// Reads until `most` bytes are there, or any at all where the host plays it so.
Ending read(const Socket &socket, uint8_t *to, int most, int64_t deadline_ms, int &got) {
  while (got < most && (got == 0 || reads_wait_for_all())) {
    const long long now = net::receive(socket.handle, to + got, static_cast<size_t>(most - got), 0);
    if (now > 0) {
      got += static_cast<int>(now);
    } else if (now == 0) {
      return Ending::broken;
    } else if (net::would_block()) {
      if (!net::wait(socket.handle, POLLIN, deadline_ms)) return Ending::timeout;
    } else if (!net::interrupted()) {
      return Ending::broken;
    }
  }
  return Ending::enough;
}

}  // namespace

int SocketCreate(uint32_t) {
  if (host::in_tester()) {
    host::set_error(ERR_FUNCTION_NOT_ALLOWED);
    return INVALID_HANDLE;
  }
  const auto free = std::find(slots().begin() + 1, slots().end(), std::nullopt);
  if (free == slots().end()) {
    host::set_error(ERR_NETSOCKET_TOO_MANY_OPENED);
    return INVALID_HANDLE;
  }
  free->emplace();
  return static_cast<int>(free - slots().begin());
}

bool SocketClose(int socket) {
  std::optional<Socket> *const slot = find_slot(socket);
  if (slot == nullptr) return false;
  (*slot)->disconnect();
  slot->reset();
  return true;
}

bool SocketConnect(int socket, const string &server, uint32_t port, uint32_t timeout_receive_ms) {
  Socket *const found = find(socket);
  if (found == nullptr) return false;
  const std::string name = host::to_utf8(server);
  if (!in_allowed_list(name)) {
    host::set_error(ERR_FUNCTION_NOT_ALLOWED);
    return false;
  }
  found->disconnect();
  if (port > 0 && port <= UINT16_MAX)
    found->handle = net::connect(name, static_cast<uint16_t>(port), or_default(timeout_receive_ms));
  found->speculated = false;
  if (!found->connected()) host::set_error(ERR_NETSOCKET_CANNOT_CONNECT);
  return found->connected();
}

bool SocketIsConnected(int socket) {
  Socket *const found = find(socket);
  if (found == nullptr || !found->connected()) return false;
  if (!still_open(*found)) found->disconnect();
  return found->connected();
}

uint32_t SocketIsReadable(int socket) {
  Socket *const found = find_connected(socket);
  if (found == nullptr) return 0;
  const long long count = net::waiting(found->handle);
  if (count > 0) return static_cast<uint32_t>(std::min<long long>(count, INT32_MAX));
  if (count < 0 || !still_open(*found)) {
    fail(*found);
    return 0;
  }
  if (!speculates() || found->speculated) return 0;
  found->speculated = true;
  return 1;
}

bool SocketIsWritable(int socket) {
  const Socket *const found = find_connected(socket);
  return found != nullptr && net::wait(found->handle, POLLOUT, net::now_ms());
}

bool SocketTimeouts(int socket, uint32_t timeout_send_ms, uint32_t) {
  // The receiving time-out is for functions without one of their own: TLS, which is absent here.
  Socket *const found = find(socket);
  if (found == nullptr) return false;
  found->timeout_send_ms = or_default(timeout_send_ms);
  return true;
}

int SocketRead(int socket, ArrayRef<uint8_t> buffer, uint32_t buffer_maxlen, uint32_t timeout_ms) {
  Socket *const found = find_connected(socket);
  if (found == nullptr) return -1;
  if (buffer_maxlen == 0 || buffer_maxlen > INT32_MAX) {
    host::set_error(ERR_INVALID_PARAMETER);
    return -1;
  }
  int most = static_cast<int>(buffer_maxlen);
  if (!buffer.is_dynamic()) {
    most = std::min(most, buffer.size());
  } else if (!buffer.resize(most)) {
    host::set_error(ERR_NOT_ENOUGH_MEMORY);
    return -1;
  }
  int got = 0;
  const int64_t deadline_ms = net::now_ms() + or_default(timeout_ms);
  const Ending ending = read(*found, buffer.data(), most, deadline_ms, got);
  buffer.resize(got);
  if (got > 0) return got;  // a break after these bytes is met by the next call
  if (ending == Ending::broken)
    fail(*found);
  else
    host::set_error(ERR_NETSOCKET_IO_ERROR);  // the time is over; the connection stays
  return -1;
}

int SocketSend(int socket, ArrayRef<const uint8_t> buffer, uint32_t buffer_len) {
  Socket *const found = find_connected(socket);
  if (found == nullptr) return -1;
  if (buffer_len > static_cast<uint32_t>(buffer.size())) {
    host::set_error(ERR_INVALID_PARAMETER);
    return -1;
  }
  const int64_t deadline_ms = net::now_ms() + found->timeout_send_ms;
  uint32_t sent = 0;
  while (sent < buffer_len) {
    const long long now = net::send(found->handle, buffer.data() + sent, buffer_len - sent);
    if (now >= 0) {
      sent += static_cast<uint32_t>(now);
    } else if (net::would_block()) {
      if (!net::wait(found->handle, POLLOUT, deadline_ms)) {
        host::set_error(ERR_NETSOCKET_IO_ERROR);
        return sent == 0 ? -1 : static_cast<int>(sent);
      }
    } else if (!net::interrupted()) {
      fail(*found);
      return -1;
    }
  }
  return static_cast<int>(sent);
}

int host::open_sockets() {
  return static_cast<int>(std::count_if(slots().begin(), slots().end(),
                                        [](const auto &slot) { return slot.has_value(); }));
}

}  // namespace mql
