#pragma once

#include <weir/weir.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

// One source, one key_by, one windowed aggregate, and what comes out as lines that a reader can check by hand.

namespace desk {

struct Event {
  std::int64_t key = 0;
  std::int64_t value = 0;
  weir::EventTime at{};
};

struct Totals {
  std::int64_t n = 0;
  std::int64_t sum = 0;

  friend bool operator==(const Totals&, const Totals&) = default;
};

using Row = weir::Windowed<std::int64_t, Totals>;
using Lines = std::vector<std::string>;

inline weir::Duration us(std::int64_t ticks) { return weir::Duration{ticks}; }
inline Event event(std::int64_t key, std::int64_t at, std::int64_t value = 1) {
  return {.key = key, .value = value, .at = weir::event_time(at)};
}

inline std::string text(weir::EventTime at) {
  if (at == weir::no_time) return "-inf";
  return at == weir::end_of_time ? "inf" : std::to_string(weir::ticks(at));
}

/// `key [start,end) n/sum timing#index`, then `.` if the pane is final; a retraction starts with `-`.
inline std::string text(const Row& row) {
  constexpr const char* timings[] = {"early", "on_time", "late"};
  return (row.pane.is_retraction ? "-" : "") + std::to_string(row.key) + " [" + text(row.window.start) + "," +
         text(row.window.end) + ") " + std::to_string(row.value.n) + "/" + std::to_string(row.value.sum) +
         " " + timings[static_cast<std::size_t>(row.pane.timing)] + "#" + std::to_string(row.pane.index) +
         (row.pane.is_final ? "." : "");
}

/// `late key@time hit/missed W watermark`
inline std::string text(const weir::Late<Event>& late) {
  return "late " + std::to_string(late.record.key) + "@" + text(late.time) + " " +
         std::to_string(late.windows_hit) + "/" + std::to_string(late.windows_missed) + " W " +
         text(late.watermark);
}

inline auto totals(std::string name) {
  return weir::aggregate<Totals>(std::move(name), weir::count().as(&Totals::n),
                                 weir::sum(&Event::value).as(&Totals::sum));
}

class Desk {
 public:
  template <class Shape>
  explicit Desk(Shape shape, weir::WatermarkRule<Event> rule = weir::host_driven(), weir::KeyBySpec keys = {})
      : lines_(std::make_unique<Lines>()) {
    weir::Graph graph{"desk"};
    source_.emplace(graph.source<Event>("events", {.time = &Event::at, .watermark = rule}));
    auto rows = *source_ | weir::key_by(&Event::key, keys) | std::move(shape) | totals("windows");
    rows | weir::sink("rows", [lines = lines_.get()](const Row& row) { lines->push_back(text(row)); });
    rows.late() | weir::sink("late", [lines = lines_.get()](const weir::Late<Event>& late) {
      lines->push_back(text(late));
    });
    pipeline_.emplace(std::move(graph).build().value());
  }

  Desk& push(std::int64_t key, std::int64_t at, std::int64_t value = 1) {
    admit_ = pipeline_->push(*source_, event(key, at, value));
    return *this;
  }
  Desk& advance(std::int64_t to) {
    status_ = pipeline_->advance(*source_, weir::event_time(to));
    return *this;
  }
  Desk& finish() {
    status_ = pipeline_->finish();
    return *this;
  }
  /// What came out since it was asked last.
  Lines take() { return std::exchange(*lines_, {}); }
  [[nodiscard]] weir::Admit admit() const { return admit_; }
  [[nodiscard]] const absl::Status& status() const { return status_; }
  [[nodiscard]] const weir::OperatorStats& stats(std::string_view name = "windows") const {
    return pipeline_->stats(name);
  }
  [[nodiscard]] std::uint64_t live() const { return pipeline_->live_windows("windows"); }
  [[nodiscard]] weir::Pipeline& pipeline() { return *pipeline_; }
  [[nodiscard]] const weir::Source<Event>& source() const { return *source_; }

 private:
  std::unique_ptr<Lines> lines_;
  std::optional<weir::Source<Event>> source_;
  std::optional<weir::Pipeline> pipeline_;
  weir::Admit admit_ = weir::Admit::refused;
  absl::Status status_;
};

}  // namespace desk
