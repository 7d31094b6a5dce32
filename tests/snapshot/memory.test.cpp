#include "world.hpp"

#include <array>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "catch.hpp"
#include "effort.hpp"
#include "frame.hpp"
#include "reliability/heap.hpp"

// What a restore allocates. Bytes that promise much get no more than bytes that have it.

namespace {

using namespace std::chrono_literals;

/// The most that a restore into a pipeline that has taken nothing has allocated at one time.
struct Taken {
  explicit Taken(const std::string& image) {
    world::World world;
    const std::int64_t before = heap::live_bytes();
    heap::watch_peak();
    is_refused = !world::restore(world, image).empty();
    peak = heap::peak_bytes() - before;
  }
  bool is_refused;
  std::int64_t peak;
};

/// What a pipeline has allocated, and its snapshot.
struct Written {
  template <class Play>
  explicit Written(Play&& play) {
    const std::int64_t before = heap::live_bytes();
    world::World world;
    play(world);
    static_cast<void>(world.take());
    bytes = heap::live_bytes() - before;
    image = world.snapshot();
  }
  std::int64_t bytes;
  std::string image;
};

Written many_keys(std::int64_t count) {
  return Written([count](world::World& world) {
    for (std::int64_t i = 0; i < count; ++i) {
      world.push({.key = "key" + std::to_string(i),
                  .value = i % 7,
                  .amount = 1.5 * static_cast<double>(i),
                  .at = weir::event_time(i),
                  .gap = 5s},
                 static_cast<std::size_t>(i % 2));
    }
  });
}
Written one_key(std::int64_t records, weir::Duration apart) {
  return Written([&](world::World& world) {
    for (std::int64_t i = 0; i < records; ++i)
      world.push_other({.key = "key", .value = 3, .at = weir::event_time(0) + i * apart, .gap = 1s});
  });
}

/// 8 MiB are the first chunks of every operator's columns, and what is read at a time.
std::int64_t allowance(const std::string& image) {
  return 4 * static_cast<std::int64_t>(image.size()) + (std::int64_t{8} << 20);
}

/// A number over any other, such as one that promises as many elements as could just be there.
std::string promised(const std::string& image, std::mt19937_64& random) {
  const std::size_t at = random() % (image.size() - 8);
  const std::uint64_t left = image.size() - at - 8;
  const std::array<std::uint64_t, 9> numbers{left,
                                             left / 8,
                                             left / 12,
                                             left / 16,
                                             left / 57,
                                             std::uint64_t{1} << 31,
                                             std::uint64_t{1} << 40,
                                             std::uint64_t{1} << 63,
                                             ~std::uint64_t{0}};
  std::string changed = image;
  std::memcpy(changed.data() + at, &numbers[random() % numbers.size()], 8);
  frame::repair(changed);
  return changed;
}
/// The same at a list in a section, within what it has.
std::string promised_in_section(const frame::Parts& parts, std::mt19937_64& random) {
  frame::Parts changed = parts;
  std::string& content = changed.sections[random() % changed.sections.size()].content;
  if (content.size() < 8) return frame::put_together(changed);
  const std::size_t at = random() % (content.size() - 7);
  const std::array<std::uint64_t, 6> least_bytes{1, 8, 12, 16, 28, 57};
  const std::uint64_t number = (content.size() - at - 8) / least_bytes[random() % least_bytes.size()];
  std::memcpy(content.data() + at, &number, 8);
  return frame::put_together(changed);
}
std::string random_section(const frame::Parts& parts, std::mt19937_64& random, std::size_t size) {
  frame::Parts changed = parts;
  std::string& content = changed.sections[random() % changed.sections.size()].content;
  content.resize(size);
  for (char& one : content) one = static_cast<char>(random());
  return frame::put_together(changed);
}
/// A header of as many operators as its bytes can name, and nothing behind it.
std::string nameless_operators(const frame::Parts& parts, std::uint64_t count) {
  const auto after_text = [&header = parts.header](std::size_t at) {
    std::uint64_t size = 0;
    std::memcpy(&size, header.data() + at, sizeof size);
    return at + sizeof size + size;
  };
  std::size_t at = after_text(after_text(0) + 8) + 1 + 4;
  std::uint64_t groups = 0;
  std::memcpy(&groups, parts.header.data() + at, sizeof groups);
  at += sizeof groups + groups * 4 + 1;
  std::string header = parts.header.substr(0, at);
  header.append(reinterpret_cast<const char*>(&count), sizeof count);
  header.append(count * 41 + 8, '\0');
  return frame::put_together({.header = header, .sections = {}});
}

}  // namespace

TEST_CASE("restore takes no more memory than 4x its input, whatever the input promises") {
  const bool is_quick = effort() == "quick";
  for (const std::int64_t keys : {30, is_quick ? 300 : 1500}) {
    const std::string image = many_keys(keys).image;
    const Taken whole(image);
    INFO(keys << " keys, " << image.size() << " bytes, of which a restore takes " << whole.peak);
    CHECK(!whole.is_refused);
    CHECK(whole.peak <= allowance(image));

    std::mt19937_64 random(29);
    std::size_t refused = 0;
    const auto give = [&](const char* what, const std::string& bytes) {
      const Taken taken(bytes);
      INFO(what << ": " << bytes.size() << " bytes, of which a restore takes " << taken.peak);
      CHECK(taken.peak <= allowance(bytes));
      refused += taken.is_refused ? 1U : 0U;
    };
    const frame::Parts parts = frame::take_apart(image);
    const std::size_t runs = effort() == "long" ? 5000 : is_quick ? 10 : keys == 30 ? 200 : 30;
    for (std::size_t run = 0; run < runs; ++run) {
      give("cut short", image.substr(0, random() % image.size()));
      frame::Parts fewer = parts;
      fewer.sections.resize(random() % fewer.sections.size());
      give("sections left out", frame::put_together(fewer));
      give("a promise", promised(image, random));
      give("a promise in a section", promised_in_section(parts, random));
      give("a random section", random_section(parts, random, image.size()));
    }
    give("nameless operators", nameless_operators(parts, image.size() / 41));
    CHECK(refused > runs * 3);
  }
}

TEST_CASE("a restored pipeline takes no more memory than the one that was written") {
  const std::int64_t records = effort() == "quick" ? 200 : 2000;
  for (const Written& written :
       {many_keys(records), one_key(records, 1s), one_key(records, 20s), one_key(records, 1'000'000s)}) {
    const Taken taken(written.image);
    INFO(written.image.size() << " bytes of a pipeline that takes " << written.bytes
                              << ", of which a restore takes " << taken.peak);
    CHECK(!taken.is_refused);
    CHECK(taken.peak <= written.bytes + written.bytes / 4 + static_cast<std::int64_t>(written.image.size()));
  }
}
