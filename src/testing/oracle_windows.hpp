#pragma once

#include <map>
#include <optional>
#include <vector>

#include <weir/testing/oracle.hpp>

/// \file
/// The operator half of the oracle: what windows make of records and watermarks.

namespace weir::inline v0::testing::oracle {

/// Instants and sums of instants without saturation.
__extension__ using Wide = __int128;

inline Ticks saturated(Wide value) {
  if (value < Wide{no_time}) return no_time;
  if (value > Wide{end_of_time}) return end_of_time;
  return static_cast<Ticks>(value);
}

inline Wide floor_quotient(Wide value, Wide divisor) {
  Wide quotient = value / divisor;
  if (quotient * divisor > value) --quotient;
  return quotient;
}

/// Ages of windows whose keys are in the operator's list start here.
inline constexpr std::uint64_t listed = std::uint64_t{1} << 40U;

inline void note(Reached& reached, Rare rule) { ++reached[static_cast<std::size_t>(rule)]; }

class WindowSide {
 public:
  void start(const WindowConfig& config, Outcome& outcome, Reached& reached);
  void process(const Record& record);
  /// W rises to `watermark`.
  void publish(Ticks watermark);

 private:
  struct Span {
    Wide start = 0;
    Wide end = 0;
  };
  struct Taken {  // a record that reached the operator
    Record record{};
    Ticks watermark = no_time;  // when it arrived
    bool dropped = false;       // by drop_whole
    bool emitted = false;       // sessions: in some pane of its session
    std::uint64_t session = 0;  // sessions: the one it is in; 0: none
  };
  struct Live {  // a window of a key that has not closed yet
    Ticks key = 0;
    Span span{};
    Wide last_time = 0;              // sessions: newest record
    std::uint64_t age = 0;           // order of first touch; sessions: their id
    std::uint64_t taken = 0;         // sessions: records ever
    std::size_t emitted_before = 0;  // grids: records that arrived before this one were in some pane
    std::optional<Wide> next_early{};
    std::uint32_t fired = 0;
    std::uint64_t number = 0;
    bool ended_by_marker = false;
    bool end_passed = false;
    bool fired_at_close = false;  // with its final, on-time pane
    bool by_emit_empty = false;
    Row last_row{};
  };

  struct Touch {  // a key and a pane that no window has covered yet
    Wide pane = 0;
    Ticks key = 0;
  };

  bool is_session() const { return config_.kind == Kind::session; }
  bool has_grace() const;
  bool has_caps() const;
  Ticks closes_at(const Span& span) const;
  std::uint32_t records_per_late_pane() const;
  bool holds(const Live& window, std::size_t index) const;
  bool is_new(const Live& window, std::size_t index) const;
  std::size_t count_new(const Live& window) const;
  std::size_t count_contents(const Live& window) const;

  void assign(Ticks time);
  void process_grid(const Record& record);
  void process_session(const Record& record);
  void process_count(const Record& record);
  Wide next_multiple(Wide after) const;
  Live& touch(const Record& record, const Span& span);
  Live& open(const Record& record, const Span& span);
  std::uint64_t number_for(Ticks key);
  void took_one(Live& window, const Record& record);
  void report(const Record& record, std::uint32_t hit, std::uint32_t missed);

  bool touches(const Span& a, const Span& b) const;
  void find_partners(const Record& record, const Span& own);
  Live& merge_partners(const Record& record, const Span& own);

  bool keeps_list() const;
  Wide pane_width() const;
  Wide pane_of(Wide at) const;
  Wide index_of(const Span& span) const;
  Wide last_pane(Wide index) const;
  Wide first_open(Ticks watermark) const;
  void pass(Wide next);
  void enlist(Ticks key);
  void note_touch(const Record& record);
  void order_keys(const Span& span);

  Wide deadline(const Live& window) const;
  int rank(const Live& window) const;
  bool is_before(const Live& a, const Live& b) const;
  void make_empty_windows(Ticks before);
  void make_empty_window(Ticks key, const Span& span, Ticks before);
  void act(std::size_t live_index, Ticks before);
  void act_early(Live& window);
  void act_at_end(Live& window);
  void act_at_close(Live& window, Ticks before);
  void fire(Live& window, Timing timing, Ticks as_of, bool is_final);
  void summarise(const Live& window, Row& row) const;
  static void add(Row& row, Wide& sum, const Record& record, Ticks& first_at, Ticks& last_at);

  WindowConfig config_{};
  Outcome* out_ = nullptr;
  Reached* reached_ = nullptr;
  Ticks watermark_ = no_time;
  std::uint64_t next_age_ = 0;
  std::vector<Taken> taken_{};
  std::vector<Live> live_{};
  std::map<Ticks, std::uint64_t> numbers_{};  // by key: sessions opened since it had none
  std::vector<Ticks> list_{};                 // keys in the order of their rows, see `order_keys`
  std::vector<Touch> touches_{};              // by arrival
  std::optional<Wide> next_{};                // the lowest window whose end has not been passed
  std::vector<Span> spans_{};                 // of the record in hand
  std::vector<std::size_t> partners_{};       // indices into live_
};

}  // namespace weir::inline v0::testing::oracle
