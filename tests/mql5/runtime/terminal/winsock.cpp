#ifndef _WIN32

#include "winsock.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <map>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

namespace mql::host {
namespace {

// Windows' own types and numbers.
using Socket = uint64_t;
constexpr Socket kInvalidSocket = ~Socket{0};
constexpr int kSocketError = -1;
constexpr int kMostInSet = 64;
constexpr int kAddressFamilyInternet = 2;
constexpr int kSolSocket = 0xFFFF;
constexpr uint32_t kFionbio = 0x8004667E;
constexpr uint32_t kFionread = 0x4004667F;

constexpr int kNotStarted = 10093;
constexpr int kInvalid = 10022;
constexpr int kWouldBlock = 10035;
constexpr int kNotSocket = 10038;
constexpr int kBadProtocolOption = 10042;
constexpr int kFault = 10014;

struct Set {
  uint32_t count;
  uint32_t padding;
  Socket sockets[kMostInSet];  // the caller's array may be shorter: `count` of them are there
};

struct Time {
  int32_t seconds;
  int32_t microseconds;
};

struct PollOne {
  Socket socket;
  int16_t events;
  int16_t revents;
};

struct State {
  int starts = 0;
  int last_error = 0;
  std::map<Socket, int> descriptors;
  std::set<Socket> connecting;  // connect was called, and has not come to an end
  // Handles do not fit 32 bits, as they need not on Windows: who stores one in an int loses it.
  Socket next = 0x100000004;
};

State &state() {
  static State &one = *new State;
  return one;
}

int fail(int error) {
  state().last_error = error;
  return kSocketError;
}

int winsock_error(int error) {
  static constexpr std::pair<int, int> kCodes[] = {
      {EINTR, 10004},         {EACCES, 10013},    {EFAULT, 10014},       {EINVAL, 10022},
      {EMFILE, 10024},        {EAGAIN, 10035},    {EINPROGRESS, 10036},  {EALREADY, 10037},
      {ENOTSOCK, 10038},      {EMSGSIZE, 10040},  {ENOPROTOOPT, 10042},  {EADDRINUSE, 10048},
      {EADDRNOTAVAIL, 10049}, {ENETDOWN, 10050},  {ENETUNREACH, 10051},  {ECONNABORTED, 10053},
      {ECONNRESET, 10054},    {EPIPE, 10053},     {ENOBUFS, 10055},      {EISCONN, 10056},
      {ENOTCONN, 10057},      {ETIMEDOUT, 10060}, {ECONNREFUSED, 10061}, {EHOSTUNREACH, 10065}};
  for (const auto &[ours, theirs] : kCodes)
    if (ours == error) return theirs;
  return kInvalid;
}

int fail_as_system() { return fail(winsock_error(errno)); }

// The descriptor behind a handle, or -1 with the error set.
int descriptor(Socket socket) {
  if (state().starts == 0) return fail(kNotStarted);
  const auto found = state().descriptors.find(socket);
  return found == state().descriptors.end() ? fail(kNotSocket) : found->second;
}

int wsa_startup(uint16_t version, uint8_t *data) {
  if (data == nullptr) return kFault;
  ++state().starts;
  std::memcpy(data, &version, sizeof(version));
  return 0;
}

int wsa_cleanup() {
  if (state().starts == 0) return fail(kNotStarted);
  if (--state().starts == 0) {
    for (const auto &[handle, open] : state().descriptors) ::close(open);
    state().descriptors.clear();
    state().connecting.clear();
  }
  return 0;
}

int wsa_get_last_error() { return state().last_error; }
void wsa_set_last_error(int error) { state().last_error = error; }

Socket make_socket(int family, int type, int protocol) {
  if (state().starts == 0) return fail(kNotStarted), kInvalidSocket;
  if (family != kAddressFamilyInternet) return fail(10047), kInvalidSocket;
  const int opened = ::socket(AF_INET, type, protocol);
  if (opened < 0) return fail_as_system(), kInvalidSocket;
  const Socket handle = state().next;
  state().next += 4;
  state().descriptors[handle] = opened;
  return handle;
}

int close_socket(Socket socket) {
  const int open = descriptor(socket);
  if (open < 0) return kSocketError;
  state().descriptors.erase(socket);
  state().connecting.erase(socket);
  return ::close(open) == 0 ? 0 : fail_as_system();
}

// sockaddr_in has the same bytes on both systems.
int connect_socket(Socket socket, const sockaddr *address, int size) {
  const int open = descriptor(socket);
  if (open < 0) return kSocketError;
  if (::connect(open, address, static_cast<socklen_t>(size)) == 0) return 0;
  if (errno != EINPROGRESS) return fail_as_system();
  state().connecting.insert(socket);
  return fail(kWouldBlock);
}

int send_bytes(Socket socket, const void *from, int count, int flags) {
  const int open = descriptor(socket);
  if (open < 0) return kSocketError;
  if (flags != 0 || count < 0) return fail(kInvalid);
  const ssize_t sent = ::send(open, from, static_cast<size_t>(count), MSG_NOSIGNAL);
  return sent < 0 ? fail_as_system() : static_cast<int>(sent);
}

int receive_bytes(Socket socket, void *to, int most, int flags) {
  constexpr int kPeek = 2;
  const int open = descriptor(socket);
  if (open < 0) return kSocketError;
  if ((flags & ~kPeek) != 0 || most < 0) return fail(kInvalid);
  const ssize_t got =
      ::recv(open, to, static_cast<size_t>(most), (flags & kPeek) != 0 ? MSG_PEEK : 0);
  return got < 0 ? fail_as_system() : static_cast<int>(got);
}

int ioctl_socket(Socket socket, int32_t command, uint32_t *argument) {
  const int open = descriptor(socket);
  if (open < 0) return kSocketError;
  if (argument == nullptr) return fail(kFault);
  int value = static_cast<int>(*argument);
  unsigned long request = 0;
  if (static_cast<uint32_t>(command) == kFionbio)
    request = FIONBIO;
  else if (static_cast<uint32_t>(command) == kFionread)
    request = FIONREAD;
  else
    return fail(kInvalid);
  if (::ioctl(open, request, &value) != 0) return fail_as_system();
  if (request == FIONREAD) *argument = static_cast<uint32_t>(value);
  return 0;
}

// The system's names for a winsock option; false for one that is not here.
bool find_option(int &level, int &name) {
  static constexpr std::pair<int, int> kSocketOptions[] = {
      {0x0004, SO_REUSEADDR}, {0x0008, SO_KEEPALIVE}, {0x1001, SO_SNDBUF},
      {0x1002, SO_RCVBUF},    {0x1007, SO_ERROR},     {0x1008, SO_TYPE}};
  if (level == IPPROTO_TCP) return name == TCP_NODELAY;  // 6 and 1 on both
  if (level != kSolSocket) return false;
  for (const auto &[theirs, ours] : kSocketOptions)
    if (theirs == name) {
      level = SOL_SOCKET;
      name = ours;
      return true;
    }
  return false;
}

int set_option(Socket socket, int level, int name, const void *value, int size) {
  const int open = descriptor(socket);
  if (open < 0) return kSocketError;
  if (!find_option(level, name)) return fail(kBadProtocolOption);
  return ::setsockopt(open, level, name, value, static_cast<socklen_t>(size)) == 0
             ? 0
             : fail_as_system();
}

int get_option(Socket socket, int level, int name, void *value, int32_t *size) {
  const int open = descriptor(socket);
  if (open < 0) return kSocketError;
  if (!find_option(level, name)) return fail(kBadProtocolOption);
  auto length = static_cast<socklen_t>(*size);
  if (::getsockopt(open, level, name, value, &length) != 0) return fail_as_system();
  if (level == SOL_SOCKET && name == SO_ERROR) {
    int &error = *static_cast<int *>(value);
    if (error != 0) error = winsock_error(error);
  }
  *size = static_cast<int32_t>(length);
  return 0;
}

// One of select's sets.
struct Watched {
  Set *set;
  short wanted;  // what to wait for
};

// Whether a socket stays in the set that waited for `wanted`. A connection that could not be made
// stands in the third set and in no other; one that was made and broke is readable.
bool stays(Socket socket, short wanted, short now) {
  const bool refused = state().connecting.contains(socket) && (now & POLLERR) != 0;
  if (wanted == 0 || refused) return wanted == 0 && refused;
  if (wanted == POLLOUT && (now & POLLOUT) != 0) state().connecting.erase(socket);
  return (now & (wanted | POLLERR | POLLHUP)) != 0;
}

timespec wait_time(const Time &timeout) {
  // On Windows there may be more than a second of microseconds.
  return {timeout.seconds + timeout.microseconds / 1'000'000,
          timeout.microseconds % 1'000'000 * 1000L};
}

int select_sockets(int, Set *readable, Set *writable, Set *failed, const Time *timeout) {
  const Watched all[] = {{readable, POLLIN}, {writable, POLLOUT}, {failed, 0}};
  std::vector<pollfd> waiting;
  for (const Watched &watched : all) {
    if (watched.set == nullptr) continue;
    if (watched.set->count > kMostInSet) return fail(kInvalid);
    for (uint32_t i = 0; i < watched.set->count; ++i) {
      const int open = descriptor(watched.set->sockets[i]);
      if (open < 0) return kSocketError;
      waiting.push_back({open, watched.wanted, 0});
    }
  }
  if (waiting.empty()) return fail(kInvalid);  // Windows refuses to wait for nothing
  const timespec time = timeout == nullptr ? timespec{} : wait_time(*timeout);
  if (::ppoll(waiting.data(), waiting.size(), timeout == nullptr ? nullptr : &time, nullptr) < 0)
    return fail_as_system();
  int left = 0;
  auto answer = waiting.begin();
  for (const Watched &watched : all) {
    if (watched.set == nullptr) continue;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < watched.set->count; ++i, ++answer)
      if (stays(watched.set->sockets[i], watched.wanted, answer->revents))
        watched.set->sockets[kept++] = watched.set->sockets[i];
    watched.set->count = kept;
    left += static_cast<int>(kept);
  }
  return left;
}

int poll_sockets(PollOne *all, uint32_t count, int timeout_ms) {
  constexpr short kIn = 0x0300, kOut = 0x0010, kError = 0x0001, kHangUp = 0x0002;
  std::vector<pollfd> waiting;
  for (uint32_t i = 0; i < count; ++i) {
    const int open = descriptor(all[i].socket);
    if (open < 0) return kSocketError;
    const auto wanted = static_cast<short>(((all[i].events & kIn) != 0 ? POLLIN : 0) |
                                           ((all[i].events & kOut) != 0 ? POLLOUT : 0));
    waiting.push_back({open, wanted, 0});
  }
  const int ready = ::poll(waiting.data(), waiting.size(), timeout_ms);
  if (ready < 0) return fail_as_system();
  for (uint32_t i = 0; i < count; ++i) {
    const short now = waiting[i].revents;
    all[i].revents = static_cast<int16_t>(
        ((now & POLLIN) != 0 ? kIn & all[i].events : 0) | ((now & POLLOUT) != 0 ? kOut : 0) |
        ((now & POLLERR) != 0 ? kError : 0) | ((now & POLLHUP) != 0 ? kHangUp : 0));
  }
  return ready;
}

uint16_t host_to_net_short(uint16_t value) { return htons(value); }
uint32_t host_to_net_long(uint32_t value) { return htonl(value); }
uint32_t internet_address(const char *text) { return ::inet_addr(text); }

template <class Function>
void *address_of(Function *function) {
  return reinterpret_cast<void *>(function);
}

}  // namespace

void *winsock_function(const char *name) {
  static const auto &kFunctions = *new std::map<std::string_view, void *>{
      {"WSAStartup", address_of(wsa_startup)},
      {"WSACleanup", address_of(wsa_cleanup)},
      {"WSAGetLastError", address_of(wsa_get_last_error)},
      {"WSASetLastError", address_of(wsa_set_last_error)},
      {"WSAPoll", address_of(poll_sockets)},
      {"socket", address_of(make_socket)},
      {"closesocket", address_of(close_socket)},
      {"connect", address_of(connect_socket)},
      {"send", address_of(send_bytes)},
      {"recv", address_of(receive_bytes)},
      {"ioctlsocket", address_of(ioctl_socket)},
      {"setsockopt", address_of(set_option)},
      {"getsockopt", address_of(get_option)},
      {"select", address_of(select_sockets)},
      {"htons", address_of(host_to_net_short)},
      {"ntohs", address_of(host_to_net_short)},
      {"htonl", address_of(host_to_net_long)},
      {"ntohl", address_of(host_to_net_long)},
      {"inet_addr", address_of(internet_address)},
  };
  const auto found = kFunctions.find(name);
  return found == kFunctions.end() ? nullptr : found->second;
}

int winsock_sockets() { return static_cast<int>(state().descriptors.size()); }

}  // namespace mql::host

#endif  // _WIN32
