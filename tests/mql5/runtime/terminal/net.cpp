#include "net.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>

namespace mql::host::net {

int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

bool wait(Handle handle, short events, int64_t deadline_ms) {
  for (;;) {
    const int64_t left = std::clamp<int64_t>(deadline_ms - now_ms(), 0, INT32_MAX);
    Poll one{};
    one.fd = handle;
    one.events = events;
    const int ready = poll_one(one, static_cast<int>(left));
    if (ready > 0) return true;
    if (ready == 0 || !interrupted()) return false;
  }
}

namespace {

bool finish_connecting(Handle handle, int64_t deadline_ms) {
  if (!wait(handle, POLLOUT, deadline_ms)) return false;
  int error = 0;
  socklen_t size = sizeof(error);
  const int asked =
      getsockopt(handle, SOL_SOCKET, SO_ERROR, reinterpret_cast<char *>(&error), &size);
  return asked == 0 && error == 0;
}

}  // namespace

Handle connect(const std::string &host, uint16_t port, int64_t timeout_ms) {
  start();
  const int64_t deadline_ms = now_ms() + timeout_ms;
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo *found = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return kNone;
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> list(found, &freeaddrinfo);
  for (const addrinfo *each = found; each != nullptr; each = each->ai_next) {
    const Handle handle = ::socket(each->ai_family, each->ai_socktype, each->ai_protocol);
    if (handle == kNone) continue;
    if (make_nonblocking(handle)) {
      const auto size = static_cast<socklen_t>(each->ai_addrlen);
      if (::connect(handle, each->ai_addr, size) == 0 ||
          (would_block() && finish_connecting(handle, deadline_ms)))
        return handle;
    }
    close(handle);
  }
  return kNone;
}

}  // namespace mql::host::net
