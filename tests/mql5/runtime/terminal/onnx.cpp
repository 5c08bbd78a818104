#include "onnx.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <numeric>
#include <vector>

#include "errors.hpp"
#include "files.hpp"
#include "journal.hpp"
#include "onnx_bridge.hpp"

namespace mql {
namespace {

using host::Message;
using host::TensorView;
using Shape = std::vector<int64_t>;

enum class Request : uint32_t { create = 1, run = 2, release = 3 };

struct Tensor {
  string name;
  ENUM_ONNX_DATA_TYPE type = ONNX_DATA_TYPE_UNDEFINED;
  Shape model_shape;  // -1 where the model leaves it open
  Shape shape;        // as the program set it

  bool is_fixed() const {
    return std::none_of(shape.begin(), shape.end(), [](int64_t size) { return size < 1; });
  }
  size_t elements() const {
    return static_cast<size_t>(
        std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<int64_t>()));
  }
};

struct Session {
  uint32_t number = 0;  // the bridge's
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;
};

using Tensors = std::vector<Tensor> Session::*;

std::map<int64_t, Session> &sessions() {
  static auto &all = *new std::map<int64_t, Session>;
  return all;
}

Session *find(int64_t handle) {
  const auto found = sessions().find(handle);
  if (found != sessions().end()) return &found->second;
  host::set_error(ERR_ONNX_NOT_INITIALIZED);
  return nullptr;
}

Tensor *find_tensor(int64_t handle, Tensors which, int64_t index) {
  Session *const session = find(handle);
  if (session == nullptr) return nullptr;
  std::vector<Tensor> &tensors = session->*which;
  if (index >= 0 && static_cast<size_t>(index) < tensors.size())
    return &tensors[static_cast<size_t>(index)];
  host::set_error(ERR_ONNX_INVALID_PARAMETER);
  return nullptr;
}

bool fail(int error) {
  host::set_error(error);
  return false;
}

std::vector<Tensor> take_tensors(Message &answer) {
  std::vector<Tensor> tensors(answer.take_small());
  for (Tensor &tensor : tensors) {
    tensor.name = host::from_utf8(answer.take_text());
    tensor.type = static_cast<ENUM_ONNX_DATA_TYPE>(answer.take_small());
    tensor.model_shape = answer.take_numbers();
    tensor.shape = tensor.model_shape;
  }
  return tensors;
}

// The bridge's answer where it did what it was asked; what went wrong goes to the journal.
std::optional<Message> ask(const Message &request, int error) {
  std::optional<Message> answer = host::ask_onnx(request);
  if (!answer) {
    host::set_error(ERR_ONNX_NOT_SUPPORTED);
    return std::nullopt;
  }
  if (answer->take_small() == 0) return answer;
  host::journal("ONNX: " + answer->take_text());
  host::set_error(error);
  return std::nullopt;
}

int64_t create(std::span<const uint8_t> model) {
  static int64_t last_handle = 0;
  Message request;
  request.add(static_cast<uint32_t>(Request::create)).add(model);
  std::optional<Message> answer = ask(request, ERR_ONNX_INTERNAL);
  if (!answer) return INVALID_HANDLE;
  Session session;
  session.number = answer->take_small();
  session.inputs = take_tensors(*answer);
  session.outputs = take_tensors(*answer);
  sessions()[++last_handle] = std::move(session);
  return last_handle;
}

// A size that the model leaves open may be anything, another only itself.
bool fits(const Shape &model_shape, std::span<const int64_t> shape) {
  return model_shape.size() == shape.size() &&
         std::equal(shape.begin(), shape.end(), model_shape.begin(),
                    [](int64_t size, int64_t expected) {
                      return size > 0 && (expected < 0 || size == expected);
                    });
}

bool set_shape(int64_t handle, Tensors which, int64_t index, std::span<const int64_t> shape) {
  Tensor *const tensor = find_tensor(handle, which, index);
  if (tensor == nullptr) return false;
  if (!fits(tensor->model_shape, shape)) return fail(ERR_ONNX_INVALID_PARAMETER);
  tensor->shape.assign(shape.begin(), shape.end());
  return true;
}

size_t size_of(ENUM_ONNX_DATA_TYPE type) {
  return type == ONNX_DATA_TYPE_FLOAT || type == ONNX_DATA_TYPE_INT32 ? 4 : 8;
}

bool matches(const Tensor &tensor, const TensorView &view, uint64_t flags) {
  if (!tensor.is_fixed()) return fail(ERR_ONNX_WRONG_DIMENSION);
  if (view.elements != tensor.elements()) return fail(ERR_ONNX_INVALID_PARAMETER_SIZE);
  if ((flags & ONNX_NO_CONVERSION) != 0 && view.type != tensor.type)
    return fail(ERR_ONNX_INVALID_PARAMETER_TYPE);
  return true;
}

bool get_type_info(int64_t handle, Tensors which, int64_t index, OnnxTypeInfo &info) {
  const Tensor *const tensor = find_tensor(handle, which, index);
  if (tensor == nullptr) return false;
  info.type = ONNX_TYPE_TENSOR;
  info.tensor.data_type = tensor->type;
  info.tensor.dimensions.resize(static_cast<int>(tensor->model_shape.size()));
  std::copy(tensor->model_shape.begin(), tensor->model_shape.end(), info.tensor.dimensions.data());
  return true;
}

}  // namespace

int64_t OnnxCreateFromBuffer(ArrayRef<const uint8_t> buffer, uint64_t) {
  return create({buffer.data(), static_cast<size_t>(buffer.size())});
}

int64_t OnnxCreate(const string &filename, uint64_t flags) {
  const int common = (flags & ONNX_COMMON_FOLDER) != 0 ? FILE_COMMON : 0;
  const int file = FileOpen(filename, FILE_READ | FILE_BIN | FILE_SHARE_READ | common);
  if (file == INVALID_HANDLE) return INVALID_HANDLE;
  Array<uint8_t> bytes;
  FileReadArray(file, bytes);
  FileClose(file);
  return OnnxCreateFromBuffer(bytes, flags);
}

bool OnnxRelease(int64_t handle) {
  const Session *const session = find(handle);
  if (session == nullptr) return false;
  Message request;
  request.add(static_cast<uint32_t>(Request::release)).add(session->number);
  const bool released = ask(request, ERR_ONNX_INTERNAL).has_value();
  sessions().erase(handle);
  return released;
}

int64_t OnnxGetInputCount(int64_t handle) {
  const Session *const session = find(handle);
  return session == nullptr ? -1 : static_cast<int64_t>(session->inputs.size());
}

int64_t OnnxGetOutputCount(int64_t handle) {
  const Session *const session = find(handle);
  return session == nullptr ? -1 : static_cast<int64_t>(session->outputs.size());
}

string OnnxGetInputName(int64_t handle, int64_t index) {
  const Tensor *const tensor = find_tensor(handle, &Session::inputs, index);
  return tensor == nullptr ? string(null) : tensor->name;
}

string OnnxGetOutputName(int64_t handle, int64_t index) {
  const Tensor *const tensor = find_tensor(handle, &Session::outputs, index);
  return tensor == nullptr ? string(null) : tensor->name;
}

bool OnnxGetInputTypeInfo(int64_t handle, int64_t index, OnnxTypeInfo &info) {
  return get_type_info(handle, &Session::inputs, index, info);
}

bool OnnxGetOutputTypeInfo(int64_t handle, int64_t index, OnnxTypeInfo &info) {
  return get_type_info(handle, &Session::outputs, index, info);
}

bool host::set_input_shape(int64_t handle, int64_t index, std::span<const int64_t> shape) {
  return set_shape(handle, &Session::inputs, index, shape);
}

bool host::set_output_shape(int64_t handle, int64_t index, std::span<const int64_t> shape) {
  return set_shape(handle, &Session::outputs, index, shape);
}

bool host::run_model(int64_t handle, uint64_t flags, std::span<const TensorView> arguments) {
  const Session *const session = find(handle);
  if (session == nullptr) return false;
  const auto &[number, inputs, outputs] = *session;
  if (arguments.size() != inputs.size() + outputs.size())
    return fail(ERR_ONNX_INVALID_PARAMETERS_COUNT);
  const auto given = arguments.first(inputs.size());
  const auto wanted = arguments.subspan(inputs.size());
  Message request;
  request.add(static_cast<uint32_t>(Request::run)).add(number);
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!matches(inputs[i], given[i], flags)) return false;
    request.add(static_cast<uint32_t>(given[i].type))
        .add(std::span<const int64_t>(inputs[i].shape));
    request.add(
        {static_cast<const uint8_t *>(given[i].data), given[i].elements * size_of(given[i].type)});
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!matches(outputs[i], wanted[i], flags)) return false;
    request.add(static_cast<uint32_t>(wanted[i].type));
  }
  std::optional<Message> answer = ask(request, ERR_ONNX_RUN_FAILED);
  if (!answer) return false;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const Shape shape = answer->take_numbers();
    const auto blob = answer->take_blob();
    if (shape != outputs[i].shape) return fail(ERR_ONNX_WRONG_DIMENSION);
    std::memcpy(wanted[i].data, blob.data(), blob.size());
  }
  return true;
}

}  // namespace mql
