#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <weir/weir.hpp>

#include "aggregates/catalogue.hpp"
#include "support/ours.hpp"
#include "support/versus.hpp"

/// Each aggregate in a tumbling window of its own, against count and sum in a state that is as wide: what differs is what the
/// aggregate does, not the memory that moves.

namespace bench {
namespace {

using namespace std::chrono_literals;

constexpr weir::Duration tick = 1ms;
constexpr weir::Duration window_size = (1 << 16) * tick;  // 2^20 records

/// Count and sum, and so many bytes that are only there.
template <std::size_t bytes>
struct CountSumAsWide {
  static constexpr std::string_view name = "count_sum_as_wide";
  using Sum = weir::Sum<double>;
  struct Narrow {
    std::uint64_t count = 0;
    Sum::State sum{};
  };
  struct Wide {
    std::uint64_t count = 0;
    Sum::State sum{};
    std::array<std::uint64_t, bytes <= sizeof(Narrow) ? 1 : (bytes - sizeof(Narrow) + 7) / 8> rest{};
  };
  using State = std::conditional_t<bytes <= sizeof(Narrow), Narrow, Wide>;

  void add(State& state, double x) const {
    ++state.count;
    Sum{}.add(state.sum, x);
  }
  void merge(State& state, const State& later) const {
    state.count += later.count;
    Sum{}.merge(state.sum, later.sum);
  }
  [[nodiscard]] CountSum result(const State& state) const {
    return {static_cast<std::int64_t>(state.count), Sum{}.result(state.sum)};
  }
};

/// Counts rows of any kind into a tally.
class RowSink {
 public:
  explicit RowSink(Tally& tally) : tally_(&tally) {}

  template <class Row>
  void operator()(const weir::Windowed<std::uint64_t, Row>& row) const {
    asm volatile("" : : "m"(row) : "memory");  // the whole row exists
    tally_->add_row(row.key, row.window);
    if constexpr (std::same_as<typename Row::Field, CountSum>)
      tally_->records += static_cast<std::uint64_t>(row.value.value.count);
  }

 private:
  Tally* tally_;
};

/// A pipeline of one feature. The tally holds the counts that were emitted, or if there are none what the operator applied.
template <class Row, class F>
Contender windowed(const std::shared_ptr<Stream<Event>>& stream, F feature) {
  const auto tally = std::make_shared<Tally>();
  weir::Graph graph{"bench"};
  const auto source = graph.source<Event>("events", {.time = &Event::at, .watermark = weir::ascending()});
  source | weir::key_by(&Event::key) | weir::tumbling({.size = window_size, .grace = 0s}) |
      weir::aggregate<Row>("row", feature) | weir::sink("tally", RowSink{*tally});
  const auto operation = std::make_shared<Ours<Event>>(std::move(graph), source);
  Contender out = contender(stream, operation, tally);
  out.finish = [operation, tally] {
    operation->finish();
    Tally counted = *tally;
    if (counted.records == 0) counted.records = operation->stats("row").applied;
    return counted;
  };
  return out;
}

const bool added = [] {
  for_each_aggregate([]<class Row, class F>(const Entry<Row, F>& entry) {
    constexpr std::size_t bytes = sizeof(typename Entry<Row, F>::Aggregator::State);
    add({.name = std::string{entry.name} + ", " + std::to_string(bytes) + " bytes",
         .suite = "aggregates",
         .keys = {100'000},
         .dists = {Dist::uniform},
         .required = 1.5,
         .against = "count_and_sum_as_wide",
         .set_up = [feature = entry.feature](const Setting& setting) {
           const auto stream = std::make_shared<Stream<Event>>(
               event_stream({.records = setting.records,
                             .keys = setting.keys,
                             .dist = setting.dist,
                             .span = static_cast<std::int64_t>(setting.records / 16) * tick}));
           Match match = match_over(stream);
           match.ours = windowed<Row>(stream, feature);
           match.limit = windowed<One<CountSum>>(
               stream, weir::with(CountSumAsWide<bytes>{}, &Event::value).as(&One<CountSum>::value));
           match.counted_per_pass = setting.records;
           return match;
         }});
  });
  return true;
}();

}  // namespace
}  // namespace bench
