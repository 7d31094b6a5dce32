#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <weir/weir.hpp>

#include "aggregate/samples.hpp"
#include "catch.hpp"
#include "effort.hpp"

/// \file
/// Aggregates in every kind of window: what comes out is what one State gives to which the records of the window were added in their
/// order, one after the other. That each aggregate computes what its card says is tested in its own file.

namespace every_window {

using std::chrono::microseconds;
using weir::event_time;
using weir::EventTime;

struct Event {
  std::uint32_t key = 0;
  EventTime at;
  std::int64_t count = 0;
  double value = 0, weight = 1;
  std::string word;
  std::array<double, 3> vector{};
  bool flag = false;
};

/// In the order in which they arrive: a little out of order, many of them at the same time.
inline std::vector<Event> events(std::uint64_t seed, int count) {
  samples::Random random{seed};
  std::vector<Event> events;
  std::int64_t now = 0;
  for (int i = 0; i < count; ++i) {
    now += random.below(8) == 0 ? random.between(10, 40) : random.between(0, 2);
    Event event;
    event.key = static_cast<std::uint32_t>(random.below(3));
    event.at = event_time(now);
    event.count = random.between(-6, 9);
    event.value = static_cast<double>(random.between(-40, 60)) / 4;
    event.weight = static_cast<double>(random.between(1, 12)) / 8;
    event.word = std::string(1, static_cast<char>('a' + random.below(6)));
    for (double& part : event.vector) part = static_cast<double>(random.between(-8, 8)) / 2;
    event.flag = random.below(3) != 0;
    events.push_back(std::move(event));
  }
  for (std::size_t i = 0; i + 4 <= events.size(); i += 4)
    for (std::size_t k = 3; k > 0; --k) std::swap(events[i + k], events[i + random.below(k + 1)]);
  return events;
}

/// All fields that the features of a row write, as numbers and texts.
struct Told {
  std::vector<std::optional<double>> numbers;
  std::vector<std::string> texts;

  template <class T>
  void tell(const T& field) {
    if constexpr (std::same_as<T, std::string>) {
      texts.push_back(field);
    } else if constexpr (std::same_as<T, weir::Duration>) {
      numbers.emplace_back(static_cast<double>(field.count()));
    } else if constexpr (requires { field.category; }) {
      tell(field.category);
      tell(field.value);
    } else if constexpr (requires { field.item; }) {
      tell(field.item);
      tell(field.count);
    } else if constexpr (requires { field.counts; }) {
      tell(field.from);
      tell(field.width);
      tell(field.counts);
    } else if constexpr (weir::detail::is_optional<T>) {
      if (field)
        tell(*field);
      else
        numbers.emplace_back(std::nullopt);
    } else if constexpr (weir::detail::Listed<T>) {
      numbers.emplace_back(static_cast<double>(field.size()));
      for (const auto& one : field) tell(one);
    } else {
      numbers.emplace_back(static_cast<double>(field));
    }
  }
};

/// Text of the first feature of which two rows differ; empty if none does.
template <class Row, class... Features>
std::string difference(const Row& a, const Row& b, const std::tuple<Features...>& features) {
  std::string found;
  const auto compare = [&](const auto& feature) {
    Told x, y;
    x.tell(a.*(feature.target.at[0]));
    y.tell(b.*(feature.target.at[0]));
    bool is_same = x.texts == y.texts && x.numbers.size() == y.numbers.size();
    for (std::size_t i = 0; is_same && i < x.numbers.size(); ++i) {
      is_same = x.numbers[i].has_value() == y.numbers[i].has_value();
      if (!is_same || !x.numbers[i]) continue;
      const double p = *x.numbers[i], q = *y.numbers[i];
      is_same = std::abs(p - q) <= 1e-9 * (1 + std::max(std::abs(p), std::abs(q)));
    }
    if (is_same || !found.empty()) return;
    found = std::string(feature.family.name) + ":";
    for (const Told* told : {&x, &y}) {
      for (const auto& number : told->numbers) found += number ? " " + std::to_string(*number) : " -";
      for (const std::string& text : told->texts) found += " " + text;
      if (told == &x) found += ", and not";
    }
  };
  std::apply([&](const auto&... feature) { (compare(feature), ...); }, features);
  return found;
}

/// The records of a key in a window.
inline std::vector<Event> records_in(const std::vector<Event>& events, std::uint32_t key,
                                     weir::Window window) {
  std::vector<Event> inside;
  for (const Event& event : events) {
    if (event.key == key && event.at >= window.start && event.at < window.end) inside.push_back(event);
  }
  return inside;
}

/// The last records of a key before an instant by time, equal ones by arrival.
inline std::vector<Event> last_records(const std::vector<Event>& events, std::uint32_t key, std::size_t count,
                                       EventTime before) {
  std::vector<Event> last;
  for (const Event& event : events) {
    if (event.key == key && event.at < before) last.push_back(event);
  }
  std::stable_sort(last.begin(), last.end(), [](const Event& a, const Event& b) { return a.at < b.at; });
  last.erase(last.begin(), last.end() - static_cast<long>(std::min(count, last.size())));
  return last;
}

/// What one State gives for records that came in this order.
template <class Row, class... Features>
Row reference(std::vector<Event> inside, weir::Interval asked, const std::tuple<Features...>& features) {
  std::stable_sort(inside.begin(), inside.end(), [](const Event& a, const Event& b) { return a.at < b.at; });
  const auto aggregator = std::apply(
      [](const auto&... feature) { return weir::RowAggregator<Row, Event, Features...>(feature...); },
      features);
  typename decltype(aggregator)::State state{};
  for (const Event& event : inside) aggregator.add(state, event, event.at);
  return aggregator.result(state, asked);
}

/// `inside(row)` are the records of a row's window.
template <class Row, class... Features, class Windows, class Inside>
void check_windows(const char* kind, const Windows& windows, const std::tuple<Features...>& features,
                   Inside inside) {
  const std::vector<Event> all = events(7, 400);
  weir::Graph graph{"windows"};
  auto source =
      graph.source<Event>("events", {.time = &Event::at, .watermark = weir::trailing(microseconds(200))});
  std::vector<weir::Windowed<std::uint32_t, Row>> rows;
  const auto aggregate =
      std::apply([](const auto&... feature) { return weir::aggregate<Row>("rows", feature...); }, features);
  source | weir::key_by(&Event::key) | Windows(windows) | aggregate |
      weir::sink("out", [&rows](const auto& row) { rows.push_back(row); });
  auto pipeline = std::move(graph).build();
  REQUIRE(pipeline.ok());
  for (const Event& event : all) pipeline->push(source, event);
  REQUIRE(pipeline->finish().ok());
  CHECK(pipeline->stats("rows").late == 0);
  REQUIRE(rows.size() >= 3);
  for (const auto& row : rows) {
    const Row expected = reference<Row>(inside(all, row), {row.window.start, row.as_of}, features);
    const std::string found = difference(row.value, expected, features);
    if (!found.empty()) {
      INFO(kind << ", window " << weir::ticks(row.window.start) << " to " << weir::ticks(row.window.end));
      FAIL_CHECK(found);
      return;
    }
  }
}

/// A rolling window of time, of so many records, or a lifetime.
struct RandomWindow {
  enum class Cut { exact, tail, both };
  explicit RandomWindow(samples::Random& random)
      : hop(random.between(1, 12)), size(hop * random.between(1, 12)), is_asking_in(random.below(2) == 0) {
    const weir::Asking asking = is_asking_in ? weir::Asking::included : weir::Asking::excluded;
    switch (random.below(5)) {
      case 0:
        records = 1 + random.below(8);
        rolling = weir::rolling_records({.records = static_cast<std::uint32_t>(records), .asking = asking});
        break;
      case 1:
        rolling = weir::rolling_lifetime({.asking = asking});
        break;
      default:
        cut = std::array{Cut::exact, Cut::tail, Cut::both}[random.below(3)];
        const weir::Precision precision = *cut == Cut::exact  ? weir::exact
                                          : *cut == Cut::tail ? weir::Precision(hop)
                                                              : weir::pre_cut(hop);
        rolling = weir::rolling({.size = size, .precision = precision, .asking = asking});
    }
  }
  /// What a window of time covers that is whole.
  [[nodiscard]] weir::Window whole(EventTime as_of) const {
    const auto floor = [this](EventTime at) {
      return at - weir::Duration(((weir::ticks(at) % hop.count()) + hop.count()) % hop.count());
    };
    EventTime end = as_of + weir::Duration(is_asking_in ? 1 : 0);
    if (*cut == Cut::both) end = floor(end);
    return {*cut == Cut::tail ? floor(end - size) : end - size, end};
  }

  weir::Duration hop;
  weir::Duration size;
  bool is_asking_in;
  std::optional<Cut> cut;   // of a window of time
  std::size_t records = 0;  // 0: any number
  weir::Rolling<1> rolling = weir::rolling_lifetime();
};

/// Random windows over random records, read at random instants, also such as are past, and at some of them again.
template <class Row, class... Features>
void check_rolling(const std::tuple<Features...>& features) {
  const std::uint64_t scripts = effort() == "long" ? 100'000 : effort() == "quick" ? 100 : 5'000;
  std::uint64_t whole = 0;
  for (std::uint64_t seed = 1; seed <= scripts; ++seed) {
    samples::Random random{seed};
    const RandomWindow window(random);
    const weir::Duration bound(random.between(0, 50));
    const weir::Duration time_travel(random.between(0, 1) * random.between(0, 60));
    weir::Graph graph{"rolling"};
    auto source = graph.source<Event>("events", {.time = &Event::at, .watermark = weir::trailing(bound)});
    const auto parts = std::apply(
        [&window](const auto&... feature) { return weir::Rolling<1>(window.rolling).compute(feature...); },
        features);
    auto view =
        source | weir::key_by(&Event::key) |
        weir::features<Row>({.name = "rows", .time_travel = time_travel, .retain = weir::for_ever}, parts) |
        weir::view("view");
    auto pipeline = std::move(graph).build();
    REQUIRE(pipeline.ok());
    // What is before the watermark by more than the time travel, only windows of time know.
    const weir::Duration back = bound + time_travel + weir::Duration(window.cut ? 20 : 0);
    EventTime newest = event_time(0);
    EventTime as_of = newest;
    std::uint32_t key = 0;
    std::vector<Event> pushed;
    for (const Event& event : events(seed, seed % 100 == 0 ? 400 : 40)) {
      pipeline->push(source, event);
      pushed.push_back(event);
      newest = std::max(newest, event.at);
      if (as_of < newest - back || random.below(3) > 0) {
        as_of = newest + weir::Duration(random.between(-back.count(), 20));
        key = static_cast<std::uint32_t>(random.below(3));
      }
      const auto read = pipeline->lookup(view, key, {.as_of = as_of});
      const weir::Window covered = read.covered()[0];
      INFO("script " << seed << ", read at " << weir::ticks(as_of) << " of " << weir::ticks(covered.start)
                     << " to " << weir::ticks(covered.end));
      if (window.cut && read.status == weir::ReadStatus::fresh) {
        ++whole;
        if (covered != window.whole(as_of)) FAIL("another window was asked for");
      }
      const std::vector<Event> inside = window.records == 0
                                            ? records_in(pushed, key, covered)
                                            : last_records(pushed, key, window.records, covered.end);
      const EventTime begin = window.records == 0 ? covered.start : weir::no_time;
      const Row expected = reference<Row>(inside, {begin, as_of}, features);
      const std::string found = difference(*read, expected, features);
      if (!found.empty()) FAIL(found);
    }
  }
  CHECK(whole > 5 * scripts);
}

template <class Row, class... Features, class Windows>
void check_windows(const char* kind, const Windows& windows, const std::tuple<Features...>& features) {
  check_windows<Row>(kind, windows, features, [](const std::vector<Event>& all, const auto& row) {
    return records_in(all, row.key, row.window);
  });
}

/// The n-th row of a key is of its n-th `size` records, as they came.
template <class Row, class... Features>
void check_count_windows(const std::tuple<Features...>& features) {
  constexpr std::size_t size = 7;
  std::map<std::uint32_t, std::size_t> rows;
  check_windows<Row>("count windows", weir::count_windows({.size = size}), features,
                     [&rows](const std::vector<Event>& all, const auto& row) {
                       std::size_t skipped = size * rows[row.key]++;
                       std::vector<Event> inside;
                       for (const Event& event : all) {
                         if (event.key != row.key || inside.size() == size) continue;
                         if (skipped > 0)
                           --skipped;
                         else
                           inside.push_back(event);
                       }
                       return inside;
                     });
}

template <class Row, class... Features>
void check_every_window(const std::tuple<Features...>& features) {
  constexpr weir::Duration none{0};
  check_windows<Row>("tumbling", weir::tumbling({.size = microseconds(60), .grace = none}), features);
  check_windows<Row>("sliding",
                     weir::sliding({.size = microseconds(60), .every = microseconds(15), .grace = none}),
                     features);
  check_windows<Row>("cumulating",
                     weir::cumulating({.size = microseconds(120), .step = microseconds(30), .grace = none}),
                     features);
  check_windows<Row>("sessions", weir::session({.gap = microseconds(9), .grace = none}), features);
  check_windows<Row>("lifetime", weir::lifetime(), features);
  check_count_windows<Row>(features);
  check_rolling<Row>(features);
}

}  // namespace every_window
