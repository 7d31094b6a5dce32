#pragma once

#include <weir/weir.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "operators/desk.hpp"

// One source, one key_by, rolling features and a view of them, and what was read as lines that a reader can check by hand.

namespace board {

using desk::Event;
using desk::event;
using desk::Lines;
using desk::text;
using desk::Totals;
using desk::us;

inline const char* text(weir::ReadStatus status) {
  constexpr const char* names[] = {"fresh",     "stale",       "incomplete", "missing",
                                   "defaulted", "quarantined", "refused",    "closed"};
  return names[static_cast<std::size_t>(status)];
}
inline std::string text(const weir::Window& window) {
  return "[" + text(window.start) + "," + text(window.end) + ")";
}
/// `n/sum status` and what each window covers.
inline std::string text(const weir::Lookup<Totals>& read) {
  std::string line =
      std::to_string(read->n) + "/" + std::to_string(read->sum) + " " + std::string(text(read.status));
  for (const weir::Window& window : read.covered()) line += " " + text(window);
  return line;
}

/// Count and sum of the windows that `rolling` names.
inline auto totals(const weir::Rolling<1>& rolling) {
  return rolling.compute(weir::count().as(&Totals::n), weir::sum(&Event::value).as(&Totals::sum));
}
inline auto totals(const weir::RollingSpec& spec) { return totals(weir::rolling(spec)); }

template <class Row = Totals>
class Board {
 public:
  template <class... Parts>
  explicit Board(weir::WatermarkRule<Event> rule, weir::FeaturesSpec spec, Parts... parts)
      : lines_(std::make_unique<Lines>()) {
    weir::Graph graph{"board"};
    source_.emplace(graph.source<Event>("events", {.time = &Event::at, .watermark = rule}));
    auto rows = *source_ | weir::key_by(&Event::key, {.name = "keys"}) |
                weir::features<Row>(std::move(spec), std::move(parts)...);
    rows.late() | weir::sink("late", [lines = lines_.get()](const weir::Late<Event>& late) {
      lines->push_back(text(late));
    });
    view_.emplace(rows | weir::view("view"));
    pipeline_.emplace(std::move(graph).build().value());
  }

  Board& push(std::int64_t key, std::int64_t at, std::int64_t value = 1) {
    pipeline_->push(*source_, event(key, at, value));
    return *this;
  }
  Board& push(const std::vector<Event>& events) {
    pipeline_->push(*source_, std::span<const Event>(events));
    return *this;
  }
  Board& advance(std::int64_t to) {
    static_cast<void>(pipeline_->advance(*source_, weir::event_time(to)));
    return *this;
  }
  Board& finish() {
    static_cast<void>(pipeline_->finish());
    return *this;
  }
  [[nodiscard]] weir::Lookup<Row> read(std::int64_t key, std::int64_t at) {
    return pipeline_->lookup(*view_, key, {.as_of = weir::event_time(at)});
  }
  [[nodiscard]] weir::Lookup<Row> latest(std::int64_t key) { return pipeline_->lookup(*view_, key); }
  [[nodiscard]] std::string line(std::int64_t key, std::int64_t at) { return text(read(key, at)); }
  /// The late records since it was asked last.
  Lines late() { return std::exchange(*lines_, {}); }
  [[nodiscard]] const weir::OperatorStats& stats(std::string_view name = "features") const {
    return pipeline_->stats(name);
  }
  [[nodiscard]] weir::Pipeline& pipeline() { return *pipeline_; }
  [[nodiscard]] const weir::Source<Event>& source() const { return *source_; }
  [[nodiscard]] const weir::View<std::int64_t, Row>& view() const { return *view_; }

 private:
  std::unique_ptr<Lines> lines_;
  std::optional<weir::Source<Event>> source_;
  std::optional<weir::View<std::int64_t, Row>> view_;
  std::optional<weir::Pipeline> pipeline_;
};

}  // namespace board
