#include <weir/state/kept_keys.hpp>

#include <cstdint>
#include <string>
#include <string_view>

#include "catch.hpp"

TEST_CASE("murmur2 gives the numbers that Kafka's clients give") {
  const auto of = [](std::string_view key) { return static_cast<std::int32_t>(weir::murmur2(key)); };
  CHECK(of("21") == -973932308);
  CHECK(of("foobar") == -790332482);
  CHECK(of("a-little-bit-long-string") == -985981536);
  CHECK(of("a-little-bit-longer-string") == -1486304829);
  CHECK(of("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8") == -58897971);
  CHECK(of("abc") == 479470107);
}

TEST_CASE("a key's group is below their number, and by the host's hash if there is one") {
  const weir::KeyGroups by_bytes{.count = 64};
  const weir::KeyGroups by_murmur{.count = 64, .hash = weir::murmur2};
  bool differs = false;
  for (int i = 0; i < 1000; ++i) {
    const std::string key = "key" + std::to_string(i);
    CHECK(by_bytes.of(key) < 64);
    CHECK(by_murmur.of(key) == (static_cast<std::uint32_t>(weir::murmur2(key)) & 0x7FFFFFFF) % 64);
    differs = differs || by_bytes.of(key) != by_murmur.of(key);
  }
  CHECK(differs);
}
