#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <weir/graph/pipeline.hpp>
#include <weir/graph/source.hpp>
#include <weir/time/instant.hpp>

/// \file
/// Handover: from the records of the past to a live stream, without a gap and without counting a record twice.

namespace weir::inline v0 {

/// What a host knows of the two streams of a source.
struct HandoverSpec {
  /// The history has every record before this instant; it may have more.
  EventTime history_until{};
  /// The live stream has every record from this instant on; it may have more.
  EventTime live_from{};
  /// Records before the cut are taken from the history, the others from the live stream. Default: `history_until`.
  std::optional<EventTime> cut = std::nullopt;
};

/// What a handover pushed, and what it left to the other stream.
struct HandoverStats {
  Admitted history;
  Admitted live;
  std::uint64_t history_skipped = 0;  ///< at or after the cut
  std::uint64_t live_skipped = 0;     ///< before the cut
};

namespace detail {

/// Why the streams cannot be joined at the cut; OK if they can.
[[nodiscard]] absl::Status check_handover(std::string_view source, const HandoverSpec& spec);

}  // namespace detail

/// Pushes the history of a source up to a cut, then its live stream from there. Made by `handover`.
///
/// Order:   each stream as it comes; all of the history before the live stream
/// Late:    no record of the live stream is late because of the history. At the cut the source's watermark is raised to it,
///          for nothing can come before it any more
/// Memory:  counters; live records that come while the history is read are the host's to keep
/// Errors:  records of a stream whose turn it is not are refused and counted as that
template <class RecordType>
class Handover {
 public:
  using Record = RecordType;

  /// See `handover`, which checks.
  Handover(Pipeline& pipeline, const Source<Record>& source, EventTime cut)
      : pipeline_(&pipeline), source_(source), cut_(cut) {}

  /// A record of the history. False if it was left to the live stream, or not taken.
  bool history(const Record& record, std::size_t channel = 0) {
    if (source_.time_of(record) >= cut_) return skip(stats_.history_skipped);
    return take(record, channel, !is_live_, stats_.history);
  }
  /// Records of the history in their order. The same result as one by one, faster.
  void history(std::span<const Record> records, std::size_t channel = 0) {
    for (std::size_t at = 0; at < records.size();) {
      std::size_t end = at;
      while (end < records.size() && source_.time_of(records[end]) < cut_) ++end;
      if (end > at) take_all(records.subspan(at, end - at), channel);
      for (at = end; at < records.size() && source_.time_of(records[at]) >= cut_; ++at)
        ++stats_.history_skipped;
    }
  }
  /// The history is at its end: from now on records are taken from the live stream. Idempotent.
  absl::Status go_live() {
    if (is_live_) return absl::OkStatus();
    for (std::size_t i = 0; i < source_.channel(0).node->channels(); ++i) {
      if (absl::Status raised = pipeline_->advance(source_.channel(i), cut_); !raised.ok()) return raised;
    }
    is_live_ = true;
    return absl::OkStatus();
  }
  /// A record of the live stream. False if the history had it, or if it was not taken.
  bool live(const Record& record, std::size_t channel = 0) {
    if (source_.time_of(record) < cut_) return skip(stats_.live_skipped);
    return take(record, channel, is_live_, stats_.live);
  }

  [[nodiscard]] EventTime cut() const noexcept { return cut_; }
  [[nodiscard]] bool is_live() const noexcept { return is_live_; }
  [[nodiscard]] const HandoverStats& stats() const noexcept { return stats_; }

 private:
  static bool skip(std::uint64_t& skipped) noexcept {
    ++skipped;
    return false;
  }
  bool take(const Record& record, std::size_t channel, bool is_its_turn, Admitted& admitted) {
    const Admit admit = is_its_turn ? pipeline_->push(source_.channel(channel), record) : Admit::refused;
    detail::count_admit(admitted, admit);
    return admit != Admit::refused;
  }
  void take_all(std::span<const Record> records, std::size_t channel) {
    const Admitted more =
        is_live_ ? Admitted{.refused = records.size()} : pipeline_->push(source_.channel(channel), records);
    stats_.history += more;
  }

  Pipeline* pipeline_;
  Source<Record> source_;
  EventTime cut_;
  bool is_live_ = false;
  HandoverStats stats_;
};

/// Joins the history of a source and its live stream at a cut that both have. The pipeline outlives the result.
///
/// Errors:  InvalidArgument if records would be in neither stream: `live_from` after the cut, or the cut after `history_until`
template <class Record>
[[nodiscard]] absl::StatusOr<Handover<Record>> handover(Pipeline& pipeline, const Source<Record>& source,
                                                        const HandoverSpec& spec) {
  if (absl::Status wrong = detail::check_handover(source.node().name(), spec); !wrong.ok()) return wrong;
  return Handover<Record>(pipeline, source, spec.cut.value_or(spec.history_until));
}

}  // namespace weir::inline v0
