#include "ptr.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "journal.hpp"

namespace mql::host {
namespace {

struct Object {
  const void *address = nullptr;
  const std::type_info *type = nullptr;
  size_t bytes = 0;
};

// Never destroyed: the destructors of a program's global objects still delete through it, and
// objects that it left undeleted stay reachable (the leak checker is for the host's own leaks).
struct Registry {
  std::vector<uint32_t> generations{0};
  std::vector<Object> objects{{}};
  std::vector<uint32_t> free_slots;
  std::unordered_map<const void *, uint32_t> slots;
};

Registry &registry() {
  static Registry &made = *new Registry;
  return made;
}

constexpr uint32_t kNoneYet[] = {0};

}  // namespace

const uint32_t *generations = kNoneYet;

Handle adopt(const void *object, const std::type_info &type, size_t bytes) {
  Registry &known = registry();
  uint32_t slot;
  if (known.free_slots.empty()) {
    slot = static_cast<uint32_t>(known.generations.size());
    known.generations.push_back(1);
    known.objects.emplace_back();
    generations = known.generations.data();
  } else {
    slot = known.free_slots.back();
    known.free_slots.pop_back();
  }
  known.objects[slot] = {object, &type, bytes};
  known.slots[object] = slot;
  return {slot, known.generations[slot]};
}

void release(Handle handle) {
  Registry &known = registry();
  Object &object = known.objects[handle.slot];
  known.slots.erase(object.address);
  object = {};
  ++known.generations[handle.slot];
  known.free_slots.push_back(handle.slot);
}

Handle handle_of(const void *object) {
  Registry &known = registry();
  const auto found = known.slots.find(object);
  if (found == known.slots.end()) return {};
  return {found->second, known.generations[found->second]};
}

std::string class_name(const std::type_info &type) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> readable(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), &std::free);
  const std::string name = status == 0 ? readable.get() : type.name();
  const std::string prefix = "program::";
  return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

void report_undeleted_objects() {
  struct Left {
    int count = 0;
    size_t bytes = 0;
  };
  std::map<std::string, Left> left;
  Left all;
  for (const auto &[address, slot] : registry().slots) {
    const Object &object = registry().objects[slot];
    Left &same = left[class_name(*object.type)];
    for (Left *counted : {&same, &all}) {
      ++counted->count;
      counted->bytes += object.bytes;
    }
  }
  if (all.count == 0) return;
  journal(std::to_string(all.count) + " undeleted objects left");
  for (const auto &[name, same] : left)
    journal(std::to_string(same.count) + " objects of type " + name + " left");
  journal(std::to_string(all.bytes) + " bytes of leaked memory");
}

}  // namespace mql::host
