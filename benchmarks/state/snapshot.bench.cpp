#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <weir/weir.hpp>

#include "limits/snapshot.hpp"
#include "support/clock.hpp"
#include "support/meanwhile.hpp"
#include "support/versus.hpp"

/// The state of a tumbling count and sum of 64-bit keys: written, taken out of the pipeline, and read; and keys that are
/// forgotten. Times are per key.

namespace bench {
namespace {

using namespace std::chrono_literals;

/// A pipeline whose keys all have one open window.
class Shop {
 public:
  explicit Shop(std::uint32_t keys) {
    weir::Graph graph{"bench"};
    source_.emplace(graph.source<Event>("events", {.time = &Event::at, .watermark = weir::host_driven()}));
    *source_ | weir::key_by(&Event::key) | weir::tumbling({.size = 1h, .grace = 0s}) |
        weir::aggregate<CountSum>("totals", weir::count().as(&CountSum::count),
                                  weir::sum(&Event::value).as(&CountSum::sum)) |
        weir::sink("out", [](const auto&) {});
    pipeline_.emplace(std::move(graph).build().value());
    for (std::uint32_t id = 0; id < keys; ++id)
      pipeline_->push(*source_, Event{key_of(id), weir::event_time(id), 1.0, 0});
  }
  [[nodiscard]] weir::Pipeline& pipeline() { return *pipeline_; }
  void push(std::span<const Event> events) {
    for (std::size_t i = 0; i < events.size(); i += 256)
      pipeline_->push(*source_, events.subspan(i, std::min<std::size_t>(256, events.size() - i)));
  }

 private:
  std::optional<weir::Source<Event>> source_;
  std::optional<weir::Pipeline> pipeline_;
};

/// Memory that pieces are copied into, as a file or a socket would have it.
class Store {
 public:
  explicit Store(std::size_t bytes) : bytes_(bytes) {}
  void put(const void* piece, std::size_t bytes) {
    std::memcpy(bytes_.data() + size_, piece, bytes);
    size_ += bytes;
  }
  void clear() { size_ = 0; }
  [[nodiscard]] std::string_view written() const { return {bytes_.data(), size_}; }

 private:
  std::vector<char> bytes_;
  std::size_t size_ = 0;
};

std::vector<limit::FlatRecord> flat(std::uint32_t keys) {
  std::vector<limit::FlatRecord> records(keys);
  for (std::uint32_t id = 0; id < keys; ++id) records[id] = {key_of(id), 0, 1, 1.0};
  return records;
}

template <class Work>
Contender timed(Work work) {
  return {.pass = [work = std::move(work)]() mutable {
    const double start = thread_seconds();
    work();
    return thread_seconds() - start;
  }};
}

void require(bool holds) {
  if (!holds) std::abort();
}

Contender limit_write(std::uint32_t keys) {
  const auto records = std::make_shared<std::vector<limit::FlatRecord>>(flat(keys));
  const auto store = std::make_shared<Store>(keys * sizeof(limit::FlatRecord) + (1 << 20));
  return timed([records, store] {
    store->clear();
    limit::write_flat(*records, [&](std::span<const limit::FlatRecord> piece, std::uint64_t checksum) {
      store->put(piece.data(), piece.size_bytes());
      store->put(&checksum, sizeof checksum);
    });
  });
}

Match write(const Setting& setting, bool only_freezes) {
  const auto shop = std::make_shared<Shop>(setting.keys);
  const auto store = std::make_shared<Store>(std::size_t{setting.keys} * 200 + (1 << 20));
  Match match{.items = static_cast<double>(setting.keys)};
  if (only_freezes) {
    match.ours = timed([shop] { require(shop->pipeline().begin_snapshot().ok()); });
  } else {
    match.ours = timed([shop, store] {
      store->clear();
      require(shop->pipeline()
                  .snapshot({},
                            [&](std::string_view piece) {
                              store->put(piece.data(), piece.size());
                              return absl::OkStatus();
                            })
                  .ok());
    });
  }
  match.limit = limit_write(setting.keys);
  match.compares_rows = false;
  return match;
}

/// A child process that has the state. All of it is written to before the next, so that no page is the child's any more.
Match fork_beside(const Setting& setting) {
  const auto shop = std::make_shared<Shop>(setting.keys);
  const auto events = std::make_shared<std::vector<Event>>();
  for (std::uint32_t id = 0; id < setting.keys; ++id)
    events->push_back({key_of(id), weir::event_time(id), 1.0, 0});
  Match match{.items = static_cast<double>(setting.keys)};
  match.ours = {.pass = [shop, events] {
    shop->push(*events);
    const double start = wall_seconds();
    const pid_t child = fork();
    if (child == 0) _exit(0);
    const double seconds = wall_seconds() - start;
    require(child > 0 && waitpid(child, nullptr, 0) == child);
    return seconds;
  }};
  match.limit = limit_write(setting.keys);
  match.compares_rows = false;
  return match;
}

/// Records while a frozen state is being written on another thread, again and again, against records alone.
Match push_meanwhile(const Setting& setting) {
  const auto events = std::make_shared<std::vector<Event>>();
  for (const std::uint32_t id : ids(std::size_t{1} << 21, setting.keys, setting.dist))
    events->push_back({key_of(id), weir::event_time(id), 1.0, 0});
  Match match{.items = static_cast<double>(events->size())};
  const auto side = [&](bool writes) -> Contender {
    const auto shop = std::make_shared<Shop>(setting.keys);
    const auto store = std::make_shared<Store>(std::size_t{setting.keys} * 200 + (1 << 20));
    return {.pass = [shop, store, events, writes] {
      const absl::StatusOr<weir::FrozenSnapshot> frozen = shop->pipeline().begin_snapshot();
      require(frozen.ok());
      const Meanwhile writer([&] {
        if (!writes) return std::this_thread::sleep_for(1ms);
        store->clear();
        require(frozen
                    ->write([&store](std::string_view piece) {
                      store->put(piece.data(), piece.size());
                      return absl::OkStatus();
                    })
                    .ok());
      });
      const double start = thread_seconds();
      shop->push(*events);
      return thread_seconds() - start;
    }};
  };
  match.ours = side(true);
  match.limit = side(false);
  match.compares_rows = false;
  return match;
}

Match read(const Setting& setting) {
  const auto image = std::make_shared<std::string>();
  require(Shop(setting.keys).pipeline().snapshot({}, *image).ok());
  const auto records = std::make_shared<std::vector<limit::FlatRecord>>(flat(setting.keys));
  const auto checksums = std::make_shared<std::vector<std::uint64_t>>();
  limit::write_flat(*records, [&](auto, std::uint64_t checksum) { checksums->push_back(checksum); });
  Match match{.items = static_cast<double>(setting.keys)};
  match.ours = {.pass = [image] {
    Shop shop(0);
    const double start = thread_seconds();
    require(shop.pipeline().restore(*image).ok());
    return thread_seconds() - start;
  }};
  match.limit = {.pass = [records, checksums] {
    limit::InlineTable<limit::FlatRecord> table(records->size());
    const double start = thread_seconds();
    require(limit::read_flat(*records, *checksums, table));
    return thread_seconds() - start;
  }};
  match.compares_rows = false;
  return match;
}

struct Counting {
  struct State {
    std::int64_t count = 0;
    friend bool operator==(const State&, const State&) = default;
  };
  void process(State& state, const Event&, weir::Out<std::int64_t>&) const { ++state.count; }
};

/// Every key has State and is forgotten at once.
Match expire(const Setting& setting) {
  const auto events = std::make_shared<std::vector<Event>>();
  for (const std::uint32_t id : ids(setting.keys, setting.keys, Dist::uniform))
    events->push_back({key_of(id), {}, 1.0, 0});
  constexpr std::int64_t retain = 1'000'000;
  const auto clock = std::make_shared<std::int64_t>(0);

  weir::Graph graph{"bench"};
  const auto source = graph.source<Event>("events", {.time = &Event::at, .watermark = weir::host_driven()});
  source | weir::key_by(&Event::key) |
      weir::each({.name = "state", .retain = weir::Duration{retain}}, Counting{}) |
      weir::sink("out", [](std::int64_t) {});
  const auto pipeline = std::make_shared<weir::Pipeline>(std::move(graph).build().value());
  const auto limit = std::make_shared<limit::Expiring>(setting.keys, retain);

  Match match{.items = static_cast<double>(setting.keys)};
  match.move_on = [events, clock](std::int64_t rounds) {
    *clock += rounds * 10 * retain;
    for (std::size_t i = 0; i < events->size(); ++i)
      (*events)[i].at = weir::event_time(*clock + static_cast<std::int64_t>(i));
  };
  match.ours = {.pass = [pipeline, source, events, clock] {
    for (std::size_t i = 0; i < events->size(); i += 256)
      pipeline->push(
          source, std::span<const Event>(*events).subspan(i, std::min<std::size_t>(256, events->size() - i)));
    const double start = thread_seconds();
    require(pipeline->advance(source, weir::event_time(*clock + 9 * retain)).ok());
    return thread_seconds() - start;
  }};
  match.limit = {.pass = [limit, events, clock] {
    for (const Event& event : *events) limit->touch(event.key, weir::ticks(event.at));
    const double start = thread_seconds();
    require(limit->expire(*clock + 9 * retain) > 0);
    return thread_seconds() - start;
  }};
  match.compares_rows = false;
  return match;
}

const bool added = add({.name = "snapshot write, checksummed",
                        .suite = "state",
                        .api = "snapshot",
                        .keys = {1'000, 100'000, 1'000'000},
                        .dists = {Dist::uniform},
                        .required = 2.5,
                        .set_up = [](const Setting& setting) { return write(setting, false); }}) &&
                   add({.name = "pause of the pipeline",
                        .suite = "state",
                        .api = "begin_snapshot",
                        .keys = {1'000'000},
                        .dists = {Dist::uniform},
                        .required_ns = 5,
                        .set_up = [](const Setting& setting) { return write(setting, true); }}) &&
                   add({.name = "pause of the pipeline",
                        .suite = "state",
                        .api = "fork",
                        .keys = {1'000'000},
                        .dists = {Dist::uniform},
                        .required_ns = 5,
                        .set_up = fork_beside}) &&
                   add({.name = "records while a snapshot is written",
                        .suite = "state",
                        .keys = {1'000'000},
                        .dists = {Dist::uniform},
                        .required = 1.43,
                        .against = "alone",
                        .set_up = push_meanwhile}) &&
                   add({.name = "restore",
                        .suite = "state",
                        .api = "restore",
                        .keys = {1'000, 100'000, 1'000'000},
                        .dists = {Dist::uniform},
                        .required = 2.5,
                        .set_up = read}) &&
                   add({.name = "expiry of a key",
                        .suite = "state",
                        .api = "advance",
                        .keys = {1'000, 100'000, 1'000'000},
                        .dists = {Dist::uniform},
                        .required = 3,
                        .set_up = expire});

}  // namespace
}  // namespace bench
