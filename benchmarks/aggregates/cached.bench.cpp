#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <weir/aggregate/count_min.hpp>
#include <weir/aggregate/frequency.hpp>
#include <weir/aggregate/rank_quantile.hpp>
#include <weir/weir.hpp>

#include "aggregates/catalogue.hpp"
#include "support/clock.hpp"
#include "support/versus.hpp"

/// add, merge and result of each aggregate alone, with States that stay in the near caches. No pipeline, no keys; only reported.

namespace bench {
namespace {

constexpr std::size_t states = 64;
constexpr std::size_t records = 64;  // of each state
constexpr std::size_t laps = 16;

/// A record a millisecond, each state's after those of the state before.
const std::vector<Event>& events() {
  static const std::vector<Event> all = [] {
    std::vector<Event> made(states * records);
    Rng rng{7};
    for (std::size_t i = 0; i < made.size(); ++i)
      made[i] = {.key = 1,
                 .at = weir::event_time(static_cast<std::int64_t>(i) * 1'000'000),
                 .value = static_cast<double>(1 + rng.below(100)),
                 .merchant = rng.below(1000)};
    return made;
  }();
  return all;
}

template <class T>
void keep(const T& object) {
  asm volatile("" : : "r"(&object) : "memory");
}

template <class EntryOf>
class Bench {
 public:
  using Aggregator = typename EntryOf::Aggregator;
  using State = typename Aggregator::State;

  explicit Bench(const EntryOf& entry) : aggregator_(entry.feature), states_(states) { add(); }

  void add() {
    for (std::size_t s = 0; s < states; ++s) {
      State state{};
      for (std::size_t i = s * records; i < (s + 1) * records; ++i) {
        const Event& event = events()[i];
        aggregator_.add(state, event, event.at);
        keep(state);
      }
      states_[s] = std::move(state);
    }
  }
  void merge() {
    State sum{};
    for (const State& state : states_) {
      aggregator_.merge(sum, state);
      keep(sum);
    }
  }
  void result() {
    const weir::Interval asked{.begin = events().front().at, .as_of = events().back().at};
    for (const State& state : states_) {
      keep(state);
      keep(aggregator_.result(state, asked));
    }
  }

 private:
  Aggregator aggregator_;
  std::vector<State> states_;
};

template <class EntryOf>
void add_cases(const EntryOf& entry) {
  const auto add_case = [&entry](const char* api, std::size_t items, void (Bench<EntryOf>::*step)()) {
    add({.name = std::string{"in cache, "} + entry.name,
         .suite = "aggregates",
         .api = api,
         .keys = {0},
         .dists = {Dist::uniform},
         .set_up = [entry, items, step](const Setting&) {
           const auto bench = std::make_shared<Bench<EntryOf>>(entry);
           Match match{.items = static_cast<double>(items * laps)};
           match.ours.pass = [bench, step] {
             const double start = thread_seconds();
             for (std::size_t lap = 0; lap < laps; ++lap) ((*bench).*step)();
             return thread_seconds() - start;
           };
           return match;
         }});
  };
  add_case("add", states * records, &Bench<EntryOf>::add);
  add_case("merge", states, &Bench<EntryOf>::merge);
  add_case("result", states, &Bench<EntryOf>::result);
}

const bool added = [] {
  for_each_aggregate([](const auto& entry) { add_cases(entry); });
  const auto add_sketch = []<class Row>(const char* name, const Row&, auto feature) {
    add_cases(Entry<Row, decltype(feature)>{name, feature});
  };
  using Number = One<double>;
  using Count = One<std::uint64_t>;
  using Top = One<weir::Sequence<weir::Frequent<std::uint64_t>, 8>>;
  add_sketch("approx_distinct", Count{}, weir::approx_distinct(&Event::merchant).as(&Count::value));
  add_sketch("quantile", Number{}, weir::quantile(&Event::value, 0.95).as(&Number::value));
  add_sketch("rank_quantile", Number{}, weir::rank_quantile(&Event::value, 0.95).as(&Number::value));
  add_sketch("frequency_of_newest", Count{}, weir::frequency_of_newest(&Event::merchant).as(&Count::value));
  add_sketch("top_n<8>", Top{}, weir::top_n<8>(&Event::merchant).as(&Top::value));
  return true;
}();

}  // namespace
}  // namespace bench
