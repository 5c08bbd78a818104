#include "script.hpp"

#include "exit_codes.hpp"
#include "expert.hpp"
#include "feed.hpp"

namespace mql::host {

int run_script() {
  Feed feed;
  while (feed.has_next()) feed.play_next();
  expert().start();
  return kExitRanToTheEnd;
}

}  // namespace mql::host
