#pragma once

#include <algorithm>
#include <array>
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
  /// With `Knowledge::as_known`, which needs it: the row sees what had become known before this instant.
  std::optional<EventTime> known_at = std::nullopt;
};

/// Which records a row may see, besides that none is at or after `as_of`.
enum class Knowledge : std::uint8_t {
  /// Every record that comes before the watermark reaches `as_of` (default), or passes it if windows include their end. The row's
  /// age is 0.
  all_on_time,
  /// Every record that had become known before the label's `known_at`, see `History::known_at`.
  as_known,
};

/// How far `point_in_time` has come.
struct ReplayProgress {
  std::uint64_t rows = 0;
  std::uint64_t labels = 0;  ///< rows there are going to be
  std::uint64_t records = 0;
  EventTime position = no_time;  ///< the watermark of the histories; `end_of_time` behind them
  std::optional<double> records_per_second = {};  ///< with a clock
  std::optional<std::chrono::duration<double>> remaining =
      {};  ///< with a clock, from the share of labels that are done
};

/// Options of `point_in_time`.
struct PointInTimeSpec {
  Knowledge knowledge = Knowledge::all_on_time;
  /// Called every so many records or rows, and at the end; false stops, also then.
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

/// The past records of a channel of a source, in the order in which they came. See `history`.
template <class Record, class Next, class KnownAt>
struct History {
  Channel<Record> channel;
  Next next;  ///< gives a pointer to the next record, null at the end
  KnownAt known;

  /// When a record became known, for `Knowledge::as_known`: a member or a callable that gives an EventTime. The records must
  /// come in this order.
  template <class Function>
  [[nodiscard]] History<Record, Next, Function> known_at(Function function) && {
    return {channel, std::move(next), std::move(function)};
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

/// Where a history is pushed to.
struct ReplayPlace {
  const SourceBase* source = nullptr;
  const Wiring* wiring = nullptr;
  std::size_t channel = 0;
  bool is_host_driven = false;

  [[nodiscard]] bool is_at(const ReplayPlace& other) const noexcept {
    return source == other.source && channel == other.channel;
  }
};

/// The source is only looked into if it is one of this graph.
template <class Record>
[[nodiscard]] ReplayPlace place_of(const Channel<Record>& channel, const Wiring& wiring) {
  return {.source = channel.node,
          .wiring = channel.wiring,
          .channel = channel.index,
          .is_host_driven =
              channel.wiring == &wiring && channel.node->spec().watermark.kind == WatermarkKind::host_driven};
}

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
      return history_->channel.node->time_of(*head_);
    }
  }
  [[nodiscard]] EventTime watermark() const {
    return has_more() ? history_->channel.node->reached() : end_of_time;
  }
  [[nodiscard]] const Channel<Record>& channel() const noexcept { return history_->channel; }
  absl::Status push(Pipeline& pipeline) {
    const Admit admit = pipeline.push(history_->channel, *head_);
    step();
    return admit == Admit::refused ? pipeline.status() : absl::OkStatus();
  }

 private:
  void step() { head_ = history_->next(); }

  History<Record, Next, KnownAt>* history_;
  const Record* head_ = nullptr;
};

/// Why labels and histories do not go together; OK if they do.
[[nodiscard]] absl::Status check_knowledge(Knowledge knowledge, bool says_when_known);
/// What to say of a label of which is not known when it was asked.
[[nodiscard]] absl::Status never_asked(std::size_t label);
/// Why the histories cannot be replayed for a view; OK if they can.
[[nodiscard]] absl::Status check_replay(const PipelineCore& core, const Wiring& of_view, const Node& view,
                                        std::span<const ReplayPlace> places);
/// Why rows of an operator without a past cannot be asked for by event time.
[[nodiscard]] absl::Status no_past();
/// What to say when progress stopped it.
[[nodiscard]] absl::Status stopped(const ReplayProgress& progress);
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
    if (!is_as_known()) reach_ = view_->reach();
    std::apply([this](const auto&... one) { (this->leave(one), ...); }, replayed_);
    std::size_t next = 0;
    while (find_next(next)) {
      if (is_as_known() && !answer_through(order_of(next))) return stopped(progress_);
      if (absl::Status pushed = push(next); !pushed.ok()) return pushed;
      ++progress_.records;
      progress_.position = position();
      if (!is_as_known() && !answer_through(progress_.position)) return stopped(progress_);
      if (!goes_on()) return stopped(progress_);
    }
    progress_.position = end_of_time;
    if (!answer_through(end_of_time) || !tell()) return stopped(progress_);
    return pipeline_.status();
  }

 private:
  static constexpr auto indices = std::index_sequence_for<Histories...>{};

  [[nodiscard]] bool is_as_known() const noexcept { return spec_->knowledge == Knowledge::as_known; }
  [[nodiscard]] EventTime due(const Label<Key>& label) const {
    return is_as_known() ? *label.known_at : later(label.as_of, reach_);
  }
  /// Keeps the instants of all labels to come readable.
  bool hold() {
    if (is_as_known()) return true;
    return view_->hold(answered_ < order_.size() ? labels_[order_[answered_]].as_of : end_of_time);
  }
  /// Gives the rows that are due. False if progress stops it.
  [[nodiscard]] bool answer_through(EventTime reached) {
    if (answered_ == order_.size() || due(labels_[order_[answered_]]) > reached) return true;
    while (answered_ < order_.size() && due(labels_[order_[answered_]]) <= reached) {
      const Label<Key>& label = labels_[order_[answered_]];
      pipeline_.lookup(*view_, label.key, {.as_of = label.as_of}, found_);
      (*on_row_)(order_[answered_], std::as_const(found_));
      ++answered_;
      ++progress_.rows;
      if (!goes_on()) return false;
    }
    static_cast<void>(hold());
    return true;
  }
  /// Tells how far it is, if it has come far enough since it did. False if that stops it.
  [[nodiscard]] bool goes_on() {
    const std::uint64_t every = std::max<std::uint64_t>(1, spec_->progress_every);
    const bool is_far = progress_.records - told_records_ >= every || progress_.rows - told_rows_ >= every;
    return !is_far || tell();
  }
  [[nodiscard]] bool tell() {
    told_records_ = progress_.records;
    told_rows_ = progress_.rows;
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
  template <class Use, std::size_t... i>
  void visit(std::size_t history, const Use& use, std::index_sequence<i...>) {
    ((i == history ? use(std::get<i>(replayed_)) : void()), ...);
  }
  [[nodiscard]] EventTime order_of(std::size_t history) {
    EventTime order = no_time;
    visit(
        history, [&order](const auto& one) { order = one.order(); }, indices);
    return order;
  }
  absl::Status push(std::size_t history) {
    absl::Status status;
    visit(
        history,
        [&](auto& one) {
          status = one.push(pipeline_);
          leave(one);
        },
        indices);
    return status;
  }
  /// If a history is at its end the others do not wait for its channel. A service does, and so does `as_known`.
  template <class Ended>
  void leave(const Ended& ended) {
    if (ended.has_more() || is_as_known()) return;
    const ReplayPlace place = place_of(ended.channel(), view_->wiring());
    bool is_any = false;
    bool is_shared = false;
    const auto look = [&](const auto& one) {
      if (!one.has_more()) return;
      is_any = true;
      is_shared = is_shared || place_of(one.channel(), view_->wiring()).is_at(place);
    };
    std::apply([&look](const auto&... one) { (look(one), ...); }, replayed_);
    if (is_any && !is_shared) static_cast<void>(pipeline_.set_idle(ended.channel()));
  }
  /// The least watermark of the histories that go on.
  [[nodiscard]] EventTime position() const {
    return std::apply([](const auto&... one) { return std::min({one.watermark()...}); }, replayed_);
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
  Duration reach_{};  // of windows beyond the instant of a label
  std::uint64_t told_records_ = 0;
  std::uint64_t told_rows_ = 0;
  WallTime start_{};
};

}  // namespace detail

/// The records of a channel that lie in memory, in the order in which they came. A source has a history for each of its channels.
template <class Record, class Records>
requires std::is_convertible_v<const Records&, std::span<const Record>>
[[nodiscard]] auto history(const Channel<Record>& channel, const Records& records) {
  using Next = detail::SpanOfRecords<Record>;
  return History<Record, Next, detail::NeverKnown>{channel, Next(std::span<const Record>(records)), {}};
}
/// The records of a channel that a callable gives one by one: `std::optional<Record>()`, empty at the end. Any number of them,
/// in the memory of one.
template <class Record, class Generate>
requires std::is_invocable_r_v<std::optional<Record>, Generate&> [[nodiscard]] auto history(
    const Channel<Record>& channel, Generate generate) {
  using Next = detail::GeneratedRecords<Record, Generate>;
  return History<Record, Next, detail::NeverKnown>{channel, Next(std::move(generate)), {}};
}
/// The same of a source with one channel.
template <class Record, class Records>
requires std::is_convertible_v<const Records&, std::span<const Record>>
[[nodiscard]] auto history(const Source<Record>& source, const Records& records) {
  return history(source.channel(0), records);
}
template <class Record, class Generate>
requires std::is_invocable_r_v<std::optional<Record>, Generate&> [[nodiscard]] auto history(
    const Source<Record>& source, Generate generate) {
  return history(source.channel(0), std::move(generate));
}

/// Replays histories through a graph and calls `on_row(label_index, lookup)` for each label, as of its instant.
///
/// Order:   rows by `as_of` (`as_known`: by `known_at`), then as the labels stand. Histories are merged by when records
///          became known, or else by event time; one by itself keeps its order
/// Time:    one push per record, one look-up per label, O(n log n) to sort labels
/// Memory:  the pipeline's live state, and one word per label; records are not kept
/// Errors:  what `build()` says; InvalidArgument for `as_known` without `known_at` of each history and label, for `all_on_time`
///          of anything but `features`, for a channel that feeds the view and has no history, and for a source whose
///          watermark is the host's; Cancelled when `progress` said so
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
  if (spec.knowledge == Knowledge::as_known) {
    const auto wrong = std::find_if(labels.begin(), labels.end(),
                                    [](const Label<Key>& label) { return !label.known_at.has_value(); });
    if (wrong != labels.end()) return detail::never_asked(static_cast<std::size_t>(wrong - labels.begin()));
  }
  absl::StatusOr<Pipeline> pipeline = std::move(graph).build();
  if (!pipeline.ok()) return pipeline.status();
  const detail::PipelineCore& core = detail::PipelineAccess::core(*pipeline);
  const std::array places{detail::place_of(histories.channel, core.wiring())...};
  if (absl::Status wrong = detail::check_replay(core, view.wiring(), view.node(), places); !wrong.ok())
    return wrong;
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
