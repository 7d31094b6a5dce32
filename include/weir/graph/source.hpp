#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <weir/base/description.hpp>
#include <weir/flow/batch.hpp>
#include <weir/flow/node.hpp>
#include <weir/flow/stream.hpp>
#include <weir/graph/channels.hpp>
#include <weir/graph/source_spec.hpp>
#include <weir/time/instant.hpp>
#include <weir/time/watermark.hpp>

/// \file
/// Sources: where records enter, get their time, and move the watermark.

namespace weir::inline v0 {

namespace detail {

/// Counts which way one record went.
inline void count_admit(Admitted& admitted, Admit one) {
  switch (one) {
    case Admit::on_time:
      ++admitted.on_time;
      break;
    case Admit::late:
      ++admitted.late;
      break;
    case Admit::future:
      ++admitted.future;
      break;
    case Admit::rejected:
      ++admitted.rejected;
      break;
    case Admit::refused:
      ++admitted.refused;
      break;
  }
}

/// What the source before several pipelines has decided of one record, in 4 bytes.
class Verdict {
 public:
  Verdict() = default;
  Verdict(std::size_t watermarks, Admit admit)
      : bits_(static_cast<std::uint32_t>(watermarks << admit_bits) | static_cast<std::uint32_t>(admit)) {}

  /// How many watermarks were reached before it.
  [[nodiscard]] std::size_t watermarks() const noexcept { return bits_ >> admit_bits; }
  [[nodiscard]] Admit admit() const noexcept { return static_cast<Admit>(bits_ & ((1U << admit_bits) - 1)); }

 private:
  static constexpr unsigned admit_bits = 3;
  std::uint32_t bits_ = 0;
};
/// Some of the records of that source in their order, and all watermarks that it came to meanwhile.
template <class Record>
struct Judged {
  const Record* records = nullptr;
  const Verdict* verdicts = nullptr;
  std::size_t size = 0;
  std::span<const EventTime> watermarks = {};
};

/// A source inside a pipeline. Order: as pushed. Late records: passed on, counted as behind. Keeps: its channels.
///
/// The watermark that the source has reached and the one that its operators have seen differ on purpose: operators
/// are told only when it matters to one of them (`Node::horizon`) or when a record comes from behind it. That is what
/// makes a batch give the same bytes as its records one by one, at the price of a batch.
template <class Record>
class SourceNode final : public SourceBase {
 public:
  SourceNode(std::string name, SourceSpec<Record> spec)
      : SourceBase(std::move(name), settings_of(spec)),
        time_(spec.time),
        rule_(spec.watermark),
        earliest_(std::max(spec.earliest, later(no_time, Duration{1}))),
        latest_(spec.latest) {}

  [[nodiscard]] Port<Record>& port() noexcept { return port_; }
  [[nodiscard]] EventTime time_of(const Record& record) const { return time_(record); }

  void check(Problems& problems) const override {
    SourceBase::check(problems);
    check_times(problems, time_.is_set(), earliest_, latest_);
    check_rule(problems, rule_.kind, rule_.bound, rule_.watermark_of != nullptr);
  }

  void describe(Description& out) const override { describe_source(out, time_.name()); }

  /// What it was made of.
  [[nodiscard]] SourceSpec<Record> spec() const {
    return {.time = time_,
            .watermark = rule_,
            .idle_after = settings().idle_after,
            .channels = settings().channels,
            .max_future_skew = settings().max_future_skew,
            .max_jump = settings().max_jump,
            .earliest = earliest_,
            .latest = latest_,
            .strict = settings().strict};
  }

  Admitted push(Wiring& wiring, std::size_t channel, const Record* records, std::size_t count) {
    Admitted admitted;
    NoLook look;
    static_cast<void>(push(wiring, channel, records, count, admitted, look));
    return admitted;
  }
  /// The same, and calls `look(record, reached, admit)` with what was reached before each record, in their order; when that
  /// says false it ends behind it. How many it took.
  template <class Look>
  std::size_t push(Wiring& wiring, std::size_t channel, const Record* records, std::size_t count,
                   Admitted& admitted, Look& look) {
    wake(wiring, channel);
    const std::size_t most = wiring.needs_single_records(*this) ? 1 : batch_limit;
    std::size_t done = 0;
    for (bool goes_on = true; done < count && goes_on;) {
      const Record* const next = records + done;
      const std::size_t taken =
          run_of_on_time(wiring, channel, next, std::min(count - done, most), look, goes_on);
      admitted.on_time += taken;
      done += taken;
      if (taken != 0) continue;
      const EventTime before = reached();
      const Admit admit = push_one(wiring, channel, *next);
      count_admit(admitted, admit);
      goes_on = look(*next, before, admit);
      ++done;
    }
    return done;
  }

  Admit push(Wiring& wiring, std::size_t channel, const Record& record) {
    wake(wiring, channel);
    const EventTime time = time_(record);
    const bool is_plain = rule_.kind == WatermarkKind::trailing && !has_jump_guard();
    if (!is_plain || time < reached() || time < earliest_ || time > latest_ || time > future_limit())
        [[unlikely]] {
      return push_one(wiring, channel, record);
    }
    deliver_one(record, time);
    if (time > newest(channel)) move(wiring, channel, time, earlier(time, rule_.bound));
    return Admit::on_time;
  }

  /// Takes what the source before it has judged: operators get these records, and hear of the watermarks, as if this source had
  /// got all of that one's.
  void follow(Wiring& wiring, const Judged<Record>& judged) {
    const std::size_t most = wiring.needs_single_records(*this) ? 1 : batch_limit;
    std::size_t told = 0;
    for (std::size_t at = 0; at < judged.size;) {
      const std::size_t before = judged.verdicts[at].watermarks();
      SourceBase::follow(wiring, judged.watermarks.subspan(told, before - told));
      told = before;
      if (judged.verdicts[at].admit() != Admit::on_time) [[unlikely]] {
        follow_one(wiring, judged.records[at], judged.verdicts[at].admit());
        ++at;
      } else {
        at += follow_run(judged, at, std::min(judged.size - at, most));
      }
    }
    SourceBase::follow(wiring, judged.watermarks.subspan(told));
  }

 private:
  static SourceSettings settings_of(const SourceSpec<Record>& spec) {
    return {.idle_after = spec.idle_after,
            .channels = spec.channels,
            .max_future_skew = spec.max_future_skew,
            .max_jump = spec.max_jump,
            .strict = spec.strict};
  }

  struct NoLook {
    constexpr bool operator()(const Record&, EventTime, Admit) const { return true; }
  };

  /// Delivers the longest prefix of records that need no special care and moves the watermark behind them.
  template <class Look>
  std::size_t run_of_on_time(Wiring& wiring, std::size_t channel, const Record* records, std::size_t count,
                             Look& look, bool& goes_on) {
    if (has_jump_guard()) return 0;
    Run run{.newest = newest(channel),
            .watermark = channel_watermark(channel),
            .reached = reached(),
            .others = most_by(channel),
            .horizon = publish_from()};
    const std::size_t taken = time_.visit([&](const auto& time) {
      if constexpr (std::is_same_v<Look, NoLook>) {
        if (rule_.kind == WatermarkKind::trailing) return scan_trailing(records, count, time, run);
      }
      return scan(records, count, time, run, look, goes_on);
    });
    if (taken == 0) return 0;
    stats().ingested += taken;
    port_.deliver({.records = records, .times = times_.data(), .slots = nullptr, .size = taken});
    move(wiring, channel, run.newest, run.watermark);
    return taken;
  }

  /// What a run of records does to its channel.
  struct Run {
    EventTime newest;
    EventTime watermark;
    EventTime reached;
    EventTime others;
    EventTime horizon;
  };
  /// Reads the times of the longest prefix of on-time records, up to the one that reaches the horizon.
  template <class Time, class Look>
  std::size_t scan(const Record* records, std::size_t count, const Time& time_of, Run& run, Look& look,
                   bool& goes_on) {
    const EventTime most = std::min(latest_, future_limit());
    EventTime least = std::max(earliest_, run.reached);
    for (std::size_t i = 0; i < count; ++i) {
      const EventTime time = time_of(records[i]);
      if (time < least || time > most) return i;
      times_[i] = time;
      goes_on = look(records[i], run.reached, Admit::on_time);
      run.newest = std::max(run.newest, time);
      run.watermark = std::max(run.watermark, own_watermark(run.newest, records[i]));
      run.reached = std::max(run.reached, std::min(run.others, run.watermark));
      least = std::max(least, run.reached);
      if (run.reached >= run.horizon || !goes_on) return i + 1;
    }
    return count;
  }
  /// The same where the watermark depends on the times alone: no decision but one for each end of the good times.
  template <class Time>
  std::size_t scan_trailing(const Record* records, std::size_t count, const Time& time_of, Run& run) {
    const EventTime most = std::min(latest_, future_limit());
    const EventTime least = std::max(earliest_, run.reached);
    const EventTime others = run.others;
    const Duration bound = rule_.bound;
    // The first time after this one reaches the horizon.
    const EventTime last_quiet = others < run.horizon ? end_of_time : later(run.horizon, bound - Duration{1});
    const EventTime last_common = std::min(most, last_quiet);
    const EventTime lowest = later(no_time, bound);  // from here on time - bound cannot overflow
    const auto watermark_at = [lowest, bound](EventTime newest) { return std::max(newest, lowest) - bound; };
    EventTime* const times = times_.data();
    EventTime newest = run.newest;
    std::size_t taken = 0;
    for (; taken < count; ++taken) {
      prefetch_for_read(records + taken + ahead);
      const EventTime time = time_of(records[taken]);
      if (time < std::max(least, std::min(others, watermark_at(newest)))) break;
      if (time > last_common) [[unlikely]] {
        if (time > most) break;
        count = taken + 1;
      }
      times[taken] = time;
      newest = std::max(newest, time);
    }
    run.newest = newest;
    run.watermark = std::max(run.watermark, watermark_at(newest));
    return taken;
  }

  void deliver_one(const Record& record, EventTime time) {
    ++stats().ingested;
    port_.deliver_one(record, time, no_slot);
  }

  Admit push_one(Wiring& wiring, std::size_t channel, const Record& record) {
    const EventTime time = time_(record);
    if (time == no_time || time < earliest_ || time > latest_) return reject(time);
    const EventTime newest = std::max(this->newest(channel), time);
    const EventTime moved = std::max(channel_watermark(channel), own_watermark(newest, record));
    const bool is_held = time > future_limit() || jumps(channel, moved);
    const Admit admit = is_held ? Admit::future : time < reached() ? Admit::late : Admit::on_time;
    deliver_judged(wiring, record, time, admit);
    if (!is_held) move(wiring, channel, newest, moved);
    return admit;
  }
  Admit reject(EventTime time) {
    ++stats().ingested;
    ++stats().rejected;
    ++(time == no_time ? stats().no_timestamp : stats().out_of_range);
    return Admit::rejected;
  }
  /// Delivers a record that may be behind the watermark, or beyond a guard.
  void deliver_judged(Wiring& wiring, const Record& record, EventTime time, Admit admit) {
    const bool is_behind = time < reached();
    if (is_behind) catch_up(wiring);
    deliver_one(record, time);
    if (admit == Admit::future) {
      ++(time > future_limit() ? stats().future : stats().jumped);
    } else {
      stats().behind += is_behind ? 1 : 0;
    }
    if (is_behind) after_late(wiring);
  }
  void follow_one(Wiring& wiring, const Record& record, Admit admit) {
    const EventTime time = time_(record);
    if (admit == Admit::rejected) {
      static_cast<void>(reject(time));
    } else {
      deliver_judged(wiring, record, time, admit);
    }
  }
  /// Delivers on-time records up to the first before which the horizon is reached; at least one.
  std::size_t follow_run(const Judged<Record>& judged, std::size_t begin, std::size_t most) {
    const std::span<const EventTime> watermarks = judged.watermarks;
    const auto quiet = static_cast<std::size_t>(
        std::lower_bound(watermarks.begin(), watermarks.end(), publish_from()) - watermarks.begin());
    const Verdict* const verdicts = judged.verdicts + begin;
    const Record* const records = judged.records + begin;
    std::size_t taken = 0;
    time_.visit([&](const auto& time) {
      do {
        times_[taken] = time(records[taken]);
        ++taken;
      } while (taken < most && verdicts[taken].admit() == Admit::on_time &&
               verdicts[taken].watermarks() <= quiet);
    });
    stats().ingested += taken;
    port_.deliver({.records = records, .times = times_.data(), .slots = nullptr, .size = taken});
    return taken;
  }

  /// A late record can leave something due before the horizon that held for on-time records.
  void after_late(Wiring& wiring) {
    wiring.start_epoch();
    refresh_horizon(wiring);
  }

  [[nodiscard]] EventTime own_watermark(EventTime newest, const Record& record) const {
    switch (rule_.kind) {
      case WatermarkKind::trailing:
        return earlier(newest, rule_.bound);
      case WatermarkKind::punctuated: {
        const std::optional<EventTime> marked = rule_.watermark_of(record);
        return marked.has_value() ? *marked : no_time;
      }
      case WatermarkKind::host_driven:
        break;
    }
    return no_time;
  }

  static constexpr std::size_t ahead = 32;  // records between asking for one and reading it

  TimeOf<Record> time_;
  WatermarkRule<Record> rule_;
  EventTime earliest_;
  EventTime latest_;
  Port<Record> port_;
  std::array<EventTime, batch_limit> times_{};
};

}  // namespace detail

/// One channel of a source, as a place to push to.
template <class RecordType>
struct Channel {
  detail::SourceNode<RecordType>* node = nullptr;
  const Wiring* wiring = nullptr;
  std::size_t index = 0;
};

/// The handle of a source: a stream, and the place to push to. Without `channel(i)`, channel 0 is meant.
template <class RecordType>
class Source : public Stream<RecordType> {
 public:
  Source(Wiring& wiring, detail::SourceNode<RecordType>& node)
      : Stream<RecordType>(wiring, node, node.port()), source_(&node) {}

  [[nodiscard]] Channel<RecordType> channel(std::size_t index) const {
    return {source_, &this->wiring(), index};
  }
  /// The event time that the source reads from a record.
  [[nodiscard]] EventTime time_of(const RecordType& record) const { return source_->time_of(record); }

 private:
  detail::SourceNode<RecordType>* source_;
};

}  // namespace weir::inline v0
