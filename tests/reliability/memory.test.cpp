#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <deque>
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
#include "totals.hpp"

// What operators say that they hold is what the allocator holds for them.

namespace {

using namespace std::chrono_literals;

using totals::Counting;
using totals::Event;
using totals::sums;
using totals::Totals;

using Stream = weir::Source<Event>;

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

/// What values own beside their place in the state.
struct Owners {
  std::uint64_t distinct = 0, texts = 0, about = 0, seen = 0;
  double median = 0, p90 = 0, p99 = 0;
  std::vector<double> last, all;
};
double mixed(const Event& event) {
  return static_cast<double>((event.key * 31 + static_cast<std::uint64_t>(weir::ticks(event.at))) % 1009);
}
std::string text_of(const Event& event) { return "a text that is long, " + std::to_string(mixed(event)); }
auto owners() {
  return weir::aggregate<Owners>(
      "owners", weir::distinct(mixed).as(&Owners::distinct), weir::distinct(text_of).as(&Owners::texts),
      weir::approx_distinct(mixed).as(&Owners::about), weir::frequency_of_newest(mixed).as(&Owners::seen),
      weir::quantile(mixed, 0.5).as(&Owners::median), weir::rank_quantile(mixed, 0.9).as(&Owners::p90),
      weir::exact_quantile(mixed, 0.99).as(&Owners::p99), weir::collect_list(mixed).as(&Owners::last),
      weir::collect_set(mixed).as(&Owners::all));
}
struct Listing {
  struct State {
    weir::OwnedVector<double> values;
    friend bool operator==(const State&, const State&) = default;
  };
  void process(State& state, const Event& event, weir::Out<int>&) const {
    state.values.push_back(event.value);
  }
};

struct Kind {
  const char* name;
  std::function<void(const Stream&)> attach;
};

const std::vector<Kind> kinds{
    {"tumbling",
     [](const Stream& s) {
       s | weir::key_by(&Event::key) | weir::tumbling({.size = 10s, .grace = 0s}) | sums();
     }},
    {"sliding",
     [](const Stream& s) {
       s | weir::key_by(&Event::key) | weir::sliding({.size = 60s, .every = 5s, .grace = 10s}) | sums();
     }},
    {"many panes",
     [](const Stream& s) {
       s | weir::key_by(&Event::key) | weir::sliding({.size = 500s, .every = 1s, .grace = 0s}) | sums();
     }},
    {"early panes",
     [](const Stream& s) {
       s | weir::key_by(&Event::key) |
           weir::tumbling({.size = 20s,
                           .grace = 10s,
                           .emit = weir::emit_when(weir::on_close(), weir::every(3s)),
                           .panes = weir::retracting}) |
           sums();
     }},
    {"sessions",
     [](const Stream& s) {
       s | weir::key_by(&Event::key) | weir::session({.gap = 4s, .grace = 30s}) | sums();
     }},
    {"one session",
     [](const Stream& s) {
       s | weir::key_by(&Event::key) | weir::session({.gap = 30s, .grace = 0s}) | sums();
     }},
    {"count windows",
     [](const Stream& s) {
       s | weir::key_by(&Event::key) | weir::count_windows({.size = 50, .every = 10}) | sums();
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
       s | weir::key_by(&Event::key) | weir::tumbling({.size = 5s, .grace = 0s}) | sums() |
           weir::latest({.name = "latest", .retain = 1h, .versions = 3}) | weir::view("view");
     }},
    {"owners",
     [](const Stream& s) {
       s | weir::key_by(&Event::key) | weir::tumbling({.size = 10s, .grace = 0s}) | owners();
     }},
    {"owners in panes",
     [](const Stream& s) {
       s | weir::key_by(&Event::key) | weir::sliding({.size = 60s, .every = 5s, .grace = 10s}) | owners();
     }},
    {"owners in early panes",
     [](const Stream& s) {
       s | weir::key_by(&Event::key) |
           weir::tumbling(
               {.size = 20s, .grace = 10s, .emit = weir::emit_when(weir::on_close(), weir::every(3s))}) |
           owners();
     }},
    {"owners in sessions",
     [](const Stream& s) {
       s | weir::key_by(&Event::key) | weir::session({.gap = 4s, .grace = 30s}) | owners();
     }},
    {"owners in count windows",
     [](const Stream& s) {
       s | weir::key_by(&Event::key) | weir::count_windows({.size = 50, .every = 10}) | owners();
     }},
    {"owners in features",
     [](const Stream& s) {
       s | weir::key_by(&Event::key) |
           weir::features<Owners>({.name = "features", .retain = 1h},
                                  weir::rolling({.size = 60s, .precision = 5s})
                                      .compute(weir::distinct(mixed).as(&Owners::distinct),
                                               weir::quantile(mixed, 0.5).as(&Owners::median)),
                                  weir::rolling({.size = 20s, .precision = weir::exact})
                                      .compute(weir::approx_distinct(mixed).as(&Owners::about))) |
           weir::view("view");
     }},
    {"owners in operators",
     [](const Stream& s) { s | weir::key_by(&Event::key) | weir::each("each", Listing{}); }},
};

}  // namespace

TEST_CASE("operators say how much memory they hold, to five per cent of what the allocator holds") {
  for (const Kind& kind : kinds) {
    Filled filled(kind.attach);
    const std::int64_t before = heap::live_bytes();
    filled.push(effort() == "quick" ? 10'000 : 50'000, 12);
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
        weir::tumbling({.size = 1h, .grace = 0s}) | sums();
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
    CHECK(heap::live_bytes() - heap_before < 100'000);  // batches on their way, with the lists of their rows
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

TEST_CASE("what a sink keeps is not its operator's, and what a key takes anew after a drop is") {
  struct Queued {
    using Queue = std::deque<double, weir::OwnedAllocator<double>>;  // has memory also when it is empty
    struct State {
      Queue values;
      void archive(weir::Archive&) {}
    };
    void process(State& state, const Event& event, weir::Out<double>& out) const {
      state.values.push_back(event.value);
      out.emit(event.value);
    }
  };
  std::vector<weir::OwnedVector<double>> kept;
  Filled filled([&kept](const Stream& source) {
    source | weir::key_by(&Event::key) | weir::each("queued", Queued{}) |
        weir::sink("kept", [&kept](double value) { kept.emplace_back(100, value); });
  });
  const auto bytes = [&filled] { return filled.pipeline->stats("queued").state_bytes; };
  filled.push(100, 1);
  const std::uint64_t once = bytes();
  kept.clear();
  CHECK(bytes() == once);
  for (int round = 0; round < 3; ++round) {
    for (std::uint32_t group = 0; group < 128; ++group)
      REQUIRE(filled.pipeline->drop(std::array<std::uint32_t, 1>{group}).ok());
    filled.push(100, 1);
    CHECK(bytes() == once);
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
