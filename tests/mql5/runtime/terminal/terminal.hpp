// What the terminal adds to the language: everything a program may call beyond arrays, strings,
// mathematics, conversion and files.
#pragma once

#include "account.hpp"
#include "charts.hpp"
#include "clock.hpp"
#include "dll.hpp"
#include "events.hpp"
#include "history.hpp"
#include "information.hpp"
#include "onnx.hpp"
#include "orders.hpp"
#include "positions.hpp"
#include "program.hpp"
#include "series.hpp"
#include "sockets.hpp"
#include "statistics.hpp"
#include "symbol.hpp"
#include "timeframes.hpp"
#include "trade_types.hpp"
