// The system's TCP sockets under one face: BSD's here, winsock's in a Windows build.
// Included by sources only: system headers must not reach the translated unit.
#pragma once

#ifdef _WIN32
#include <winsock2.h>
#include <ws2tcpip.h>
#undef min
#undef max
#else
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#endif

#include <cstddef>
#include <cstdint>
#include <string>

namespace mql::host::net {

#ifdef _WIN32
using Handle = SOCKET;
inline constexpr Handle kNone = INVALID_SOCKET;
using Poll = WSAPOLLFD;
inline int poll_one(Poll &one, int timeout_ms) { return WSAPoll(&one, 1, timeout_ms); }
inline bool would_block() { return WSAGetLastError() == WSAEWOULDBLOCK; }
inline bool interrupted() { return false; }
inline void close(Handle handle) { closesocket(handle); }
inline long long receive(Handle handle, void *to, std::size_t most, int flags) {
  return ::recv(handle, static_cast<char *>(to), static_cast<int>(most), flags);
}
inline long long send(Handle handle, const void *from, std::size_t count) {
  return ::send(handle, static_cast<const char *>(from), static_cast<int>(count), 0);
}
inline long long waiting(Handle handle) {
  u_long count = 0;
  return ioctlsocket(handle, static_cast<long>(FIONREAD), &count) == 0
             ? static_cast<long long>(count)
             : -1;
}
inline bool make_nonblocking(Handle handle) {
  u_long on = 1;
  return ioctlsocket(handle, static_cast<long>(FIONBIO), &on) == 0;
}
inline void start() {
  static const int started = [] {
    WSADATA data;
    return WSAStartup(MAKEWORD(2, 2), &data);
  }();
  static_cast<void>(started);
}
#else
using Handle = int;
inline constexpr Handle kNone = -1;
using Poll = pollfd;
inline int poll_one(Poll &one, int timeout_ms) { return ::poll(&one, 1, timeout_ms); }
inline bool would_block() {
  return errno == EWOULDBLOCK || errno == EAGAIN || errno == EINPROGRESS;
}
inline bool interrupted() { return errno == EINTR; }
inline void close(Handle handle) { ::close(handle); }
inline long long receive(Handle handle, void *to, std::size_t most, int flags) {
  return ::recv(handle, to, most, flags);
}
inline long long send(Handle handle, const void *from, std::size_t count) {
  return ::send(handle, from, count, MSG_NOSIGNAL);
}
inline long long waiting(Handle handle) {
  int count = 0;
  return ioctl(handle, FIONREAD, &count) == 0 ? count : -1;
}
inline bool make_nonblocking(Handle handle) {
  int on = 1;
  return ioctl(handle, FIONBIO, &on) == 0;
}
inline void start() {}
#endif

// A non-blocking connection to host:port made within the time, or `kNone`.
Handle connect(const std::string &host, uint16_t port, int64_t timeout_ms);

// Waits for `events` (POLLIN or POLLOUT) until `deadline_ms` of now_ms(); false on time-out.
bool wait(Handle handle, short events, int64_t deadline_ms);
int64_t now_ms();

}  // namespace mql::host::net
