#include "errors.hpp"

namespace mql {
namespace {

int last_error = ERR_SUCCESS;

}  // namespace

int GetLastError() { return last_error; }
void ResetLastError() { last_error = ERR_SUCCESS; }
void SetUserError(uint16_t user_error) { last_error = ERR_USER_ERROR_FIRST + user_error; }
void host::set_error(int code) { last_error = code; }

}  // namespace mql
