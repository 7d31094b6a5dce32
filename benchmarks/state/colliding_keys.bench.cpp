#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <weir/weir.hpp>

#include "support/ours.hpp"
#include "support/versus.hpp"

/// Keys of somebody who knows how weir hashes, but not with which seed, against random keys: the same tumbling count and sum.

namespace bench {
namespace {

using namespace std::chrono_literals;

constexpr weir::Duration window_size = (1 << 16) * weir::Duration{1ms};

/// Keys that the seed everybody can read sends to one line of few segments.
std::vector<std::uint64_t> colliding(std::size_t count) {
  const weir::HashSeed known{};
  std::vector<std::uint64_t> keys;
  Rng rng{17};
  while (keys.size() < count) {
    const std::uint64_t key = rng.next();
    const std::uint64_t hash = weir::hash_word(key, known);
    if (hash % 128 == 77 && hash >> 60 == 5) keys.push_back(key);
  }
  return keys;
}

/// Keys that lie far apart at equal distances.
std::vector<std::uint64_t> distant(std::size_t count) {
  std::vector<std::uint64_t> keys;
  for (std::uint64_t i = 0; i < count; ++i) keys.push_back(i << 44);
  return keys;
}

/// The stream, with the keys of the ids replaced.
Contender over(const Setting& setting, const std::vector<std::uint64_t>& keys,
               std::shared_ptr<Stream<Event>>& stream) {
  const StreamSpec spec{.records = setting.records,
                        .keys = setting.keys,
                        .dist = setting.dist,
                        .span = static_cast<std::int64_t>(setting.records / 16) * weir::Duration{1ms}};
  if (keys.empty()) {
    stream = std::make_shared<Stream<Event>>(event_stream(spec));
  } else {
    const Stream<Event> random = event_stream(spec);
    const auto& id = ids(spec.records, spec.keys, spec.dist);
    Buffer<Event> records(spec.records);
    for (std::size_t i = 0; i < spec.records; ++i) {
      records[i] = random.records()[i];
      records[i].key = keys[id[i]];
    }
    stream = std::make_shared<Stream<Event>>(spec, std::move(records));
  }
  return ours(stream, weir::ascending(), [](const weir::Source<Event>& events, TallySink sink) {
    events | weir::key_by(&Event::key) | weir::tumbling({.size = window_size, .grace = 0s}) |
        weir::aggregate<CountSum>("totals", weir::count().as(&CountSum::count),
                                  weir::sum(&Event::value).as(&CountSum::sum)) |
        weir::sink("tally", sink);
  });
}

template <std::vector<std::uint64_t> (*keys_of)(std::size_t)>
Match chosen_keys(const Setting& setting) {
  std::shared_ptr<Stream<Event>> chosen, random;
  Match match;
  match.items = static_cast<double>(setting.records);
  match.ours = over(setting, keys_of(setting.keys), chosen);
  match.limit = over(setting, {}, random);
  match.move_on = [chosen, random](std::int64_t rounds) {
    chosen->move_on(rounds);
    random->move_on(rounds);
  };
  match.counted_per_pass = setting.records;
  match.compares_rows = false;  // their keys differ
  return match;
}

const bool added = add({.name = "colliding keys",
                        .suite = "state",
                        .keys = {1'000, 100'000},
                        .dists = {Dist::uniform},
                        .required = 3.0,
                        .against = "random_keys",
                        .set_up = chosen_keys<colliding>}) &&
                   add({.name = "distant keys",
                        .suite = "state",
                        .keys = {1'000, 100'000},
                        .dists = {Dist::uniform},
                        .required = 3.0,
                        .against = "random_keys",
                        .set_up = chosen_keys<distant>});

}  // namespace
}  // namespace bench
