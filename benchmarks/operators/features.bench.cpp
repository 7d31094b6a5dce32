#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <weir/view/point_in_time.hpp>
#include <weir/weir.hpp>

#include "limits/features.hpp"
#include "support/features.hpp"
#include "support/ours.hpp"
#include "support/versus.hpp"

/// Twelve aggregates over the last 5 min, 1 h and 24 h, in one row that is computed when it is read.

namespace bench {
namespace {

using namespace std::chrono_literals;

/// A pipeline with a view of the features behind it.
class OurFeatures {
 public:
  using View = weir::View<std::uint64_t, FeatureRow>;

  OurFeatures()
      : source_(graph_.source<Event>("events", {.time = &Event::at, .watermark = weir::ascending()})),
        view_(features_of(source_) | weir::view("row")),
        pipeline_(*std::move(graph_).build()),
        rows_(64) {}

  void push(std::span<const Event> records) { pipeline_.push(source_, records); }
  void finish() {}
  const FeatureRow& read(std::uint64_t key) {
    pipeline_.lookup(view_, key, {}, rows_[0]);
    return *rows_[0];
  }
  /// At most 64 keys.
  std::span<const weir::Lookup<FeatureRow>> read(std::span<const std::uint64_t> keys) {
    pipeline_.lookup_all(view_, keys, {}, std::span(rows_).first(keys.size()));
    return std::span(rows_).first(keys.size());
  }
  std::uint64_t applied() const { return pipeline_.stats("features").applied; }

 private:
  weir::Graph graph_{"bench"};
  weir::Source<Event> source_;
  View view_;
  weir::Pipeline pipeline_;
  std::vector<weir::Lookup<FeatureRow>> rows_;
};

/// 16,667 records a second: at 1e3 keys a pane of 15 s has 250 of each, at 1e6 keys every record opens one.
Match update(const Setting& setting) {
  const auto stream = std::make_shared<Stream<Event>>(
      event_stream({.records = setting.records,
                    .keys = setting.keys,
                    .dist = setting.dist,
                    .span = static_cast<std::int64_t>(setting.records) * weir::Duration{60}}));
  const auto tally = std::make_shared<Tally>();
  const auto ours = std::make_shared<OurFeatures>();
  Match match = match_over(stream);
  match.ours = contender(stream, ours, tally);
  match.ours.finish = [ours] { return Tally{.records = ours->applied()}; };
  match.limit = contender(stream, std::make_shared<limit::RollingUpdate>(setting.keys, feature_hops), tally);
  match.counted_per_pass = setting.records;
  match.compares_rows = false;
  match.warm_up = 1 + static_cast<int>(5'000'000 / setting.records);
  return match;
}

/// Every key has a record in each pane of its windows: 23 hours, 11 times 5 min, 20 times 15 s.
std::vector<weir::Duration> ages() {
  std::vector<weir::Duration> out;
  for (int i = 23; i > 0; --i) out.push_back(i * weir::Duration{1h});
  for (int i = 11; i > 0; --i) out.push_back(i * weir::Duration{5min});
  for (int i = 20; i >= 0; --i) out.push_back(i * weir::Duration{15s});
  return out;
}

constexpr weir::EventTime day{240h};

/// Reads of random keys, all 36 values of each.
Match read_all(const Setting& setting, bool is_batched) {
  const auto ours = std::make_shared<OurFeatures>();
  const auto limit = std::make_shared<limit::RollingRead>(setting.keys);
  std::vector<Event> round(setting.keys);
  for (const weir::Duration age : ages()) {
    for (std::uint32_t id = 0; id < setting.keys; ++id) {
      const weir::EventTime at = day - age;
      round[id] = {.key = key_of(id),
                   .at = at,
                   .value = static_cast<double>(mixed(id + age.count()) % 100),
                   .merchant = 0};
      const std::size_t window = age <= 5min ? 0 : age <= 1h ? 2 : 4;
      const std::size_t part = window == 0 && age == 0s ? 0 : window + 1;
      limit->add(round[id].key, part, round[id].value, weir::ticks(at));
    }
    for (std::size_t i = 0; i < round.size(); i += 256) {
      ours->push(std::span(round).subspan(i, std::min<std::size_t>(256, round.size() - i)));
    }
  }
  const auto keys = std::make_shared<std::vector<std::uint64_t>>();
  for (const std::uint32_t id : ids(200'000, setting.keys, setting.dist)) keys->push_back(key_of(id));

  Match match;
  match.items = static_cast<double>(keys->size());
  const auto counted = [](auto read) {
    const auto tally = std::make_shared<Tally>();
    return Contender{.pass =
                         [tally, read] {
                           const double start = thread_seconds();
                           read(*tally);
                           return thread_seconds() - start;
                         },
                     .finish = [tally] { return *tally; }};
  };
  match.ours = counted([ours, keys, is_batched](Tally& tally) {
    const auto count = [&tally](const FeatureRow& row) {
      asm volatile("" : : "m"(row) : "memory");
      tally.records += static_cast<std::uint64_t>(row.count_5m + row.count_1h + row.count_24h);
    };
    if (!is_batched) {
      for (const std::uint64_t key : *keys) count(ours->read(key));
      return;
    }
    for (std::size_t i = 0; i < keys->size(); i += 64) {
      const std::span some =
          std::span<const std::uint64_t>(*keys).subspan(i, std::min<std::size_t>(64, keys->size() - i));
      for (const weir::Lookup<FeatureRow>& row : ours->read(some)) count(*row);
    }
  });
  match.limit = counted([limit, keys](Tally& tally) {
    for (std::size_t i = 0; i < keys->size(); i += 256) {
      limit->read(
          std::span<const std::uint64_t>(*keys).subspan(i, std::min<std::size_t>(256, keys->size() - i)),
          [&tally](const std::array<double, 36>& row) {
            asm volatile("" : : "m"(row) : "memory");
            tally.records += static_cast<std::uint64_t>(row[0] + row[12] + row[24]);
          });
    }
  });
  return match;
}

struct HourRow {
  std::int64_t count = 0;
  double sum = 0;
};
struct HourPeak {
  double max = 0;
};

/// Twenty records of each key an hour; the aggregates of the last hour, exactly.
template <class Row, class Limit, class... Features>
Match exact_hour(const Setting& setting, Features... features) {
  const double hours = static_cast<double>(setting.records) / setting.keys / 20;
  const auto stream = std::make_shared<Stream<Event>>(
      event_stream({.records = setting.records,
                    .keys = setting.keys,
                    .dist = setting.dist,
                    .span = weir::Duration{static_cast<std::int64_t>(hours * 3600e6)}}));
  Match match = match_over(stream);
  match.ours = ours(stream, weir::ascending(), [&](const weir::Source<Event>& events, TallySink) {
    events | weir::key_by(&Event::key) |
        weir::features<Row>(
            "hour", weir::rolling({.size = 1h, .precision = weir::exact}).compute(std::move(features)...));
  });
  match.limit = contender(stream, std::make_shared<Limit>(setting.keys), std::make_shared<Tally>());
  match.compares_rows = false;
  match.warm_up = 1 + static_cast<int>(1 / hours);
  return match;
}

/// A label for each record, as of just before it: what a look-up before each push would have given.
Match training_rows(const Setting& setting) {
  const std::size_t size = std::min<std::size_t>(setting.records, std::size_t{1} << 18);
  const auto stream =
      std::make_shared<Stream<Event>>(event_stream({.records = size,
                                                    .keys = setting.keys,
                                                    .dist = setting.dist,
                                                    .span = static_cast<std::int64_t>(size) * 60us}));
  Match match = match_over(stream);
  const auto tally = std::make_shared<Tally>();
  match.ours.pass = [stream, tally] {
    std::vector<weir::Label<std::uint64_t>> labels;
    for (const Event& event : stream->records()) labels.push_back({.key = event.key, .as_of = event.at});
    weir::Graph graph{"training"};
    const auto source = graph.source<Event>("events", {.time = &Event::at, .watermark = weir::ascending()});
    const auto view = features_of(source) | weir::view("row");
    const double start = thread_seconds();
    const absl::Status done = weir::point_in_time(
        std::move(graph), view, std::span<const weir::Label<std::uint64_t>>(labels), {},
        [&tally](std::size_t, const weir::Lookup<FeatureRow>& row) {
          asm volatile("" : : "m"(row) : "memory");
          ++tally->records;
        },
        weir::history(source, stream->records()));
    if (!done.ok()) std::abort();
    return thread_seconds() - start;
  };
  match.ours.finish = [tally] { return *tally; };
  match.counted_per_pass = size;
  return match;
}

const bool added =
    add({.name = "update, 12 aggregates x 3 windows",
         .suite = "features",
         .required = 2.5,
         .set_up = update}) &&
    add({.name = "read of 36 features",
         .suite = "features",
         .api = "lookup1",
         .keys = {1'000, 100'000},
         .required = 2.0,
         .set_up = [](const Setting& setting) { return read_all(setting, false); }}) &&
    add({.name = "read of 36 features",
         .suite = "features",
         .api = "lookup64",
         .keys = {1'000, 100'000},
         .required = 2.0,
         .set_up = [](const Setting& setting) { return read_all(setting, true); }}) &&
    add({.name = "exact rolling 1 h, count and sum",
         .suite = "features",
         .required = 2.5,
         .set_up =
             [](const Setting& setting) {
               return exact_hour<HourRow, limit::ExactHour<false>>(
                   setting, weir::count().as(&HourRow::count), weir::sum(&Event::value).as(&HourRow::sum));
             }}) &&
    add({.name = "exact rolling 1 h, max",
         .suite = "features",
         .required = 3.0,
         .set_up =
             [](const Setting& setting) {
               return exact_hour<HourPeak, limit::ExactHour<true>>(
                   setting, weir::max(&Event::value).as(&HourPeak::max));
             }}) &&
    add({.name = "training rows, 12 aggregates x 3 windows",
         .suite = "features",
         .api = "replay",
         .required_ns = 1000,
         .set_up = training_rows});

}  // namespace
}  // namespace bench
