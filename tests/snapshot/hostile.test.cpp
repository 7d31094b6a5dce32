#include "world.hpp"

#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>

#include "catch.hpp"
#include "effort.hpp"
#include "frame.hpp"

// Bytes that are no snapshot, or not any more: an error, and a pipeline that is as it was.

namespace {

using namespace std::chrono_literals;

std::string small_image() {
  world::World world;
  for (const world::Step& step : world::random_steps(4, 90, 4)) world::take(world, step);
  return world.snapshot();
}

/// A pipeline to which hostile bytes are given one after the other.
class Victim {
 public:
  /// Whether it was refused. If it was taken, the pipeline is used to its end.
  [[nodiscard]] bool refuses(const std::string& image) {
    if (!world::restore(*world_, image).empty()) {
      if (++refused_ % 64 == 0) was_touched_ = was_touched_ || world_->snapshot() != untouched_;
      return true;
    }
    ++taken_;
    for (const world::Step& step : steps_) world::take(*world_, step);
    world_->finish();
    was_broken_ = was_broken_ || !world_->pipeline().status().ok();
    world_ = std::make_unique<world::World>();
    return false;
  }
  /// Whether every refusal left the pipeline as it was, as far as it was looked at, and the last one did.
  [[nodiscard]] bool is_untouched() { return !was_touched_ && world_->snapshot() == untouched_; }
  /// Whether all that was taken could be used.
  [[nodiscard]] bool is_sound() const { return !was_broken_; }
  /// What differs first from a pipeline to which nothing was given.
  [[nodiscard]] std::string difference() {
    world::World fresh;
    for (world::World* one : {&fresh, world_.get()}) {
      for (const world::Step& step : steps_) world::take(*one, step);
      one->finish();
    }
    return world::first_difference(fresh.take(), world_->take());
  }
  [[nodiscard]] std::size_t taken() const { return taken_; }
  [[nodiscard]] std::size_t refused() const { return refused_; }

 private:
  std::unique_ptr<world::World> world_ = std::make_unique<world::World>();
  const std::string untouched_ = world_->snapshot();
  const std::vector<world::Step> steps_ = world::random_steps(8, 60, 4);
  std::size_t taken_ = 0;
  std::size_t refused_ = 0;
  bool was_touched_ = false;
  bool was_broken_ = false;
};

}  // namespace

TEST_CASE("a snapshot that is cut short anywhere is refused") {
  const std::string image = small_image();
  Victim victim;
  const std::size_t step = effort() == "long" ? 1 : effort() == "quick" ? 97 : 3;
  for (std::size_t size = 0; size < image.size(); size += step) {
    INFO("cut to " << size << " of " << image.size() << " bytes");
    REQUIRE(victim.refuses(image.substr(0, size)));
  }
  CHECK(victim.is_untouched());
  CHECK(!victim.refuses(image));
  REQUIRE(victim.refuses(image.substr(0, image.size() - 1)));
  CHECK(victim.difference() == "");
}

TEST_CASE("a snapshot with any bit turned is refused") {
  const std::string image = small_image();
  Victim victim;
  const std::size_t step = effort() == "long" ? 1 : effort() == "quick" ? 499 : 13;
  for (std::size_t bit = 0; bit < image.size() * 8; bit += step) {
    std::string turned = image;
    turned[bit / 8] = static_cast<char>(turned[bit / 8] ^ (1 << bit % 8));
    INFO("bit " << bit % 8 << " of byte " << bit / 8);
    REQUIRE(victim.refuses(turned));
  }
  CHECK(victim.is_untouched());
}

TEST_CASE("numbers that make no sense are refused or harmless, even if the checksums are right") {
  const std::string image = small_image();
  constexpr std::array<std::uint64_t, 5> numbers{0, 1, std::uint64_t{1} << 31, std::uint64_t{1} << 63,
                                                 ~std::uint64_t{0}};
  Victim victim;
  const std::size_t step = effort() == "long" ? 1 : effort() == "quick" ? 199 : 13;
  for (std::size_t at = 0; at + 8 <= image.size(); at += step) {
    for (const std::uint64_t number : numbers) {
      std::string changed = image;
      std::memcpy(changed.data() + at, &number, sizeof number);
      if (changed == image) continue;
      frame::repair(changed);
      static_cast<void>(victim.refuses(changed));
    }
  }
  CHECK(victim.is_untouched());
  CHECK(victim.is_sound());
  CHECK(victim.difference() == "");
  CHECK(victim.refused() > 0);
  CHECK(victim.taken() > 0);  // a sum, say, can be anything
}

TEST_CASE("random damage with right checksums is refused or harmless") {
  const std::string image = small_image();
  Victim victim;
  const char* seed = std::getenv("WEIR_SEED");
  std::mt19937_64 random(seed == nullptr ? 17 : std::strtoull(seed, nullptr, 10));
  const std::size_t runs = effort() == "long" ? 10'000'000 : effort() == "quick" ? 300 : 20'000;
  for (std::size_t run = 0; run < runs; ++run) {
    std::string changed = image;
    for (std::uint64_t left = 1 + random() % 4; left > 0; --left) {
      const std::size_t at = random() % changed.size();
      switch (random() % 4) {
        case 0:
          changed[at] = static_cast<char>(random());
          break;
        case 1:
          changed.erase(at, 1 + random() % 16);
          break;
        case 2:
          changed.insert(at, changed.substr(random() % changed.size(), 1 + random() % 16));
          break;
        default:
          changed[at] = static_cast<char>(changed[at] + (random() % 2 == 0 ? 1 : -1));
      }
    }
    frame::repair(changed);
    static_cast<void>(victim.refuses(changed));
  }
  CHECK(victim.is_untouched());
  CHECK(victim.is_sound());
  CHECK(victim.refused() > runs / 10);
}

TEST_CASE("what was refused does not show later, in a pipeline that goes on or takes another snapshot") {
  const auto image_of = [](std::uint64_t seed, weir::Duration shift) {
    world::World world;
    for (world::Step step : world::random_steps(seed, 300, 4)) {
      step.at += shift;
      step.event.at += shift;
      world::take(world, step);
    }
    return world.snapshot();
  };
  const std::string good = image_of(5, weir::Duration{0});
  for (const auto shift : {-1'000'000s, 0s, 1'000'000s}) {
    const std::string other = image_of(6, shift);
    for (const bool takes_another : {false, true}) {
      INFO("shifted by " << shift.count() << " s, takes another: " << takes_another);
      world::World undisturbed;
      world::World world;
      REQUIRE(world::restore(world, other.substr(0, other.size() - 1)) != "");
      for (world::World* one : {&undisturbed, &world}) {
        if (takes_another) REQUIRE(world::restore(*one, good) == "");
        for (const world::Step& step : world::random_steps(7, 300, 4)) world::take(*one, step);
        one->advance(weir::event_time(0) + 5000s);
      }
      CHECK(world::first_difference(undisturbed.take(), world.take()) == "");
      CHECK(undisturbed.counters() == world.counters());
      for (const std::string& name : world.pipeline().names()) {
        INFO(name);
        CHECK(world.pipeline().live_windows(name) == undisturbed.pipeline().live_windows(name));
      }
    }
  }
}

TEST_CASE(
    "a snapshot in which an operator or a key is there twice is refused, and its other keys are forgotten") {
  world::World world({.key_groups = {.count = 1}});
  for (const world::Step& step : world::random_steps(4, 90, 4)) world::take(world, step);
  const frame::Parts parts = frame::take_apart(world.snapshot());
  const absl::StatusOr<weir::SnapshotInfo> info = weir::inspect(frame::put_together(parts));
  REQUIRE(info.ok());
  world::World fresh({.key_groups = {.count = 1}});

  frame::Parts twice = parts;
  for (std::size_t at = 0; (at = twice.header.find("filled late", at)) != std::string::npos;)
    twice.header.replace(at, 11, "filled rows");
  CHECK(world::restore(fresh, frame::put_together(twice)).find("the header makes no sense") !=
        std::string::npos);

  std::size_t changed = 0;
  twice = parts;
  for (frame::Section& section : twice.sections) {
    if (section.group != 0 || info->operators[section.node].kind != "key_by") continue;
    constexpr std::size_t first = 8,
                          bytes = 8 + 4;  // behind the number of keys: each a length and "key0", say
    section.content.replace(first + bytes, bytes, section.content.substr(first, bytes));
    ++changed;
  }
  REQUIRE(changed == 1);
  CHECK(world::restore(fresh, frame::put_together(twice)).find("a key is there twice") != std::string::npos);
  for (const std::string& name : fresh.pipeline().names()) {
    INFO(name);
    CHECK(fresh.pipeline().stats(name).keys == 0);
  }
  CHECK(world::restore(fresh, frame::put_together(parts)) == "");
}

namespace {

struct Tick {
  std::string key;
  weir::EventTime at{};
};
struct Ticks {
  std::int64_t count = 0;
};

/// Sessions of one record each, and the numbers that they come with.
class Singles {
 public:
  Singles() {
    weir::Graph graph{"singles", {.key_groups = {.count = 1}}};
    ticks_ = graph.source<Tick>("ticks", {.time = &Tick::at, .watermark = weir::host_driven()});
    *ticks_ | weir::key_by(&Tick::key) | weir::session({.gap = 10us, .most_records = 1, .grace = 0s}) |
        weir::aggregate<Ticks>("singles", weir::count().as(&Ticks::count)) |
        weir::sink("out",
                   [this](const weir::Windowed<std::string, Ticks>& row) { out.push_back(row.number); });
    pipeline = std::move(graph).build().value();
  }
  Singles(const Singles&) = delete;
  Singles& operator=(const Singles&) = delete;
  void push() { pipeline->push(*ticks_, {.key = "k", .at = weir::event_time(5)}); }
  [[nodiscard]] std::string snapshot() {
    std::string image;
    return pipeline->snapshot({}, image).ok() ? image : "";
  }

  std::vector<std::uint64_t> out;
  std::optional<weir::Pipeline> pipeline;

 private:
  std::optional<weir::Source<Tick>> ticks_;
};

}  // namespace

TEST_CASE("numbers of sessions that a key cannot have are refused") {
  Singles singles;
  for (int i = 0; i < 3; ++i) singles.push();
  const std::string image = singles.snapshot();
  const frame::Parts parts = frame::take_apart(image);
  std::size_t place = parts.sections.size();
  const weir::SnapshotInfo info = weir::inspect(image).value();
  for (std::size_t i = 0; i < parts.sections.size(); ++i) {
    if (parts.sections[i].group == 0 && info.operators[parts.sections[i].node].kind == "sessions") place = i;
  }
  REQUIRE(place < parts.sections.size());
  // How many sessions there are, the key's next number, and the sessions, each with its number before the row to be taken back.
  const std::size_t session = (parts.sections[place].content.size() - 16) / 3;
  const auto number_of = [session](std::size_t i) { return 16 + (i + 1) * session - 9; };
  const std::string untouched = Singles().snapshot();
  const auto refusal = [&](std::size_t at, std::uint64_t number) {
    frame::Parts changed = parts;
    std::memcpy(changed.sections[place].content.data() + at, &number, sizeof number);
    Singles fresh;
    const absl::Status restored = fresh.pipeline->restore(frame::put_together(changed));
    CHECK((restored.ok() || fresh.snapshot() == untouched));
    return std::string(restored.message());
  };
  const auto has = [](const std::string& text, const char* part) { return text.find(part) != text.npos; };
  for (std::size_t i = 0; i < 3; ++i) CHECK(refusal(number_of(i), i) == "");  // as they are
  CHECK(refusal(8, 3) == "");
  for (const std::uint64_t next : {0U, 1U, 2U})
    CHECK(has(refusal(8, next), "a session has a number that it cannot have"));
  for (const std::uint64_t next : {std::uint64_t{4}, ~std::uint64_t{0}})
    CHECK(has(refusal(8, next), "a key has had more sessions than there were"));
  CHECK(has(refusal(number_of(0), 1), "a session has a number that it cannot have"));
  CHECK(has(refusal(number_of(1), 0), "a session has a number that it cannot have"));
  CHECK(has(refusal(number_of(2), 3), "a session has a number that it cannot have"));
  CHECK(has(refusal(number_of(2), ~std::uint64_t{0}), "a session has a number that it cannot have"));

  Singles again;
  REQUIRE(again.pipeline->restore(image).ok());
  again.push();
  REQUIRE(again.pipeline->finish().ok());
  CHECK(again.out == std::vector<std::uint64_t>{0, 1, 2, 3});
}

TEST_CASE("what is no snapshot, or one of a later weir, is called by its name") {
  world::World world;
  const std::string image = world.snapshot();
  CHECK(world::restore(world, "") ==
        "DATA_LOSS: the snapshot is damaged at offset 0: it ends before all of it is there");
  CHECK(world::restore(world, std::string(100, 'x')) ==
        "INVALID_ARGUMENT: this is no snapshot of weir: it does not begin with WEIRSNAP");
  std::string later = image;
  later[8] = 2;
  frame::repair(later);
  CHECK(world::restore(world, later) ==
        "UNIMPLEMENTED: the snapshot has format 2, and this weir reads format 1; read it with the weir that "
        "wrote it");
  CHECK(world::restore(world, image + "x").find("something follows behind the end") != std::string::npos);
}

TEST_CASE("an error of damaged bytes names the operator whose section it is, the offset and the reason") {
  world::World world;
  for (const world::Step& step : world::random_steps(4, 90, 4)) world::take(world, step);
  const std::string image = world.snapshot();
  const weir::SnapshotInfo info = weir::inspect(image).value();
  constexpr std::size_t head = 16;
  constexpr std::size_t sum = 8;
  std::uint64_t header = 0;
  std::memcpy(&header, image.data() + 12, sizeof header);
  std::size_t at = 20 + header + sum;
  world::World fresh;
  const auto says = [&](const std::string& bytes, const std::string& wanted) {
    CHECK(world::restore(fresh, bytes) == wanted);
    CHECK(weir::inspect(bytes).status().ToString() == wanted);
  };
  const auto damaged = [](std::size_t offset, const std::string& why) {
    return "the snapshot is damaged at offset " + std::to_string(offset) + ": " + why;
  };
  const std::string ends = "it ends before all of it is there";
  for (const weir::SnapshotInfo::Section& section : info.sections) {
    const std::string& name = info.operators[section.of].name;
    INFO(name << ", key group " << section.group);
    const std::size_t end = at + head + section.bytes + sum;
    // In the head of a section nobody knows whose it is.
    says(image.substr(0, at + head - 1), "DATA_LOSS: " + damaged(at + head - 1, ends));
    says(image.substr(0, end - 1), "DATA_LOSS: " + name + ": " + damaged(end - 1, ends));
    std::string turned = image;
    turned[at + head] = static_cast<char>(turned[at + head] ^ 1);
    says(turned, "DATA_LOSS: " + name + ": " + damaged(end, "the checksum of a section is wrong"));
    turned = image;
    turned[at + 1] = '\x7f';  // of another operator, so it says
    says(turned, "DATA_LOSS: " + damaged(end, "the checksum of a section is wrong"));
    frame::repair(turned);
    CHECK(world::restore(fresh, turned).find("at offset ") != std::string::npos);
    at = end;
  }
  says(image.substr(0, image.size() - 1), "DATA_LOSS: " + damaged(image.size() - 1, ends));
  CHECK(at + head + sum == image.size());

  frame::Parts parts = frame::take_apart(image);
  while (parts.sections.back().node + 1 == info.operators.size()) parts.sections.pop_back();
  CHECK(world::restore(fresh, frame::put_together(parts))
            .find(info.operators.back().name +
                  ": the snapshot lacks this operator, though it names it, at offset ") ==
        std::string("DATA_LOSS: ").size());
}

TEST_CASE("a snapshot is looked into piece by piece, and what the source says is passed on") {
  world::World world;
  for (const world::Step& step : world::random_steps(4, 300)) world::take(world, step);
  const std::string image = world.snapshot();
  const weir::SnapshotInfo whole = weir::inspect(image).value();
  for (const std::size_t most : {std::size_t{1}, std::size_t{4096}}) {
    std::string_view left = image;
    const auto source = [&](std::span<char> buffer) -> absl::StatusOr<std::size_t> {
      const std::size_t taken = left.copy(buffer.data(), std::min(most, buffer.size()));
      left.remove_prefix(taken);
      return taken;
    };
    const absl::StatusOr<weir::SnapshotInfo> info = weir::inspect(source);
    REQUIRE(info.ok());
    CHECK(info->positions == "at 7");
    CHECK(info->definition == whole.definition);
    REQUIRE(info->sections.size() == whole.sections.size());
    for (std::size_t i = 0; i < whole.sections.size(); ++i)
      CHECK(info->sections[i].hash == whole.sections[i].hash);
    CHECK(left.empty());
  }
  const auto breaks = [](std::span<char>) -> absl::StatusOr<std::size_t> {
    return absl::UnavailableError("the store has gone");
  };
  CHECK(weir::inspect(breaks).status() == absl::UnavailableError("the store has gone"));
  const auto lies = [](std::span<char> buffer) -> absl::StatusOr<std::size_t> { return buffer.size() + 1; };
  CHECK(weir::inspect(lies).status().code() == absl::StatusCode::kInvalidArgument);
}

TEST_CASE("a sink that fails at any piece ends the snapshot, and the pipeline goes on") {
  world::World world;
  for (const world::Step& step : world::random_steps(4, 2000, 200)) world::take(world, step);
  std::size_t pieces = 0;
  std::string whole;
  const auto count = [&](std::string_view piece) {
    ++pieces;
    CHECK(piece.size() <= 65536);
    whole += piece;
    return absl::OkStatus();
  };
  REQUIRE(world.pipeline().snapshot({.positions = "at 7"}, count).ok());
  REQUIRE(pieces > 3);
  CHECK(whole == world.snapshot());
  for (std::size_t fails_at = 0; fails_at < pieces; ++fails_at) {
    std::size_t seen = 0;
    const auto fail = [&](std::string_view) {
      return seen++ == fails_at ? absl::ResourceExhaustedError("the disk is full") : absl::OkStatus();
    };
    CHECK(world.pipeline().snapshot({.positions = "at 7"}, fail) ==
          absl::ResourceExhaustedError("the disk is full"));
    CHECK(seen == fails_at + 1);
  }
  const auto throws = [](std::string_view) -> absl::Status { throw std::runtime_error("the host's own"); };
  CHECK_THROWS_AS(world.pipeline().snapshot({}, throws), std::runtime_error);
  CHECK(world.snapshot() == whole);
  CHECK(world.pipeline().status().ok());
}

TEST_CASE("a snapshot is read in pieces of any size, and what the source says is passed on") {
  world::World world;
  for (const world::Step& step : world::random_steps(4, 300)) world::take(world, step);
  const std::string image = world.snapshot();
  for (const std::size_t most : {std::size_t{1}, std::size_t{7}, std::size_t{4096}}) {
    world::World fresh;
    std::string_view left = image;
    const auto source = [&](std::span<char> buffer) -> absl::StatusOr<std::size_t> {
      const std::size_t taken = left.copy(buffer.data(), std::min(most, buffer.size()));
      left.remove_prefix(taken);
      return taken;
    };
    REQUIRE(fresh.pipeline().restore(source).ok());
    CHECK(fresh.snapshot() == image);
  }
  world::World fresh;
  const std::string untouched = fresh.snapshot();
  std::string_view left = image;
  const auto breaks = [&](std::span<char> buffer) -> absl::StatusOr<std::size_t> {
    if (left.size() < image.size() / 2) return absl::UnavailableError("the store has gone");
    const std::size_t taken = left.copy(buffer.data(), std::min<std::size_t>(100, buffer.size()));
    left.remove_prefix(taken);
    return taken;
  };
  CHECK(fresh.pipeline().restore(breaks) == absl::UnavailableError("the store has gone"));
  CHECK(fresh.snapshot() == untouched);
}
