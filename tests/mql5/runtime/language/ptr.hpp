// Pointers to class objects, every use of which is checked, and the life of those made by `new`.
#pragma once

#include <cstdint>
#include <cstring>
#include <new>
#include <source_location>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "critical.hpp"
#include "types.hpp"

namespace mql {

enum ENUM_POINTER_TYPE : int32_t {
  POINTER_INVALID = 0,
  POINTER_DYNAMIC = 1,
  POINTER_AUTOMATIC = 2
};

namespace host {

// Names one object that `new` made. A slot is used again after `delete`, with the next generation,
// so that an old pointer is known to be dead. Slot 0 stands for all objects made otherwise.
struct Handle {
  uint32_t slot = 0;
  uint32_t generation = 0;
};

extern const uint32_t *generations;  // by slot

Handle adopt(const void *object, const std::type_info &type, size_t bytes);
void release(Handle handle);
Handle handle_of(const void *object);  // slot 0 for an object that `new` did not make

// A type's name as the program wrote it.
std::string class_name(const std::type_info &type);

// What a terminal writes when a program ends with objects that nobody deleted.
void report_undeleted_objects();

}  // namespace host

template <class T>
class Ptr {
 public:
  Ptr() = default;
  Ptr(null_t) {}
  Ptr(T *object, host::Handle handle) : object_(object), handle_(handle) {}
  explicit Ptr(T *object)
      : object_(object), handle_(host::handle_of(dynamic_cast<const void *>(object))) {}
  template <class U>
  requires(!std::is_same_v<U, T> && std::is_convertible_v<U *, T *>) Ptr(const Ptr<U> &other)
      : object_(other.object()), handle_(other.handle()) {}

  T *object() const { return object_; }
  host::Handle handle() const { return handle_; }
  bool alive() const {
    return object_ != nullptr && host::generations[handle_.slot] == handle_.generation;
  }

  // A pointer may stand where a parameter `CFoo &` wants the object.
  operator T &() const {
    if (!alive()) [[unlikely]]
      host::critical(std::string("invalid pointer passed by reference"));
    return *object_;
  }

  bool operator!() const { return !alive(); }
  explicit operator bool() const { return alive(); }

 private:
  T *object_ = nullptr;
  host::Handle handle_;
};

template <class T, class U>
bool operator==(const Ptr<T> &left, const Ptr<U> &right) {
  return left.object() == right.object();
}
template <class T>
bool operator==(const Ptr<T> &pointer, null_t) {
  return pointer.object() == nullptr;
}

template <class T>
inline constexpr bool is_ptr = false;
template <class T>
inline constexpr bool is_ptr<Ptr<T>> = true;

// x.member: through a live pointer, or of an object itself.
template <class T>
MQL_INLINE inline T &deref(const Ptr<T> &pointer,
                           std::source_location where = std::source_location::current()) {
  if (!pointer.alive()) [[unlikely]]
    host::critical(pointer == null ? "null pointer access" : "invalid pointer access", where);
  return *pointer.object();
}
template <class T>
requires(!is_ptr<std::remove_cvref_t<T>>) constexpr T &&deref(T &&object) {
  return static_cast<T &&>(object);
}

// `new T(...)`. The object is known before its constructor runs, which may give out pointers to it.
template <class T, class... Arguments>
Ptr<T> create(Arguments &&...arguments) {
  void *memory = ::operator new(sizeof(T));
  std::memset(memory, host::kPoison, sizeof(T));
  const host::Handle handle = host::adopt(memory, typeid(T), sizeof(T));
  try {
    return Ptr<T>(new (memory) T(std::forward<Arguments>(arguments)...), handle);
  } catch (...) {
    host::release(handle);
    ::operator delete(memory);
    throw;
  }
}

// `delete p`: of NULL nothing happens; of a dead object or of one that `new` did not make the
// program ends.
template <class T>
void destroy(const Ptr<T> &pointer, std::source_location where = std::source_location::current()) {
  if (pointer == null) return;
  if (!pointer.alive() || pointer.handle().slot == 0)
    host::critical("delete of an invalid pointer", where);
  host::release(pointer.handle());
  delete pointer.object();
}

// GetPointer(x) and &x
template <class T>
Ptr<T> pointer_to(T &object) {
  return Ptr<T>(&object);
}
template <class T>
Ptr<T> pointer_to(const Ptr<T> &pointer) {
  return pointer;
}
template <class T>
Ptr<T> pointer_to(Ptr<T> &pointer) {
  return pointer;
}

// dynamic_cast<T *>(p)
template <class T, class U>
Ptr<T> dynamic(const Ptr<U> &pointer) {
  if (!pointer.alive()) return null;
  T *object = dynamic_cast<T *>(pointer.object());
  return object == nullptr ? Ptr<T>() : Ptr<T>(object, pointer.handle());
}

template <class T>
ENUM_POINTER_TYPE CheckPointer(const Ptr<T> &pointer) {
  if (!pointer.alive()) return POINTER_INVALID;
  return pointer.handle().slot == 0 ? POINTER_AUTOMATIC : POINTER_DYNAMIC;
}
inline ENUM_POINTER_TYPE CheckPointer(null_t) { return POINTER_INVALID; }

}  // namespace mql
