#include <algorithm>
#include <cmath>
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

#include "limits/sketches.hpp"
#include "naive/sketches.hpp"
#include "support/clock.hpp"
#include "support/versus.hpp"

/// One large sketch each: what a value costs when the sketch has long been dense, and what a union costs.

namespace bench {
namespace {

std::shared_ptr<std::vector<std::uint64_t>> different_numbers(std::size_t n) {
  const auto out = std::make_shared<std::vector<std::uint64_t>>(n);
  for (std::size_t i = 0; i < n; ++i) (*out)[i] = key_of(static_cast<std::uint32_t>(i));
  return out;
}

/// Three decades around 90, as latencies are.
std::shared_ptr<std::vector<double>> latencies(std::size_t n) {
  const auto out = std::make_shared<std::vector<double>>(n);
  Rng rng{9};
  for (double& x : *out) x = std::exp(3 * (rng.unit() + rng.unit() + rng.unit()));
  return out;
}

double median_of(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// `add_all` adds all values in a pass. What comes out is how many were added, or nothing if the answer is wrong.
template <class Values, class AddAll, class IsRight>
Contender adding(std::shared_ptr<Values> values, AddAll add_all, IsRight is_right) {
  const auto count = std::make_shared<std::uint64_t>(0);
  return {.pass =
              [values, add_all, count] {
                const double start = thread_seconds();
                add_all(*values);
                const double seconds = thread_seconds() - start;
                *count += values->size();
                return seconds;
              },
          .finish = [count, is_right] { return Tally{.records = is_right(*count) ? *count : 0}; }};
}

bool is_near(double found, double right, double share) { return std::abs(found - right) <= share * right; }

Match distinct(const Setting& setting) {
  const auto values = different_numbers(setting.records);
  const auto right = static_cast<double>(values->size());
  const weir::ApproxDistinct<std::uint64_t> aggregator{.precision = limit::HyperLogLog::precision};
  const auto ours = std::make_shared<weir::ApproxDistinct<std::uint64_t>::State>();
  const auto limit = std::make_shared<limit::HyperLogLog>();
  Match match{.items = right};
  match.ours = adding(
      values,
      [ours, aggregator](const auto& all) {
        for (const auto x : all) aggregator.add(*ours, x);
      },
      [ours, aggregator, right](std::uint64_t) {
        return is_near(static_cast<double>(aggregator.result(*ours)), right, 0.05);
      });
  match.limit = adding(
      values, [limit](const auto& all) { limit->add(all); },
      [limit, right](std::uint64_t) { return is_near(limit->estimate(), right, 0.05); });
  match.counted_per_pass = values->size();
  return match;
}

/// Sixteen dense sketches of 2^14 values each into one.
Match unite(const Setting&) {
  constexpr std::size_t parts = 16;
  constexpr std::size_t laps = 1000;
  const auto values = different_numbers(parts << 14);
  const weir::ApproxDistinct<std::uint64_t> aggregator{.precision = limit::HyperLogLog::precision};
  using State = weir::ApproxDistinct<std::uint64_t>::State;
  const auto ours = std::make_shared<std::vector<State>>(parts + 1);
  const auto limit = std::make_shared<std::vector<limit::HyperLogLog>>(parts + 1);
  for (std::size_t i = 0; i < values->size(); ++i) {
    aggregator.add((*ours)[1 + i % parts], (*values)[i]);
    (*limit)[1 + i % parts].add({&(*values)[i], 1});
  }
  const auto right = static_cast<double>(values->size());
  const auto uniting = [](auto sketches, auto merge, auto estimate, double wanted) {
    return Contender{.pass =
                         [sketches, merge] {
                           const double start = thread_seconds();
                           for (std::size_t lap = 0; lap < laps; ++lap)
                             for (std::size_t i = 1; i <= parts; ++i) {
                               merge((*sketches)[0], (*sketches)[i]);
                               asm volatile("" : : : "memory");
                             }
                           return thread_seconds() - start;
                         },
                     .finish =
                         [sketches, estimate, wanted] {
                           return Tally{.rows = is_near(estimate((*sketches)[0]), wanted, 0.05) ? 1U : 0U};
                         }};
  };
  Match match{.items = static_cast<double>(laps * parts)};
  match.ours = uniting(
      ours, [aggregator](State& to, const State& from) { aggregator.merge(to, from); },
      [aggregator](const State& state) { return static_cast<double>(aggregator.result(state)); }, right);
  match.limit = uniting(
      limit, [](limit::HyperLogLog& to, const limit::HyperLogLog& from) { to.unite(from); },
      [](const limit::HyperLogLog& sketch) { return sketch.estimate(); }, right);
  return match;
}

Match relative_quantile(const Setting& setting) {
  const auto values = latencies(setting.records);
  const double right = median_of(*values);
  const weir::Quantile<double> aggregator{.q = 0.5};
  const auto ours = std::make_shared<weir::Quantile<double>::State>();
  const auto limit = std::make_shared<limit::LogHistogram>();
  Match match{.items = static_cast<double>(values->size())};
  match.ours = adding(
      values,
      [ours, aggregator](const auto& all) {
        for (const auto x : all) aggregator.add(*ours, x);
      },
      [ours, aggregator, right](std::uint64_t) {
        return is_near(aggregator.result(*ours)->value, right, 0.011);
      });
  match.limit = adding(
      values,
      [limit](const auto& all) {
        for (const auto x : all) limit->add(x);
      },
      [limit, right](std::uint64_t count) { return is_near(limit->at(0.5, count), right, 0.04); });
  match.counted_per_pass = values->size();
  return match;
}

Match rank_quantile(const Setting& setting) {
  const auto values = latencies(setting.records);
  const auto sorted = std::make_shared<std::vector<double>>(*values);
  std::sort(sorted->begin(), sorted->end());
  const weir::RankQuantile<double> aggregator{.q = 0.5};
  const auto ours = std::make_shared<weir::RankQuantile<double>::State>();
  const auto runs = std::make_shared<naive::SortedRuns>();
  Match match{.items = static_cast<double>(values->size())};
  match.ours = adding(
      values,
      [ours, aggregator](const auto& all) {
        for (const auto x : all) aggregator.add(*ours, x);
      },
      [ours, aggregator, sorted](std::uint64_t) {
        const auto place = std::lower_bound(sorted->begin(), sorted->end(), *aggregator.result(*ours));
        const auto rank = static_cast<double>(place - sorted->begin());
        return is_near(rank / static_cast<double>(sorted->size()), 0.5, 0.04);
      });
  match.naive = adding(
      values,
      [runs](const auto& all) {
        for (const auto x : all) runs->add(x);
      },
      [runs, sorted](std::uint64_t) {
        return is_near(runs->rank_of((*sorted)[sorted->size() / 2]), 0.5, 0.04);
      });
  match.counted_per_pass = values->size();
  return match;
}

/// Zipf 0.99 over 1e5 values.
struct Skewed {
  explicit Skewed(std::size_t n) : counts(100'000) {
    for (const std::uint32_t id : ids(n, static_cast<std::uint32_t>(counts.size()), Dist::zipf)) {
      values->push_back(key_of(id));
      ++counts[id];
    }
  }
  /// Of all values.
  [[nodiscard]] double share(std::uint32_t id) const {
    return static_cast<double>(counts[id]) / static_cast<double>(values->size());
  }

  std::shared_ptr<std::vector<std::uint64_t>> values = std::make_shared<std::vector<std::uint64_t>>();
  std::vector<std::uint64_t> counts;  // by id
};

Contender count_min(const Skewed& skewed, std::uint32_t id) {
  const auto limit = std::make_shared<limit::CountMin>();
  return adding(
      skewed.values,
      [limit](const auto& all) {
        for (const auto x : all) limit->add(x);
      },
      [limit, id, share = skewed.share(id)](std::uint64_t count) {
        const auto all = static_cast<double>(count);
        const double above = static_cast<double>(limit->count_of(key_of(id))) - share * all;
        return above > -1 && above < 0.001 * all;
      });
}

/// Ours is asked for the newest value, for which it looks at the times.
Match frequency(const Setting& setting) {
  const Skewed skewed{setting.records};
  const std::uint32_t newest =
      ids(setting.records, static_cast<std::uint32_t>(skewed.counts.size()), Dist::zipf).back();
  using Aggregator = weir::FrequencyOfNewest<std::uint64_t>;
  const Aggregator aggregator{weir::detail::CountMinShape::of({.epsilon = 0.0001, .delta = 0.02})};
  const auto ours = std::make_shared<Aggregator::State>();
  const auto clock = std::make_shared<std::int64_t>(0);
  Match match{.items = static_cast<double>(setting.records)};
  match.ours = adding(
      skewed.values,
      [ours, aggregator, clock](const auto& all) {
        std::int64_t at = *clock;
        for (const auto x : all) aggregator.add(*ours, x, weir::event_time(++at));
        *clock = at;
      },
      [ours, aggregator, share = skewed.share(newest)](std::uint64_t count) {
        const auto all = static_cast<double>(count);
        const double above = static_cast<double>(aggregator.result(*ours)->value) - share * all;
        return above > -1 && above < 0.001 * all;
      });
  match.limit = count_min(skewed, newest);
  match.counted_per_pass = setting.records;
  return match;
}

/// 256 counters, against the counts of all values, approximately.
Match heavy_hitters(const Setting& setting) {
  const Skewed skewed{setting.records};
  const auto most = static_cast<std::uint32_t>(std::max_element(skewed.counts.begin(), skewed.counts.end()) -
                                               skewed.counts.begin());
  const weir::TopN<std::uint64_t, 8> aggregator{};
  const auto ours = std::make_shared<weir::TopN<std::uint64_t, 8>::State>();
  Match match{.items = static_cast<double>(setting.records)};
  match.ours = adding(
      skewed.values,
      [ours, aggregator](const auto& all) {
        for (const auto x : all) aggregator.add(*ours, x);
      },
      [ours, aggregator, most, share = skewed.share(most)](std::uint64_t count) {
        const auto top = aggregator.result(*ours);
        const double right = share * static_cast<double>(count);
        return top[0].item == key_of(most) && static_cast<double>(top[0].count) >= right - 1 &&
               static_cast<double>(top[0].count - top[0].error) <= right + 1;
      });
  match.limit = count_min(skewed, most);
  match.counted_per_pass = setting.records;
  return match;
}

Case sketch(std::string name, std::string api, double required, Match (*set_up)(const Setting&)) {
  return {.name = std::move(name),
          .suite = "aggregates",
          .api = std::move(api),
          .keys = {0},
          .dists = {Dist::uniform},
          .required = required,
          .set_up = set_up};
}

const bool added = [] {
  add(sketch("HyperLogLog, p = 12", "add", 1.5, distinct));
  add(sketch("HyperLogLog, p = 12", "union", 1.5, unite));
  add(sketch("quantile, 1 % of the value", "add", 2.0, relative_quantile));
  add(sketch("count-min, 4 x 32768", "add", 1.5, frequency));
  add(sketch("quantile, 1.65 % of the rank", "add", 0, rank_quantile));
  Case heavy = sketch("heavy hitters, 256 counters", "add", 0, heavy_hitters);
  heavy.against = "count_min";
  return add(heavy);
}();

}  // namespace
}  // namespace bench
