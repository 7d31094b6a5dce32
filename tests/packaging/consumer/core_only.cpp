// Needs the headers only: what weir::core promises.
#include <weir/time/instant.hpp>

static_assert(weir::ticks(weir::event_time(7)) == 7);
