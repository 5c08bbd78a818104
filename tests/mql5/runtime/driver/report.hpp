// What a run did, as JSON, in the file that `report` names.
#pragma once

namespace mql::host {

// Called when the program and its globals are gone, and after a critical error.
void finish_report();

}  // namespace mql::host
