// A script: OnStart, once, on a chart that shows the whole file up to `to`.
#pragma once

namespace mql::host {

int run_script();

}  // namespace mql::host
