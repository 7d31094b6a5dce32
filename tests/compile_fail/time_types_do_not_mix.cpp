// expect: WallClock
// expect: EventClock
#include <weir/time/instant.hpp>

#ifdef TWIN
weir::EventTime when(weir::EventTime event, weir::WallTime) { return event; }
#else
weir::EventTime when(weir::EventTime, weir::WallTime wall) { return wall; }
#endif
