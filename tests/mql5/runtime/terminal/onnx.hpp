// Models inside the terminal: Onnx* over ONNX Runtime, which a child process runs (onnx_bridge.py).
//
// Arrays of numbers of any dimensions are tensors; a tensor may also be given as one flat array of
// as many elements. A Windows build has no bridge: there OnnxCreate fails with
// ERR_ONNX_NOT_SUPPORTED.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <type_traits>

#include "array.hpp"
#include "string.hpp"
#include "types.hpp"

namespace mql {

inline constexpr int ERR_ONNX_INTERNAL = 5800;
inline constexpr int ERR_ONNX_NOT_INITIALIZED = 5801;
inline constexpr int ERR_ONNX_NOT_SUPPORTED = 5802;
inline constexpr int ERR_ONNX_RUN_FAILED = 5803;
inline constexpr int ERR_ONNX_INVALID_PARAMETERS_COUNT = 5804;
inline constexpr int ERR_ONNX_INVALID_PARAMETER = 5805;
inline constexpr int ERR_ONNX_INVALID_PARAMETER_TYPE = 5806;
inline constexpr int ERR_ONNX_INVALID_PARAMETER_SIZE = 5807;
inline constexpr int ERR_ONNX_WRONG_DIMENSION = 5808;

// The numbers are the host's own: the documentation gives none.
enum ENUM_ONNX_FLAGS {
  ONNX_DEFAULT = 0,
  ONNX_NO_CONVERSION = 2,
  ONNX_COMMON_FOLDER = 4,
  ONNX_USE_CPU_ONLY = 8,
  ONNX_LOGLEVEL_VERBOSE = 16,
  ONNX_LOGLEVEL_WARNING = 32,
  ONNX_LOGLEVEL_ERROR = 64
};

enum ENUM_ONNX_TYPE {
  ONNX_TYPE_UNKNOWN,
  ONNX_TYPE_TENSOR,
  ONNX_TYPE_SEQUENCE,
  ONNX_TYPE_MAP,
  ONNX_TYPE_OPAQUE,
  ONNX_TYPE_SPARSETENSOR
};

// ONNX's own numbers (TensorProto.DataType).
enum ENUM_ONNX_DATA_TYPE {
  ONNX_DATA_TYPE_UNDEFINED = 0,
  ONNX_DATA_TYPE_FLOAT = 1,
  ONNX_DATA_TYPE_INT32 = 6,
  ONNX_DATA_TYPE_INT64 = 7,
  ONNX_DATA_TYPE_DOUBLE = 11
};

struct OnnxTensorTypeInfo {
  ENUM_ONNX_DATA_TYPE data_type = ONNX_DATA_TYPE_UNDEFINED;
  Array<int64_t> dimensions;  // -1 where the model leaves it open
};

struct OnnxTypeInfo {
  ENUM_ONNX_TYPE type = ONNX_TYPE_UNKNOWN;
  OnnxTensorTypeInfo tensor;
};

// The file lies in the folder that FileOpen reads. INVALID_HANDLE where it is no model.
int64_t OnnxCreate(const string &filename, uint64_t flags);
int64_t OnnxCreateFromBuffer(ArrayRef<const uint8_t> buffer, uint64_t flags);
bool OnnxRelease(int64_t handle);

int64_t OnnxGetInputCount(int64_t handle);
int64_t OnnxGetOutputCount(int64_t handle);
string OnnxGetInputName(int64_t handle, int64_t index);
string OnnxGetOutputName(int64_t handle, int64_t index);
bool OnnxGetInputTypeInfo(int64_t handle, int64_t index, OnnxTypeInfo &info);
bool OnnxGetOutputTypeInfo(int64_t handle, int64_t index, OnnxTypeInfo &info);

namespace host {

// One argument of OnnxRun: a tensor's memory, row by row.
struct TensorView {
  ENUM_ONNX_DATA_TYPE type;
  void *data;
  size_t elements;
};

template <class T>
constexpr ENUM_ONNX_DATA_TYPE tensor_type() {
  if constexpr (std::is_same_v<T, float>) return ONNX_DATA_TYPE_FLOAT;
  if constexpr (std::is_same_v<T, double>) return ONNX_DATA_TYPE_DOUBLE;
  if constexpr (std::is_same_v<T, int32_t>) return ONNX_DATA_TYPE_INT32;
  if constexpr (std::is_same_v<T, int64_t>) return ONNX_DATA_TYPE_INT64;
  return ONNX_DATA_TYPE_UNDEFINED;
}

template <class T>
constexpr size_t flat_count(const T *, size_t count) {
  static_assert(tensor_type<T>() != ONNX_DATA_TYPE_UNDEFINED,
                "tensors here are arrays of float, double, int or long");
  return count;
}
template <class T, int N>
constexpr size_t flat_count(const Fixed<T, N> *, size_t count) {
  return flat_count(static_cast<const T *>(nullptr), count * static_cast<size_t>(N));
}

template <class T>
struct Innermost {
  using type = T;
};
template <class T, int N>
struct Innermost<Fixed<T, N>> : Innermost<T> {};

template <AnyArray A>
TensorView tensor_view(A &array) {
  using Element = std::remove_const_t<typename std::remove_const_t<A>::Element>;
  const Element *const data = array.data();
  return {tensor_type<typename Innermost<Element>::type>(), const_cast<Element *>(data),
          flat_count(data, static_cast<size_t>(array.size()))};
}

bool run_model(int64_t handle, uint64_t flags, std::span<const TensorView> arguments);
bool set_input_shape(int64_t handle, int64_t index, std::span<const int64_t> shape);
bool set_output_shape(int64_t handle, int64_t index, std::span<const int64_t> shape);

// A shape is an array of long or ulong.
template <AnyArray A>
std::span<const int64_t> shape_of(const A &shape) {
  static_assert(sizeof(*shape.data()) == sizeof(int64_t), "a shape is an array of long or ulong");
  return {reinterpret_cast<const int64_t *>(shape.data()), static_cast<size_t>(shape.size())};
}

}  // namespace host

template <AnyArray A>
bool OnnxSetInputShape(int64_t handle, int64_t index, const A &shape) {
  return host::set_input_shape(handle, index, host::shape_of(shape));
}
template <AnyArray A>
bool OnnxSetOutputShape(int64_t handle, int64_t index, const A &shape) {
  return host::set_output_shape(handle, index, host::shape_of(shape));
}

// First the model's inputs, then its outputs; all shapes must be known by now.
template <AnyArray... Tensors>
bool OnnxRun(int64_t handle, uint64_t flags, Tensors &&...tensors) {
  const std::array<host::TensorView, sizeof...(Tensors)> views{host::tensor_view(tensors)...};
  return host::run_model(handle, flags, views);
}

}  // namespace mql
