// MQL5's Socket* functions over real sockets, without TLS.
//
// Allowed from Expert Advisors and scripts, refused in the tester (error 4014), as is an address
// that the terminal's list does not hold. Two things the documentation leaves open can be played
// both ways by the configuration, so that programs are right under either reading:
//   socket_read_waits=1    SocketRead waits for all it was asked for (0: for anything at all)
//   socket_speculates=0    1: SocketIsReadable answers 1, once, on a socket with nothing waiting
// MetaTrader's own setting of TCP_NODELAY is not known. It is left off here, so a program that
// sends one message in two pieces is as slow here as it would be in the worse terminal.
#pragma once

#include <cstdint>

#include "array.hpp"
#include "string.hpp"

namespace mql {

inline constexpr int ERR_NETSOCKET_INVALIDHANDLE = 5270;
inline constexpr int ERR_NETSOCKET_TOO_MANY_OPENED = 5271;
inline constexpr int ERR_NETSOCKET_CANNOT_CONNECT = 5272;
inline constexpr int ERR_NETSOCKET_IO_ERROR = 5273;

int SocketCreate(uint32_t flags = 0);
bool SocketClose(int socket);
bool SocketConnect(int socket, const string &server, uint32_t port, uint32_t timeout_receive_ms);
bool SocketIsConnected(int socket);
uint32_t SocketIsReadable(int socket);
bool SocketIsWritable(int socket);
bool SocketTimeouts(int socket, uint32_t timeout_send_ms, uint32_t timeout_receive_ms);
int SocketRead(int socket, ArrayRef<uint8_t> buffer, uint32_t buffer_maxlen, uint32_t timeout_ms);
int SocketSend(int socket, ArrayRef<const uint8_t> buffer, uint32_t buffer_len);

namespace host {

// Sockets that the program made and did not close.
int open_sockets();

}  // namespace host
}  // namespace mql
