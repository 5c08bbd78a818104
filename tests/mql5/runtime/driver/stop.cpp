#include "stop.hpp"

#include <csignal>
#include <thread>

#ifdef _WIN32
#include <io.h>
#else
#include <unistd.h>
#endif

#include "program.hpp"

namespace mql::host {
namespace {

extern "C" void stop_by_signal(int) { request_stop_from_signal(); }

// Unbuffered, since exit() waits for the lock of a stream that is being read.
long long read_stdin(char &byte) {
#ifdef _WIN32
  return _read(0, &byte, 1);
#else
  return ::read(0, &byte, 1);
#endif
}

}  // namespace

void stop_on_signals() {
  std::signal(SIGTERM, stop_by_signal);
  std::signal(SIGINT, stop_by_signal);
}

void stop_at_end_of_stdin() {
  std::thread([] {
    char byte = 0;
    while (read_stdin(byte) > 0) continue;
    request_stop_from_signal();
  }).detach();
}

}  // namespace mql::host
