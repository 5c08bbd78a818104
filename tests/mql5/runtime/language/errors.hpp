// The last error, and the codes of the errors that are not the terminal's: see market.hpp, charts,
// sockets and the others for theirs.
#pragma once

#include <cstdint>

namespace mql {

inline constexpr int ERR_SUCCESS = 0;
inline constexpr int ERR_INTERNAL_ERROR = 4001;
inline constexpr int ERR_WRONG_INTERNAL_PARAMETER = 4002;
inline constexpr int ERR_INVALID_PARAMETER = 4003;
inline constexpr int ERR_NOT_ENOUGH_MEMORY = 4004;
inline constexpr int ERR_STRUCT_WITHOBJECTS_ORCLASS = 4005;
inline constexpr int ERR_INVALID_ARRAY = 4006;
inline constexpr int ERR_ARRAY_RESIZE_ERROR = 4007;
inline constexpr int ERR_STRING_RESIZE_ERROR = 4008;
inline constexpr int ERR_NOTINITIALIZED_STRING = 4009;
inline constexpr int ERR_INVALID_DATETIME = 4010;
inline constexpr int ERR_ARRAY_BAD_SIZE = 4011;
inline constexpr int ERR_INVALID_POINTER = 4012;
inline constexpr int ERR_INVALID_POINTER_TYPE = 4013;
inline constexpr int ERR_FUNCTION_NOT_ALLOWED = 4014;
inline constexpr int ERR_RESOURCE_NAME_DUPLICATED = 4015;
inline constexpr int ERR_RESOURCE_NOT_FOUND = 4016;
inline constexpr int ERR_RESOURCE_UNSUPPOTED_TYPE = 4017;  // so spelt in MQL5
inline constexpr int ERR_RESOURCE_NAME_IS_TOO_LONG = 4018;
inline constexpr int ERR_MATH_OVERFLOW = 4019;
inline constexpr int ERR_SLEEP_ERROR = 4020;
inline constexpr int ERR_PROGRAM_STOPPED = 4022;

inline constexpr int ERR_TOO_MANY_FILES = 5001;
inline constexpr int ERR_WRONG_FILENAME = 5002;
inline constexpr int ERR_TOO_LONG_FILENAME = 5003;
inline constexpr int ERR_CANNOT_OPEN_FILE = 5004;
inline constexpr int ERR_FILE_CACHEBUFFER_ERROR = 5005;
inline constexpr int ERR_CANNOT_DELETE_FILE = 5006;
inline constexpr int ERR_INVALID_FILEHANDLE = 5007;
inline constexpr int ERR_WRONG_FILEHANDLE = 5008;
inline constexpr int ERR_FILE_NOTTOWRITE = 5009;
inline constexpr int ERR_FILE_NOTTOREAD = 5010;
inline constexpr int ERR_FILE_NOTBIN = 5011;
inline constexpr int ERR_FILE_NOTTXT = 5012;
inline constexpr int ERR_FILE_NOTTXTORCSV = 5013;
inline constexpr int ERR_FILE_NOTCSV = 5014;
inline constexpr int ERR_FILE_READERROR = 5015;
inline constexpr int ERR_FILE_BINSTRINGSIZE = 5016;
inline constexpr int ERR_INCOMPATIBLE_FILE = 5017;
inline constexpr int ERR_FILE_IS_DIRECTORY = 5018;
inline constexpr int ERR_FILE_NOT_EXIST = 5019;
inline constexpr int ERR_FILE_CANNOT_REWRITE = 5020;
inline constexpr int ERR_WRONG_DIRECTORYNAME = 5021;
inline constexpr int ERR_DIRECTORY_NOT_EXIST = 5022;
inline constexpr int ERR_FILE_ISNOT_DIRECTORY = 5023;
inline constexpr int ERR_CANNOT_DELETE_DIRECTORY = 5024;
inline constexpr int ERR_CANNOT_CLEAN_DIRECTORY = 5025;
inline constexpr int ERR_FILE_WRITEERROR = 5026;

inline constexpr int ERR_NO_STRING_DATE = 5030;
inline constexpr int ERR_WRONG_STRING_DATE = 5031;
inline constexpr int ERR_WRONG_STRING_TIME = 5032;
inline constexpr int ERR_STRING_TIME_ERROR = 5033;
inline constexpr int ERR_STRING_OUT_OF_MEMORY = 5034;
inline constexpr int ERR_STRING_SMALL_LEN = 5035;
inline constexpr int ERR_STRING_TOO_BIGNUMBER = 5036;
inline constexpr int ERR_WRONG_FORMATSTRING = 5037;
inline constexpr int ERR_TOO_MANY_FORMATTERS = 5038;
inline constexpr int ERR_TOO_MANY_PARAMETERS = 5039;
inline constexpr int ERR_WRONG_STRING_PARAMETER = 5040;
inline constexpr int ERR_STRINGPOS_OUTOFRANGE = 5041;
inline constexpr int ERR_STRING_ZEROADDED = 5042;
inline constexpr int ERR_STRING_UNKNOWNTYPE = 5043;
inline constexpr int ERR_WRONG_STRING_OBJECT = 5044;

inline constexpr int ERR_INCOMPATIBLE_ARRAYS = 5050;
inline constexpr int ERR_SMALL_ASSERIES_ARRAY = 5051;
inline constexpr int ERR_SMALL_ARRAY = 5052;
inline constexpr int ERR_ZEROSIZE_ARRAY = 5053;
inline constexpr int ERR_NUMBER_ARRAYS_ONLY = 5054;
inline constexpr int ERR_ONEDIM_ARRAYS_ONLY = 5055;
inline constexpr int ERR_SERIES_ARRAY = 5056;
inline constexpr int ERR_DOUBLE_ARRAY_ONLY = 5057;
inline constexpr int ERR_FLOAT_ARRAY_ONLY = 5058;
inline constexpr int ERR_LONG_ARRAY_ONLY = 5059;
inline constexpr int ERR_INT_ARRAY_ONLY = 5060;
inline constexpr int ERR_SHORT_ARRAY_ONLY = 5061;
inline constexpr int ERR_CHAR_ARRAY_ONLY = 5062;
inline constexpr int ERR_STRING_ARRAY_ONLY = 5063;

inline constexpr int ERR_USER_ERROR_FIRST = 65536;

int GetLastError();
void ResetLastError();
void SetUserError(uint16_t user_error);

namespace host {

void set_error(int code);

}  // namespace host
}  // namespace mql
