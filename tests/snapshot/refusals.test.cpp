#include "world.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "effort.hpp"
#include "frame.hpp"

// Small pipelines of one operator each, to which every damaged image is given. Each refusal leaves the pipeline as it was.

namespace {

using namespace std::chrono_literals;
using world::Event;
using world::Session;

struct Target {
  std::optional<weir::Source<Event>> source;
  std::optional<weir::Pipeline> pipeline;

  void play(std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) {
      pipeline->push(*source, {.key = "key" + std::to_string(i % 3),
                               .value = i % 2,
                               .amount = static_cast<double>(i) / 2,
                               .at = weir::event_time((i - i % 4) * 1'000'000),
                               .gap = 3s,
                               .marker = i % 5 == 0});
    }
    REQUIRE(pipeline->advance(*source, weir::event_time((last - 4) * 1'000'000)).ok());
  }
  [[nodiscard]] std::string snapshot(const std::vector<std::uint32_t>& groups = {}) {
    std::string image;
    const absl::Status status = pipeline->snapshot({.groups = groups}, image);
    return status.ok() ? image : status.ToString();
  }
};

template <class Wire>
std::unique_ptr<Target> make_target(Wire wire) {
  auto made = std::make_unique<Target>();
  weir::Graph graph{"one", {.key_groups = {.count = 2}}};
  made->source.emplace(graph.source<Event>("events", {.time = &Event::at, .watermark = weir::host_driven()}));
  wire(*made->source);
  made->pipeline.emplace(std::move(graph).build().value());
  return made;
}

/// A pipeline that is to stay as it is.
template <class Make>
class Victim {
 public:
  Victim(Make make, const weir::RestoreSpec& spec) : make_(make), spec_(spec) { begin(); }

  [[nodiscard]] bool refuses(const std::string& image) {
    if (target_->pipeline->restore(image, spec_).ok()) {
      begin();
      return false;
    }
    ++refused_;
    if (target_->snapshot() != before_) ++touched_;
    return true;
  }
  [[nodiscard]] std::size_t touched() const { return touched_; }
  [[nodiscard]] std::size_t refused() const { return refused_; }
  [[nodiscard]] Target& target() { return *target_; }

 private:
  void begin() {
    target_ = make_();
    before_ = target_->snapshot();
  }

  Make make_;
  weir::RestoreSpec spec_;
  std::unique_ptr<Target> target_;
  std::string before_;
  std::size_t touched_ = 0;
  std::size_t refused_ = 0;
};

/// Keys that were taken and forgotten have left room, in which new keys may come to stand in another order. All else is the same.
std::vector<std::string> without_order(const std::string& image) {
  std::vector<std::string> sections;
  for (frame::Section& section : frame::take_apart(image).sections) {
    std::sort(section.content.begin(), section.content.end());
    sections.push_back(std::move(section.content));
  }
  return sections;
}

/// Cuts an image short everywhere, turns each bit, and puts numbers everywhere below right checksums.
template <class Make>
void damage(Make make, const std::string& image, const weir::RestoreSpec& spec) {
  const std::size_t step = effort() == "quick" ? 29 : 1;
  Victim victim(make, spec);
  std::size_t taken = 0;
  for (std::size_t size = 0; size < image.size(); size += step)
    taken += victim.refuses(image.substr(0, size)) ? 0U : 1U;
  for (std::size_t bit = 0; bit < image.size() * 8; bit += step) {
    std::string turned = image;
    turned[bit / 8] = static_cast<char>(turned[bit / 8] ^ (1 << bit % 8));
    taken += victim.refuses(turned) ? 0U : 1U;
  }
  CHECK(taken == 0);
  const std::size_t refused = victim.refused();
  constexpr std::array<std::uint64_t, 3> numbers{1, std::uint64_t{1} << 63, ~std::uint64_t{0}};
  const std::size_t stride = effort() == "long" ? 1 : 5 * step;
  for (std::size_t at = 0; at + 8 <= image.size(); at += stride) {
    for (const std::uint64_t number : numbers) {
      std::string changed = image;
      std::memcpy(changed.data() + at, &number, sizeof number);
      frame::repair(changed);
      static_cast<void>(victim.refuses(changed));
    }
  }
  CHECK(victim.refused() > refused);
  CHECK(victim.touched() == 0);

  const std::unique_ptr<Target> undisturbed = make();
  for (Target* one : {undisturbed.get(), &victim.target()}) {
    one->play(12, 24);
    REQUIRE(one->pipeline->finish().ok());
  }
  CHECK(without_order(victim.target().snapshot()) == without_order(undisturbed->snapshot()));
}

/// Gives damaged images to a pipeline that has nothing, and to one that has the other key groups.
template <class Wire>
void check_refusals(Wire wire, bool has_keys = true) {
  const auto make = [wire] { return make_target(wire); };
  const std::unique_ptr<Target> full = make();
  full->play(0, 12);
  const std::string image = full->snapshot();
  INFO(image.size() << " bytes");
  REQUIRE(weir::inspect(image).ok());
  damage(make, image, {});
  if (!has_keys) return;
  const std::string part = full->snapshot({1});
  CHECK(part.size() < image.size());
  const auto half = [make] {
    std::unique_ptr<Target> made = make();
    made->play(0, 12);
    REQUIRE(made->pipeline->drop(std::vector<std::uint32_t>{1}).ok());
    return made;
  };
  REQUIRE(half()->pipeline->restore(part, {.counters = false}).ok());
  damage(half, part, {.counters = false});
}

auto spend(const std::string& name) {
  return weir::aggregate<Session>(name, weir::count().as(&Session::events),
                                  weir::sum(&Event::amount).as(&Session::amount));
}
auto end() {
  return weir::sink("end", [](const auto&) {});
}

struct Alarm {
  struct State {
    std::string last;
    friend bool operator==(const State&, const State&) = default;
  };
  void process(State& state, const Event& event, weir::Timer& timer, weir::Out<std::string>&) const {
    state.last = std::to_string(event.value);
    timer.set(event.at + event.gap + 60s);
  }
  void on_timer(State& state, weir::Fired<std::string> fired, weir::Out<std::string>& out) const {
    out.emit(fired.key + state.last);
  }
};
struct Number {
  struct State {
    std::vector<std::int64_t> values;
  };
  void process(State& state, const Event& event, weir::Out<std::string>&) const {
    state.values.push_back(event.value);
  }
};

}  // namespace

TEST_CASE("whatever is refused of windows leaves them as they were") {
  check_refusals([](const auto& events) {
    events | weir::key_by(&Event::key) | weir::tumbling({.size = 10s, .grace = 5s}) | spend("windows") |
        end();
  });
}

TEST_CASE("whatever is refused of windows that take rows back leaves them as they were") {
  check_refusals([](const auto& events) {
    events | weir::key_by(&Event::key) |
        weir::tumbling({.size = 20s,
                        .grace = 5s,
                        .emit = weir::emit_when(weir::on_close(), weir::every(3s)),
                        .panes = weir::retracting}) |
        spend("windows") | end();
  });
}

TEST_CASE("whatever is refused of sessions leaves them as they were") {
  check_refusals([](const auto& events) {
    events | weir::key_by(&Event::key) | weir::session({.gap = 6s, .grace = 5s}) | spend("sessions") | end();
  });
}

TEST_CASE("whatever is refused of sessions with caps leaves them as they were") {
  check_refusals([](const auto& events) {
    events | weir::key_by(&Event::key) |
        weir::session({.gap = 6s, .most_records = 2, .grace = 5s, .panes = weir::retracting}) |
        spend("sessions") | end();
  });
}

TEST_CASE("whatever is refused of count windows leaves them as they were") {
  check_refusals([](const auto& events) {
    events | weir::key_by(&Event::key) | weir::count_windows({.size = 5, .every = 2}) | spend("counted") |
        end();
  });
}

TEST_CASE("whatever is refused of features leaves them as they were") {
  check_refusals([](const auto& events) {
    static_cast<void>(
        events | weir::key_by(&Event::key) |
        weir::features<Session>(
            {.name = "features", .retain = 200s},
            weir::rolling({.size = 60s, .precision = 5s}).compute(weir::count().as(&Session::events)),
            weir::rolling({.size = 30s, .precision = weir::exact})
                .compute(weir::sum(&Event::amount).as(&Session::amount))) |
        weir::view("view"));
  });
}

TEST_CASE("whatever is refused of latest leaves it as it was") {
  check_refusals([](const auto& events) {
    static_cast<void>(events | weir::key_by(&Event::key) | weir::tumbling({.size = 4s, .grace = 0s}) |
                      spend("windows") | weir::latest({.name = "latest", .retain = 40s, .versions = 2}) |
                      weir::view("view"));
  });
}

TEST_CASE("whatever is refused of dedup leaves it as it was") {
  check_refusals([](const auto& events) {
    events | weir::dedup({.name = "dedup", .within = 8s, .grace = 2s}, &Event::key) | end();
  });
}

TEST_CASE("whatever is refused of a custom operator with timers leaves it as it was") {
  check_refusals([](const auto& events) {
    events | weir::key_by(&Event::key) | weir::each({.name = "alarm", .retain = 100s}, Alarm{}) | end();
  });
}

TEST_CASE("whatever is refused of a state of the whole stream leaves it as it was") {
  check_refusals([](const auto& events) { events | weir::each("number", Number{}) | end(); }, false);
}
