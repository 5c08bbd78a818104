// ws2_32.dll where there is none: winsock's functions, with its types, constants and error codes,
// over the system's sockets. For programs that import them by #import.
#pragma once

namespace mql::host {

// The address of a function of ws2_32.dll; null for one that is not here.
void *winsock_function(const char *name);

// How many sockets are open.
int winsock_sockets();

}  // namespace mql::host
