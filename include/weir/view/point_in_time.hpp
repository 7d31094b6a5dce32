#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <weir/aggregate/feature.hpp>
#include <weir/graph/graph.hpp>
#include <weir/view/view.hpp>

/// \file
/// Training sets: rows as they would have been looked up in the past, made by the pipeline that serves them.

namespace weir::inline v0 {

/// A question to the past: the row of a key at an instant.
template <class Key>
struct Label {
  Key key{};
  EventTime as_of{};
  /// With `Knowledge::as_known`: the row sees what had become known before this instant.
  EventTime known_at = end_of_time;
};

/// Which records a row may see, besides that none is at or after `as_of`.
enum class Knowledge : std::uint8_t {
  all_on_time,  ///< every record that comes before the watermark reaches `as_of` (default)
  as_known,     ///< every record that had become known before the label's `known_at`, see `History::known_at`
};

/// How far `point_in_time` has come.
struct ReplayProgress {
  std::uint64_t rows = 0;
  std::uint64_t labels = 0;  ///< rows there are going to be
  std::uint64_t records = 0;
  EventTime position = no_time;                   ///< the watermark of the history
  std::optional<double> records_per_second = {};  ///< with a clock
  std::optional<std::chrono::duration<double>> remaining =
      {};  ///< with a clock, from the share of labels that are done
};

/// Options of `point_in_time`.
struct PointInTimeSpec {
  Knowledge knowledge = Knowledge::all_on_time;
  /// Called every so many records; false stops.
  std::optional<absl::FunctionRef<bool(const ReplayProgress&)>> progress = std::nullopt;
  std::uint64_t progress_every = 1'000'000;
  /// The host's clock, for rate and remaining time.
  std::optional<absl::FunctionRef<WallTime()>> clock = std::nullopt;
};

/// A row of a training set.
template <class Key, class Row>
struct TrainingRow {
  std::size_t label = 0;  ///< the place of its label
  Key key{};
  EventTime as_of = no_time;
  ReadStatus status = ReadStatus::missing;
  EventTime event_time = no_time;
  std::uint64_t definition = 0;  ///< see `Lookup`
  Row value{};
};

/// The past records of a source, in the order in which they came. See `history`.
template <class Record, class Next, class KnownAt>
struct History {
  Source<Record> source;
  Next next;  ///< gives a pointer to the next record, null at the end
  KnownAt known;

  /// When a record became known, for `Knowledge::as_known`: a member or a callable that gives an EventTime. The records must
  /// come in this order.
  template <class Function>
  [[nodiscard]] History<Record, Next, Function> known_at(Function function) && {
    return {source, std::move(next), std::move(function)};
  }
};

namespace detail {

struct NeverKnown {};

/// Records that lie in memory.
template <class Record>
class SpanOfRecords {
 public:
  explicit SpanOfRecords(std::span<const Record> records) : records_(records) {}
  const Record* operator()() { return at_ < records_.size() ? &records_[at_++] : nullptr; }

 private:
  std::span<const Record> records_;
  std::size_t at_ = 0;
};

/// Records that a callable gives one by one.
template <class Record, class Generate>
class GeneratedRecords {
 public:
  explicit GeneratedRecords(Generate generate) : generate_(std::move(generate)) {}
  const Record* operator()() {
    record_ = generate_();
    return record_.has_value() ? &*record_ : nullptr;
  }

 private:
  Generate generate_;
  std::optional<Record> record_;
};

/// One history that is being pushed.
template <class Record, class Next, class KnownAt>
class Replayed {
 public:
  static constexpr bool says_when_known = !std::is_same_v<KnownAt, NeverKnown>;

  explicit Replayed(History<Record, Next, KnownAt>& history) : history_(&history) { step(); }

  [[nodiscard]] bool has_more() const noexcept { return head_ != nullptr; }
  /// What the histories are merged by: when the next record became known, or else when it happened.
  [[nodiscard]] EventTime order() const {
    if constexpr (says_when_known) {
      return project(history_->known, *head_);
    } else {
      return history_->source.time_of(*head_);
    }
  }
  [[nodiscard]] EventTime watermark(const Pipeline& pipeline) const {
    return has_more() ? pipeline.watermark(history_->source) : end_of_time;
  }
  absl::Status push(Pipeline& pipeline) {
    if (pipeline.push(history_->source, *head_) == Admit::refused) {
      if (absl::Status poisoned = pipeline.status(); !poisoned.ok()) return poisoned;
      return absl::InvalidArgumentError("point_in_time: a history's source belongs to another graph");
    }
    step();
    return absl::OkStatus();
  }

 private:
  void step() { head_ = history_->next(); }

  History<Record, Next, KnownAt>* history_;
  const Record* head_ = nullptr;
};

/// Why labels and histories do not go together; OK if they do.
[[nodiscard]] absl::Status check_knowledge(Knowledge knowledge, bool says_when_known);
/// Why rows of an operator without a past cannot be asked for by event time.
[[nodiscard]] absl::Status no_past();
/// Rate and remaining time.
void estimate(ReplayProgress& progress, WallTime start, WallTime now);

/// One run of `point_in_time`.
template <class Key, class Row, class OnRow, class... Histories>
class PointInTime {
 public:
  PointInTime(Pipeline pipeline, const View<Key, Row>& view, std::span<const Label<Key>> labels,
              const PointInTimeSpec& spec, OnRow& on_row, Histories&... histories)
      : pipeline_(std::move(pipeline)),
        view_(&view),
        labels_(labels),
        spec_(&spec),
        on_row_(&on_row),
        replayed_(Replayed(histories)...) {
    order_.resize(labels.size());
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::sort(order_.begin(), order_.end(), [this](std::size_t a, std::size_t b) {
      return std::pair(due(labels_[a]), a) < std::pair(due(labels_[b]), b);
    });
    progress_.labels = labels.size();
  }

  absl::Status run() {
    if (spec_->clock) start_ = (*spec_->clock)();
    if (!hold()) return no_past();
    std::size_t next = 0;
    while (find_next(next)) {
      if (spec_->knowledge == Knowledge::as_known) answer_through(order_of(next));
      if (absl::Status pushed = push(next); !pushed.ok()) return pushed;
      ++progress_.records;
      if (spec_->knowledge == Knowledge::all_on_time) {
        progress_.position = position();
        answer_through(progress_.position);
      }
      if (progress_.records % std::max<std::uint64_t>(1, spec_->progress_every) == 0 && !goes_on())
        return absl::CancelledError("point_in_time: stopped by progress after " +
                                    std::to_string(progress_.records) + " records");
    }
    answer_through(end_of_time);
    static_cast<void>(goes_on());
    return pipeline_.status();
  }

 private:
  static constexpr auto indices = std::index_sequence_for<Histories...>{};

  [[nodiscard]] EventTime due(const Label<Key>& label) const {
    return spec_->knowledge == Knowledge::as_known ? label.known_at : label.as_of;
  }
  /// Keeps the instants of all labels to come readable.
  bool hold() {
    if (spec_->knowledge == Knowledge::as_known) return true;
    return view_->hold(answered_ < order_.size() ? labels_[order_[answered_]].as_of : end_of_time);
  }
  void answer_through(EventTime reached) {
    if (answered_ == order_.size() || due(labels_[order_[answered_]]) > reached) return;
    while (answered_ < order_.size() && due(labels_[order_[answered_]]) <= reached) {
      const Label<Key>& label = labels_[order_[answered_]];
      pipeline_.lookup(*view_, label.key, {.as_of = label.as_of}, found_);
      (*on_row_)(order_[answered_], std::as_const(found_));
      ++answered_;
      ++progress_.rows;
    }
    static_cast<void>(hold());
  }
  [[nodiscard]] bool goes_on() {
    if (!spec_->progress) return true;
    if (spec_->clock) estimate(progress_, start_, (*spec_->clock)());
    return (*spec_->progress)(std::as_const(progress_));
  }

  /// The history whose next record comes first; false if all are at their end.
  bool find_next(std::size_t& next) { return find_next(next, indices); }
  template <std::size_t... i>
  bool find_next(std::size_t& next, std::index_sequence<i...>) {
    bool is_found = false;
    EventTime first = end_of_time;
    const auto look = [&](const auto& one, std::size_t index) {
      if (!one.has_more() || (is_found && one.order() >= first)) return;
      is_found = true;
      first = one.order();
      next = index;
    };
    (look(std::get<i>(replayed_), i), ...);
    return is_found;
  }
  [[nodiscard]] EventTime order_of(std::size_t history) { return order_of(history, indices); }
  template <std::size_t... i>
  EventTime order_of(std::size_t history, std::index_sequence<i...>) {
    EventTime order = no_time;
    ((i == history ? void(order = std::get<i>(replayed_).order()) : void()), ...);
    return order;
  }
  absl::Status push(std::size_t history) { return push(history, indices); }
  template <std::size_t... i>
  absl::Status push(std::size_t history, std::index_sequence<i...>) {
    absl::Status status;
    ((i == history ? void(status = std::get<i>(replayed_).push(pipeline_)) : void()), ...);
    return status;
  }
  /// The least watermark of the histories that go on.
  [[nodiscard]] EventTime position() const {
    return std::apply([this](const auto&... one) { return std::min({one.watermark(pipeline_)...}); },
                      replayed_);
  }

  Pipeline pipeline_;
  const View<Key, Row>* view_;
  std::span<const Label<Key>> labels_;
  const PointInTimeSpec* spec_;
  std::remove_reference_t<OnRow>* on_row_;
  std::tuple<decltype(Replayed(std::declval<Histories&>()))...> replayed_;
  std::vector<std::size_t> order_;  // of the labels
  std::size_t answered_ = 0;
  Lookup<Row> found_;
  ReplayProgress progress_;
  WallTime start_{};
};

}  // namespace detail

/// The records of a source that lie in memory, in the order in which they came.
template <class Record, class Records>
requires std::is_convertible_v<const Records&, std::span<const Record>>
[[nodiscard]] auto history(const Source<Record>& source, const Records& records) {
  using Next = detail::SpanOfRecords<Record>;
  return History<Record, Next, detail::NeverKnown>{source, Next(std::span<const Record>(records)), {}};
}
/// The records of a source that a callable gives one by one: `std::optional<Record>()`, empty at the end. Any number of them,
/// in the memory of one.
template <class Record, class Generate>
requires std::is_invocable_r_v<std::optional<Record>, Generate&> [[nodiscard]] auto history(
    const Source<Record>& source, Generate generate) {
  using Next = detail::GeneratedRecords<Record, Generate>;
  return History<Record, Next, detail::NeverKnown>{source, Next(std::move(generate)), {}};
}

/// Replays histories through a graph and calls `on_row(label_index, lookup)` for each label, as of its instant.
///
/// Order:   rows by `as_of` (`as_known`: by `known_at`), then as the labels stand. Histories are merged by event time
///          (`as_known`: by when records became known); one by itself keeps its order
/// Time:    one push per record, one look-up per label, O(n log n) to sort labels
/// Memory:  the pipeline's live state, and one word per label; records are not kept
/// Errors:  what `build()` says; InvalidArgument for `as_known` without `known_at`, and for `all_on_time` of anything but `features`;
///          Cancelled when `progress` said so
template <class Key, class Row, class OnRow, class... Records, class... Next, class... KnownAt>
absl::Status point_in_time(Graph graph, const View<Key, Row>& view,
                           std::type_identity_t<std::span<const Label<Key>>> labels,
                           const PointInTimeSpec& spec, OnRow&& on_row,
                           History<Records, Next, KnownAt>... histories) {
  static_assert(sizeof...(Records) > 0, "weir: point_in_time() needs the past: history(source, records)");
  static_assert(std::is_invocable_v<OnRow&, std::size_t, const Lookup<Row>&>,
                "weir: point_in_time() calls on_row(std::size_t label, const weir::Lookup<Row>&)");
  constexpr bool says_when_known = (!std::is_same_v<KnownAt, detail::NeverKnown> && ...);
  if (absl::Status wrong = detail::check_knowledge(spec.knowledge, says_when_known); !wrong.ok())
    return wrong;
  absl::StatusOr<Pipeline> pipeline = std::move(graph).build();
  if (!pipeline.ok()) return pipeline.status();
  detail::PointInTime<Key, Row, OnRow, History<Records, Next, KnownAt>...> run(
      *std::move(pipeline), view, labels, spec, on_row, histories...);
  return run.run();
}

/// The same with the rows in memory, in the order of the labels.
template <class Key, class Row, class... Records, class... Next, class... KnownAt>
absl::StatusOr<std::vector<TrainingRow<Key, Row>>> point_in_time(
    Graph graph, const View<Key, Row>& view, std::type_identity_t<std::span<const Label<Key>>> labels,
    History<Records, Next, KnownAt>... histories) {
  std::vector<TrainingRow<Key, Row>> rows(labels.size());
  const auto keep = [&](std::size_t label, const Lookup<Row>& found) {
    rows[label] = {.label = label,
                   .key = labels[label].key,
                   .as_of = found.as_of,
                   .status = found.status,
                   .event_time = found.event_time,
                   .definition = found.definition,
                   .value = found.value};
  };
  absl::Status done =
      point_in_time(std::move(graph), view, labels, PointInTimeSpec{}, keep, std::move(histories)...);
  if (!done.ok()) return done;
  return rows;
}

}  // namespace weir::inline v0
