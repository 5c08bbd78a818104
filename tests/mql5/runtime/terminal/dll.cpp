#include "dll.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>

#ifdef _WIN32
#include <windows.h>
#undef min
#undef max
#else
#include <dlfcn.h>

#include "winsock.hpp"
#endif

#include "config.hpp"
#include "critical.hpp"
#include "exit_codes.hpp"
#include "journal.hpp"

namespace mql {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// One loaded library, never unloaded: globals may call it while they are destroyed.
class Library {
 public:
  explicit Library(const std::string &dll) {
#ifdef _WIN32
    handle_ = LoadLibraryA(dll.c_str());
#else
    is_winsock_ = lower(dll) == "ws2_32.dll";
    if (lower(dll) == "libzmq.dll") handle_ = dlopen("libzmq.so.5", RTLD_NOW | RTLD_LOCAL);
#endif
  }

  bool loaded() const { return handle_ != nullptr || is_winsock_; }

  void *find(const char *function) const {
#ifdef _WIN32
    return reinterpret_cast<void *>(GetProcAddress(handle_, function));
#else
    return is_winsock_ ? host::winsock_function(function) : dlsym(handle_, function);
#endif
  }

 private:
#ifdef _WIN32
  HMODULE handle_ = nullptr;
#else
  void *handle_ = nullptr;
#endif
  bool is_winsock_ = false;
};

const Library &library(const std::string &dll) {
  static auto &loaded = *new std::map<std::string, Library>;
  return loaded.try_emplace(lower(dll), dll).first->second;
}

[[noreturn]] void refuse_to_start(const std::string &why) {
  host::journal(why);
  std::_Exit(host::kExitRefusedToStart);
}

}  // namespace

ImportedDll::ImportedDll(const char *name) {
  if (!host::config().flag("allow_dll"))
    refuse_to_start(std::string("DLL loading is not allowed: ") + name);
  if (!library(name).loaded()) refuse_to_start(std::string("cannot load '") + name + "'");
}

void *host::dll_function(const char *dll, const char *function) {
  static auto &found = *new std::map<std::pair<const char *, const char *>, void *>;
  void *&address = found[{dll, function}];
  if (address == nullptr) address = library(dll).find(function);
  if (address == nullptr) critical(std::string("cannot find '") + function + "' in '" + dll + "'");
  return address;
}

int host::open_winsock_sockets() {
#ifdef _WIN32
  return 0;
#else
  return winsock_sockets();
#endif
}

}  // namespace mql
