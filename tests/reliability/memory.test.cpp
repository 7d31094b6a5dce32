#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory_resource>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <weir/weir.hpp>

#include "catch.hpp"
#include "effort.hpp"
#include "heap.hpp"

// What operators say that they hold is what the allocator holds for them.

namespace {

using namespace std::chrono_literals;

struct Event {
  std::uint64_t key = 0;
  double value = 0;
  weir::EventTime at{};
};
struct Totals {
  std::int64_t n = 0;
  double sum = 0;
};

using Stream = weir::Source<Event>;

auto totals() {
  return weir::aggregate<Totals>("totals", weir::count().as(&Totals::n),
                                 weir::sum(&Event::value).as(&Totals::sum));
}
struct Counting {
  struct State {
    std::int64_t n = 0;
    friend bool operator==(const State&, const State&) = default;
  };
  void process(State& state, const Event& event, weir::Timer& timer, weir::Out<int>&) const {
    ++state.n;
    timer.set(weir::later(event.at, 20s));
  }
  void on_timer(State& state, const weir::Fired<std::uint64_t>&, weir::Out<int>&) const { state = {}; }
};

/// One pipeline behind one source, and what comes to it.
class Filled {
 public:
  explicit Filled(const std::function<void(const Stream&)>& attach,
                  std::pmr::memory_resource* memory = nullptr) {
    weir::Graph graph{"memory", {.hash_seed = 1, .memory = memory}};
    source_ = graph.source<Event>("events", {.time = &Event::at, .watermark = weir::trailing(1s)});
    attach(*source_);
    pipeline = std::move(graph).build().value();
  }
  void push(std::uint64_t keys, std::int64_t rounds) {
    for (std::int64_t round = 0; round < rounds; ++round) {
      for (std::uint64_t key = 0; key < keys; ++key) {
        pipeline->push(*source_,
                       {.key = key * 7919,
                        .value = 1,
                        .at = weir::event_time(round * 5'000'000 + static_cast<std::int64_t>(key))});
      }
    }
  }
  /// What the operators say that they hold.
  [[nodiscard]] double said() {
    std::uint64_t said = 0;
    for (const std::string& name : pipeline->names()) said += pipeline->stats(name).state_bytes;
    return static_cast<double>(said);
  }

  std::optional<weir::Pipeline> pipeline;

 private:
  std::optional<Stream> source_;
};

/// A host's own memory, of which the heap knows nothing: counts what is taken, and can come to an end.
class HostMemory final : public std::pmr::memory_resource {
 public:
  [[nodiscard]] std::int64_t live_bytes() const { return live_bytes_; }
  [[nodiscard]] std::uint64_t allocations() const { return allocations_; }
  /// All came back as it was taken.
  [[nodiscard]] bool is_whole() const { return live_bytes_ == 0 && pieces_ == 0; }
  void end_after(std::uint64_t allocations) { last_ = allocations; }

 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    if (allocations_ == last_) throw std::bad_alloc();
    const std::size_t aligned = std::max<std::size_t>(alignment, 16);
    void* piece = std::aligned_alloc(aligned, (bytes + aligned - 1) / aligned * aligned);
    if (piece == nullptr) throw std::bad_alloc();
    ++allocations_;
    note(piece, bytes, alignment, 1);
    return piece;
  }
  void do_deallocate(void* piece, std::size_t bytes, std::size_t alignment) override {
    note(piece, bytes, alignment, -1);
    std::free(piece);
  }
  [[nodiscard]] bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    return this == &other;
  }
  void note(void* piece, std::size_t bytes, std::size_t alignment, std::int64_t sign) {
    live_bytes_ += sign * static_cast<std::int64_t>(bytes);
    const std::uint64_t mixed =
        (reinterpret_cast<std::uintptr_t>(piece) ^ bytes << 24 ^ alignment << 48) * 0x9E3779B97F4A7C15U;
    pieces_ += sign > 0 ? mixed : 0 - mixed;
  }

  std::int64_t live_bytes_ = 0;
  std::uint64_t pieces_ = 0;  // the sum of their fingerprints
  std::uint64_t allocations_ = 0;
  std::uint64_t last_ = ~std::uint64_t{0};
};

struct Kind {
  const char* name;
  std::function<void(const Stream&)> attach;
};

const std::vector<Kind> kinds{
    {"tumbling",
     [](const Stream& s) {
       s | weir::key_by(&Event::key) | weir::tumbling({.size = 10s, .grace = 0s}) | totals();
     }},
    {"sliding",
     [](const Stream& s) {
       s | weir::key_by(&Event::key) | weir::sliding({.size = 60s, .every = 5s, .grace = 10s}) | totals();
     }},
    {"many panes",
     [](const Stream& s) {
       s | weir::key_by(&Event::key) | weir::sliding({.size = 500s, .every = 1s, .grace = 0s}) | totals();
     }},
    {"early panes",
     [](const Stream& s) {
       s | weir::key_by(&Event::key) |
           weir::tumbling({.size = 20s,
                           .grace = 10s,
                           .emit = weir::emit_when(weir::on_close(), weir::every(3s)),
                           .panes = weir::retracting}) |
           totals();
     }},
    {"sessions",
     [](const Stream& s) {
       s | weir::key_by(&Event::key) | weir::session({.gap = 4s, .grace = 30s}) | totals();
     }},
    {"one session",
     [](const Stream& s) {
       s | weir::key_by(&Event::key) | weir::session({.gap = 30s, .grace = 0s}) | totals();
     }},
    {"count windows",
     [](const Stream& s) {
       s | weir::key_by(&Event::key) | weir::count_windows({.size = 50, .every = 10}) | totals();
     }},
    {"timers", [](const Stream& s) { s | weir::key_by(&Event::key) | weir::each("each", Counting{}); }},
    {"retained",
     [](const Stream& s) {
       s | weir::key_by(&Event::key) | weir::each({.name = "each", .retain = 60s}, Counting{});
     }},
    {"dedup", [](const Stream& s) { s | weir::dedup({.name = "dedup", .within = 1h}, &Event::key); }},
    {"features",
     [](const Stream& s) {
       s | weir::key_by(&Event::key) |
           weir::features<Totals>(
               {.name = "features", .retain = 1h},
               weir::rolling({.size = 60s, .precision = 5s}).compute(weir::count().as(&Totals::n)),
               weir::rolling({.size = 20s, .precision = weir::exact})
                   .compute(weir::sum(&Event::value).as(&Totals::sum))) |
           weir::view("view");
     }},
    {"published",
     [](const Stream& s) {
       s | weir::key_by(&Event::key) |
           weir::features<Totals>(
               {.name = "features", .retain = 1h},
               weir::rolling({.size = 60s, .precision = 5s}).compute(weir::count().as(&Totals::n))) |
           weir::view("view").publish();
     }},
    {"latest",
     [](const Stream& s) {
       s | weir::key_by(&Event::key) | weir::tumbling({.size = 5s, .grace = 0s}) | totals() |
           weir::latest({.name = "latest", .retain = 1h, .versions = 3}) | weir::view("view");
     }},
};

}  // namespace

TEST_CASE("operators say how much memory they hold, to five per cent of what the allocator holds") {
  for (const Kind& kind : kinds) {
    Filled filled(kind.attach);
    const std::int64_t before = heap::live_bytes();
    filled.push(50'000, 12);
    const double share = filled.said() / static_cast<double>(heap::live_bytes() - before);
    INFO(kind.name << ": " << share);
    CHECK(share > 0.95);
    CHECK(share < 1.05);
  }
}

TEST_CASE("long keys are in the memory that operators hold, and go with their keys") {
  Filled filled([](const Stream& source) {
    const auto name = [](const Event& event) {
      return "a customer with a long name, number " + std::to_string(event.key);
    };
    source |
        weir::key_by(name,
                     {.name = "keys", .most_bytes = 16 << 20, .when_full = weir::WhenFull::evict_coldest}) |
        weir::tumbling({.size = 1h, .grace = 0s}) | totals();
  });
  const std::int64_t before = heap::live_bytes();
  for (const std::uint64_t keys : {20'000, 200'000}) {
    filled.push(keys, 2);
    const auto held = static_cast<double>(heap::live_bytes() - before);
    INFO(filled.pipeline->stats("keys").keys << " of " << keys << " keys, " << filled.said() << " of "
                                             << held);
    CHECK(filled.said() / held > 0.95);
    CHECK(filled.said() / held < 1.05);
    CHECK(filled.said() <= 16 << 20);
  }
  CHECK(filled.pipeline->stats("keys").evicted > 0);
  const double full = filled.said();
  for (std::uint32_t group = 0; group < 128; ++group) {
    const std::array<std::uint32_t, 1> groups{group};
    REQUIRE(filled.pipeline->drop(groups).ok());
  }
  CHECK(filled.pipeline->stats("keys").keys == 0);
  CHECK(filled.said() < full - 3'000'000);
}

TEST_CASE("a budget holds for keys that become longer, and for short ones again") {
  const auto policy = GENERATE(weir::WhenFull::evict_coldest, weir::WhenFull::reject);
  const std::size_t most = GENERATE(1 << 20, 4 << 20);
  const std::size_t batch = GENERATE(1, 64);
  struct Named {
    std::string name;
    weir::EventTime at;
  };
  weir::Graph graph{"names", {.hash_seed = 1}};
  const auto source = graph.source<Named>("events", {.time = &Named::at, .watermark = weir::ascending()});
  source | weir::key_by(&Named::name, {.name = "keys", .most_bytes = most, .when_full = policy}) |
      weir::tumbling({.size = 1s, .grace = 0s}) |
      weir::aggregate<Totals>("totals", weir::count().as(&Totals::n));
  auto pipeline = std::move(graph).build().value();
  std::vector<Named> names;
  std::int64_t number = 0;
  std::uint64_t short_keys = 0;
  for (const std::size_t length : {1, 1000, 1, 100, 300}) {
    std::uint64_t most_bytes = 0, most_keys = 0;
    for (std::size_t i = 0; i < most / 4; ++i) {
      std::string name = std::to_string(++number);
      name.resize(std::max(name.size(), length), 'x');
      names.push_back({std::move(name), weir::event_time(number * 20)});
      if (names.size() < batch) continue;
      pipeline.push(source, std::span<const Named>(names));
      names.clear();
      if (i % 1024 >= batch) continue;
      const std::uint64_t keys = pipeline.stats("keys").keys;
      most_keys = std::max(most_keys, keys);
      most_bytes =
          std::max(most_bytes, pipeline.stats("keys").state_bytes + pipeline.stats("totals").state_bytes);
    }
    INFO("length " << length << ": " << most_keys << " keys, " << most_bytes << " of " << most << " bytes");
    CHECK(most_bytes <= most + most / 16 + batch * (length + 1));  // lists of slots grow to twice their size
    CHECK(pipeline.stats("keys").conserves());
    CHECK(most_keys * (length + 100) > most / 8);
    if (length > 1) continue;
    if (short_keys == 0) short_keys = most_keys;
    CHECK(most_keys >= short_keys / 2);  // the long ones have left nothing behind
  }
}

TEST_CASE("all that operators hold is of the host's memory, and goes back to it") {
  for (const Kind& kind : kinds) {
    HostMemory memory;
    Filled filled(kind.attach, &memory);
    const std::int64_t heap_before = heap::live_bytes();
    const std::int64_t before = memory.live_bytes();
    filled.push(5'000, 12);
    const double share = filled.said() / static_cast<double>(memory.live_bytes() - before);
    INFO(kind.name << ": " << share << ", on the heap " << heap::live_bytes() - heap_before);
    CHECK(share > 0.95);
    CHECK(share < 1.05);
    CHECK(heap::live_bytes() - heap_before < 40'000);  // batches on their way
    filled.pipeline.reset();
    CHECK(memory.is_whole());
  }
}

TEST_CASE("what is restored is of the memory of the pipeline that takes it, wherever it was written") {
  for (const Kind& kind : kinds) {
    INFO(kind.name);
    std::string image;
    {
      Filled writer(kind.attach);
      writer.push(5'000, 12);
      REQUIRE(writer.pipeline->snapshot({}, image).ok());
    }
    HostMemory memory;
    Filled filled(kind.attach, &memory);
    const std::int64_t heap_before = heap::live_bytes();
    const std::int64_t before = memory.live_bytes();
    REQUIRE(filled.pipeline->restore(image).ok());
    CHECK(memory.live_bytes() - before > 100'000);
    CHECK(heap::live_bytes() - heap_before < 40'000);
    std::string again;
    REQUIRE(filled.pipeline->snapshot({}, again).ok());
    CHECK(again == image);
    filled.push(5'000, 1);
    filled.pipeline.reset();
    CHECK(memory.is_whole());
  }
}

TEST_CASE("a host's memory that comes to an end poisons the pipeline, and all of it goes back") {
  for (const Kind& kind : kinds) {
    HostMemory whole;
    Filled undisturbed(kind.attach, &whole);
    const std::uint64_t at_first = whole.allocations();
    undisturbed.push(200, 6);
    const std::uint64_t all = whole.allocations();
    REQUIRE(all > at_first);
    for (std::uint64_t last = at_first; last < all; last += 1 + (all - at_first) / 40) {
      INFO(kind.name << ", " << last << " of " << all);
      HostMemory memory;
      Filled filled(kind.attach, &memory);
      memory.end_after(last);
      CHECK_THROWS_AS(filled.push(200, 6), std::bad_alloc);
      CHECK_FALSE(filled.pipeline->status().ok());
      filled.pipeline.reset();
      CHECK(memory.is_whole());
    }
  }
}

/// What the keys of a flood reach: two operators, or every kind that holds something.
enum class Width : std::uint8_t { lean, wide };

/// Keys that come once, more of them than there is memory for.
struct Flood {
  explicit Flood(weir::KeyBySpec spec, Width width = Width::wide) {
    spec.name = "keys";
    weir::Graph graph{"flood", {.hash_seed = 1}};
    source_ = graph.source<Event>("events", {.time = &Event::at, .watermark = weir::trailing(1s)});
    const auto keyed = *source_ | weir::key_by(&Event::key, std::move(spec));
    keyed | weir::tumbling({.size = 1h, .grace = 0s}) | totals();
    keyed | weir::session({.gap = 1h, .grace = 0s}) |
        weir::aggregate<Totals>("sessions", weir::count().as(&Totals::n));
    if (width == Width::wide) {
      keyed | weir::each("each", Counting{});
      keyed |
          weir::features<Totals>(
              {.name = "features", .retain = 1h},
              weir::rolling({.size = 60s, .precision = 5s}).compute(weir::count().as(&Totals::n))) |
          weir::view("view");
    }
    pipeline_ = std::move(graph).build().value();
  }
  void push(std::uint64_t from, std::uint64_t to) {
    std::array<Event, 256> batch;
    for (std::uint64_t key = from; key < to;) {
      std::size_t size = 0;
      for (; size < batch.size() && key < to; ++size, ++key)
        batch[size] = {.key = key, .value = 1, .at = weir::event_time(static_cast<std::int64_t>(key))};
      pipeline_->push(*source_, std::span<const Event>(batch).first(size));
    }
  }
  [[nodiscard]] const weir::OperatorStats& keys() { return pipeline_->stats("keys"); }
  [[nodiscard]] std::uint64_t bytes() {
    std::uint64_t bytes = 0;
    for (const std::string& name : pipeline_->names()) bytes += pipeline_->stats(name).state_bytes;
    return bytes;
  }
  [[nodiscard]] bool conserves() {
    bool conserves = true;
    for (const std::string& name : pipeline_->names())
      conserves = conserves && pipeline_->stats(name).conserves();
    return conserves;
  }

 private:
  std::optional<weir::Source<Event>> source_;
  std::optional<weir::Pipeline> pipeline_;
};

const std::uint64_t flooding_keys = effort() == "long"    ? 100'000'000
                                    : effort() == "quick" ? 200'000
                                                          : 1'000'000;

TEST_CASE(
    "a flood of keys that come once stays within the memory of the keys there may be, and each is counted") {
  constexpr std::uint64_t most = 1 << 14;
  Flood flood({.most_keys = most, .when_full = weir::WhenFull::evict_coldest});
  flood.push(0, 4 * most);
  const std::int64_t full = heap::live_bytes();
  flood.push(4 * most, flooding_keys);
  INFO(full << " bytes, then " << heap::live_bytes());
  CHECK(heap::live_bytes() <= full + full / 10);
  CHECK(flood.keys().keys <= most);
  CHECK(flood.keys().evicted + flood.keys().keys == flooding_keys);
  CHECK(flood.keys().applied == flooding_keys);
  CHECK(flood.keys().rejected == 0);
}

TEST_CASE("a flood of keys stays within the bytes there may be, whatever becomes of them") {
  constexpr std::uint64_t most = 16 << 20;
  const auto policy = GENERATE(weir::WhenFull::evict_coldest, weir::WhenFull::reject);
  const std::int64_t before = heap::live_bytes();
  Flood flood({.most_bytes = most, .when_full = policy});
  flood.push(0, flooding_keys);
  const weir::OperatorStats& stats = flood.keys();
  INFO(stats.keys << " keys, " << flood.bytes() << " bytes of state, " << heap::live_bytes() - before
                  << " in all");
  CHECK(flood.bytes() <= most);
  CHECK(heap::live_bytes() - before <= static_cast<std::int64_t>(most + most / 20));
  CHECK(stats.keys > 5'000);  // and most of them are used
  if (policy == weir::WhenFull::evict_coldest) {
    CHECK(stats.evicted + stats.keys == flooding_keys);
    CHECK(stats.applied == flooding_keys);
  } else {
    CHECK(stats.over_key_limit + stats.keys == flooding_keys);
    CHECK(stats.applied + stats.rejected == flooding_keys);
  }
}

const std::uint64_t many_keys = effort() == "long"    ? 1'000'000'000
                                : effort() == "quick" ? 600'000
                                                      : 100'000'000;

TEST_CASE(
    "of very many keys that come once, 64 MiB hold the newest, and the process holds at most a tenth more") {
  constexpr std::int64_t most = 64 << 20;
  const std::int64_t before = heap::live_bytes();
  // Sanitizers keep what was freed.
  const std::optional<std::int64_t> resident_before =
      effort() == "quick" ? std::nullopt : heap::resident_bytes();
  Flood flood({.most_bytes = static_cast<std::size_t>(most), .when_full = weir::WhenFull::evict_coldest},
              Width::lean);
  std::int64_t most_held = 0, most_resident = 0;
  double least_said = 1, most_said = 1;
  for (std::uint64_t part = 0; part < 10; ++part) {
    flood.push(many_keys / 10 * part, many_keys / 10 * (part + 1));
    const std::int64_t held = heap::live_bytes() - before;
    const double said = static_cast<double>(flood.bytes()) / static_cast<double>(held);
    most_held = std::max(most_held, held);
    least_said = std::min(least_said, said);
    most_said = std::max(most_said, said);
    if (resident_before.has_value())
      most_resident = std::max(most_resident, heap::resident_bytes().value_or(0) - *resident_before);
  }
  const weir::OperatorStats& stats = flood.keys();
  INFO(stats.keys << " keys, " << flood.bytes() << " bytes of state, " << most_held << " in all, "
                  << most_resident << " of them resident; said of held " << least_said << " to "
                  << most_said);
  CHECK(flood.bytes() <= static_cast<std::uint64_t>(most));
  CHECK(most_held <= most + most / 20);
  CHECK(least_said > 0.95);
  CHECK(most_said < 1.05);
  CHECK(stats.keys > 200'000);
  CHECK(stats.evicted > 0);
  CHECK(stats.evicted + stats.keys == many_keys);
  CHECK(stats.applied == many_keys);
  CHECK(flood.conserves());
  if (resident_before.has_value()) {
    CHECK(most_resident > 0);
    CHECK(most_resident <= most + most / 10);
  } else {
    WARN("what the process holds is not known here, and not checked");
  }
}

TEST_CASE("a timer that is set and cancelled again and again takes the memory of one") {
  struct Toggling {
    void process(const Event& event, weir::Timer& timer, weir::Out<int>&) const {
      event.value > 0 ? timer.set(weir::later(event.at, 1h)) : timer.cancel();
    }
    void on_timer(const weir::Fired<std::uint64_t>&, weir::Out<int>& out) const { out.emit(1); }
  };
  weir::Graph graph{"toggling"};
  const Stream source = graph.source<Event>("events", {.time = &Event::at, .watermark = weir::host_driven()});
  int fired = 0;
  source | weir::key_by(&Event::key) | weir::each("toggling", Toggling{}) |
      weir::sink("out", [&fired](int) { ++fired; });
  auto pipeline = std::move(graph).build().value();
  const auto toggle = [&](int times) {
    for (int i = 0; i < times; ++i) {
      pipeline.push(source, {.key = 1, .value = i % 2 == 0 ? 1.0 : -1.0, .at = weir::event_time(i)});
    }
  };
  toggle(10'001);
  const std::int64_t before = heap::live_bytes();
  toggle(300'001);
  CHECK(heap::live_bytes() <= before + 100'000);
  CHECK(pipeline.finish().ok());
  CHECK(fired == 1);
}
