#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// \file
/// One case of the corpus in memory, in the words of cases/README.md. All times are the corpus's own:
/// inclusive watermarks.

namespace conformance {

/// The result of one aggregate: nothing, a whole number, a real number, or all values in rising order.
using Value = std::variant<std::monostate, std::int64_t, double, std::vector<std::int64_t>>;

/// Something an operator lets out. Only the members that its kind has are set.
struct Emission {
  enum class Kind { row, late, watermark, idle, active, record, reading };

  Kind kind = Kind::row;
  std::string key;
  std::optional<std::int64_t> start;
  std::optional<std::int64_t> end;
  std::map<std::string, Value> aggs;
  std::string timing;
  std::optional<std::int64_t> pane;
  std::int64_t at = 0;     ///< the time of a late event or a record, or the watermark
  std::int64_t value = 0;  ///< the value of a late event or a record
  std::string read;        ///< what state holds, as JSON

  friend bool operator==(const Emission&, const Emission&) = default;
};

struct Event {
  std::string key;
  std::int64_t at = 0;
  std::int64_t value = 0;
  std::int64_t gap = 0;
  bool punctuation = false;
  bool with_next = false;  ///< pushed in one batch with the event after it (metamorphic checks only)
};

struct Step {
  enum class Action {
    event,
    watermark,
    clock,
    tick,
    input_watermark,
    input_status,
    snapshot_restore,
    keep_snapshot,
    go_back,
    put,
    get,
    remove
  };

  Action action = Action::tick;
  Event event;
  std::int64_t number = 0;  ///< the watermark or the clock
  std::string input;
  std::string snapshot;  ///< the name of one that is kept
  std::string status;
  std::string written;  ///< what is put into state, as JSON
  std::vector<Emission> emit;
  bool reject = false;
  std::optional<std::uint64_t> live_windows;
  std::uint64_t unknown_checks = 0;  ///< checks this runner cannot make at all, such as `buffered`
};

struct Assigner {
  std::string type;
  std::int64_t size = 0;
  std::int64_t slide = 0;  ///< of `sliding` and `count`; 0: not given
  std::int64_t step = 0;
  std::int64_t offset = 0;
  std::int64_t gap = 0;
  std::string gap_field;
  bool merge_touching = true;
  bool partial = false;
};

struct Trigger {
  enum class Late { every, held, closed };

  std::string type = "event_time";
  std::int64_t n = 0;
  std::int64_t interval = 0;
  std::int64_t early = 0;  ///< 0: none
  Late late = Late::closed;
  std::int64_t late_every = 0;
};

struct Strategy {
  std::string type;
  std::int64_t delay = 0;
};

struct Operator {
  std::string type;
  Assigner assigner;
  Trigger trigger;
  std::vector<std::string> aggregates{"count", "sum"};
  bool discarding = false;
  bool late_to_side = false;
  bool close_always = false;
  bool panes = false;
  std::int64_t allowed_lateness = 0;
  std::string late_check = "window";
  std::optional<Strategy> strategy;
  std::optional<std::int64_t> idle_timeout;
  std::vector<std::string> inputs;
  std::int64_t ttl = 0;
  bool by_event_time = false;         ///< of `dedup`
  bool refresh_on_duplicate = false;  ///< of `dedup`
  bool refresh_on_read = false;       ///< of `ttl_state`
};

/// `final`: what holds after the last step.
struct Final {
  std::optional<std::uint64_t> late_dropped;
  std::optional<std::uint64_t> live_windows;
  std::uint64_t unknown_checks = 0;
};

struct Case {
  std::string id;
  std::string semantics = "flink";
  std::vector<std::string> features;
  Operator op;
  std::vector<Step> steps;
  Final final;
};

}  // namespace conformance
