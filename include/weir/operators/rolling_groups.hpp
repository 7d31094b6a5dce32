#pragma once

#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

#include <weir/aggregate/feature.hpp>
#include <weir/operators/features_spec.hpp>
#include <weir/operators/readable.hpp>
#include <weir/operators/rolling_group.hpp>
#include <weir/state/archive.hpp>
#include <weir/state/record_log.hpp>

namespace weir::inline v0::detail {

/// All rolling groups of a row, as if they were one: each call goes to each of them, with its part of a key's panes.
template <class Record, class... Groups>
class RollingGroups {
  using Indices = std::index_sequence_for<Groups...>;

 public:
  static constexpr std::size_t windows = (Groups::windows + ...);
  static constexpr std::size_t features = (Groups::features + ...);
  using Panes = std::tuple<typename Groups::Panes...>;

  explicit RollingGroups(typename Groups::Blueprint... blueprints) : groups_(std::move(blueprints)...) {}

  [[nodiscard]] std::vector<const RollingPlan*> plans() const {
    return std::apply([](const auto&... group) { return std::vector<const RollingPlan*>{&group.plan()...}; },
                      groups_);
  }
  /// Describes windows and features as a list; `number` counts the features.
  void describe(Description& out, std::int64_t& number) const {
    const auto one = [&out, &number](const auto& group) {
      out.begin_object();
      describe_windows(out, group.plan().asked());
      group.aggregator().describe(out, number);
      out.end();
    };
    std::apply([&one](const auto&... group) { (one(group), ...); }, groups_);
  }

  [[nodiscard]] bool accepts(const Record& record) const {
    return std::apply([&](const auto&... group) { return (group.aggregator().accepts(record) && ...); },
                      groups_);
  }
  /// Counts what the features leave out of a record.
  void tally(const Record& record, FeatureCounts* counts) const {
    const auto one = [&]<class Group>(const Group& group) {
      group.aggregator().tally(record, counts);
      counts += Group::features;
    };
    std::apply([&one](const auto&... group) { (one(group), ...); }, groups_);
  }
  void add(Panes& panes, const Record& record, EventTime at, EventTime settled) {
    for_each(
        panes, [&](auto& group, auto& own) { group.add(own, record, at, settled); }, Indices{});
  }
  void add_late(Panes& panes, const Record& record, EventTime at, EventTime settled) {
    for_each(
        panes, [&](auto& group, auto& own) { group.add_late(own, record, at, settled); }, Indices{});
  }
  [[nodiscard]] RollingJudged judge(EventTime at, EventTime settled) const {
    RollingJudged total;
    const auto one = [&](const RollingJudged& judged) {
      total.hit += judged.hit;
      total.missed += judged.missed;
    };
    std::apply([&](const auto&... group) { (one(group.judge(at, settled)), ...); }, groups_);
    return total;
  }
  void clear(Panes& panes) noexcept {
    for_each(
        panes, [](auto& group, auto& own) { group.clear(own); }, Indices{});
  }

  /// Computes the fields of the windows that ask so, and what each covers. False if a window is not whole.
  template <class Row>
  bool read(Panes& panes, Asking asking, const RollingRead<Record>& read, Reading<Row>& out) {
    bool is_whole = true;
    std::size_t window = 0;
    std::size_t feature = 0;
    const auto one = [&]<class Group>(Group& group, auto& own) {
      std::uint64_t overflowed = 0;
      is_whole &= group.read(own, asking, read, out.row, overflowed, out.covered + window);
      out.overflowed |= overflowed << feature;
      window += Group::windows;
      feature += Group::features;
    };
    for_each(panes, one, Indices{});
    return is_whole;
  }

  void archive(Archive& ar, Panes& panes) requires(Archivable<typename Groups::State>&&...) {
    for_each(
        panes, [&ar](auto& group, auto& own) { group.archive(ar, own); }, Indices{});
  }

  static void prefetch_open(const Panes& panes) noexcept {
    std::apply([](const auto&... own) { (Groups::prefetch_open(own), ...); }, panes);
  }
  void prefetch_close(const Panes& panes, EventTime at) const noexcept {
    const auto close = [&]<std::size_t... i>(std::index_sequence<i...>) {
      (std::get<i>(groups_).prefetch_close(std::get<i>(panes), at), ...);
    };
    close(Indices{});
  }
  static void prefetch_read(const Panes& panes) noexcept {
    std::apply([](const auto&... own) { (Groups::prefetch_read(own), ...); }, panes);
  }

  [[nodiscard]] std::size_t size_bytes() const noexcept {
    return std::apply([](const auto&... group) { return (group.size_bytes() + ...); }, groups_);
  }

 private:
  template <class Call, std::size_t... i>
  void for_each(Panes& panes, Call&& call, std::index_sequence<i...>) {
    (call(std::get<i>(groups_), std::get<i>(panes)), ...);
  }

  std::tuple<Groups...> groups_;
};

/// What is kept of a key: its records, and the panes of all groups.
template <class Record, class... Groups>
struct RollingKey {
  using Logs = RecordLogs<Record>;
  using AllGroups = RollingGroups<Record, Groups...>;

  EventTime newest = no_time;   // of its records; none: nothing is kept
  EventTime oldest = no_time;   // of the records in panes
  EventTime settled = no_time;  // of the newest record in panes
  std::uint64_t version = 0;
  std::uint32_t unsettled = 0;  // the first record in the log that is not in panes
  bool is_armed = false;        // the slot waits among the expiries
  typename Logs::Log log;
  typename AllGroups::Panes panes;

  /// Writes what is kept, or reads it into a key that has nothing.
  void archive(Archive& ar, Logs& logs, AllGroups& groups) {
    ar(newest, oldest, settled, version, unsettled);
    if (newest == no_time) {  // and so it would be a key without state
      oldest = settled = no_time;
      unsettled = 0;
      return ar.fail("a key with state has no newest record");
    }
    logs.archive(ar, log);
    groups.archive(ar, panes);
    if (unsettled <= log.size()) return;
    unsettled = 0;
    ar.fail("there are more records in panes than records");
  }
};

}  // namespace weir::inline v0::detail
