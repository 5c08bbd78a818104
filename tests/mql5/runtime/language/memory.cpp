#include "memory.hpp"

#include <fstream>
#include <iterator>
#include <vector>

#include "config.hpp"
#include "paths.hpp"

namespace mql {

Array<uint8_t> load_resource(const char *utf8_path) {
  std::ifstream file(host::native_path(utf8_path), std::ios::binary);
  if (!file) host::bad_configuration(std::string("cannot read the resource ") + utf8_path);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  Array<uint8_t> content;
  content.resize(static_cast<int>(bytes.size()));
  std::copy(bytes.begin(), bytes.end(), content.data());
  return content;
}

}  // namespace mql
