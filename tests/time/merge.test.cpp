#include <weir/time/merge.hpp>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "catch.hpp"

namespace {

using weir::end_of_time;
using weir::event_time;
using weir::EventTime;
using weir::no_time;
using weir::WatermarkMerge;

/// The rules once more, recomputed from nothing at each step.
struct Naive {
  struct Input {
    EventTime watermark = no_time;
    int status = 0;  // 0 active, 1 idle, 2 closed
    bool is_aligned = true;
  };
  std::vector<Input> inputs;
  EventTime merged = no_time;

  void look() {
    std::vector<EventTime> counted;
    for (const Input& one : inputs) {
      if (one.status == 0 && one.is_aligned) counted.push_back(one.watermark);
    }
    if (!counted.empty()) merged = std::max(merged, *std::min_element(counted.begin(), counted.end()));
  }
  bool is_any_active() const {
    return std::any_of(inputs.begin(), inputs.end(), [](const Input& one) { return one.status == 0; });
  }
  void update(std::size_t i, EventTime to) {
    if (inputs[i].status != 0 || to <= inputs[i].watermark) return;
    inputs[i].watermark = to;
    if (to >= merged) inputs[i].is_aligned = true;
    look();
  }
  void leave(std::size_t i, int status) {
    const bool was_active = inputs[i].status == 0;
    if (inputs[i].status == 2 || (status == 1 && !was_active)) return;
    inputs[i].status = status;
    if (!was_active) return;
    if (is_any_active()) return look();
    if (inputs[i].watermark != merged) return;
    for (const Input& one : inputs) merged = std::max(merged, one.watermark);
  }
  void set_active(std::size_t i) {
    if (inputs[i].status != 1) return;
    inputs[i].status = 0;
    inputs[i].is_aligned = inputs[i].watermark >= merged;
  }
};

TEST_CASE("random moves of up to four inputs give the watermark that the rules say, and it never goes back") {
  std::mt19937_64 random(7);
  std::uint64_t rises = 0;
  for (int script = 0; script < 3000; ++script) {
    const std::size_t count = 1 + random() % 4;
    WatermarkMerge merge(count);
    Naive naive{std::vector<Naive::Input>(count)};
    for (int step = 0; step < 25; ++step) {
      const std::size_t i = random() % count;
      const EventTime before = merge.watermark();
      bool has_risen = false;
      bool says = false;
      switch (random() % 8) {
        case 0:
          has_risen = merge.set_idle(i);
          says = true;
          naive.leave(i, 1);
          break;
        case 1:
          merge.set_active(i);
          naive.set_active(i);
          break;
        case 2:
          if (random() % 4 == 0) {
            has_risen = merge.close(i);
            says = true;
            naive.leave(i, 2);
          }
          break;
        default: {
          const EventTime to = event_time(static_cast<std::int64_t>(random() % 12));
          has_risen = merge.update(i, to);
          says = true;
          naive.update(i, to);
        }
      }
      REQUIRE(merge.watermark() == naive.merged);
      REQUIRE(merge.watermark() >= before);
      if (says) REQUIRE(has_risen == (merge.watermark() > before));
      REQUIRE(merge.is_idle() == !naive.is_any_active());
      EventTime others = end_of_time;
      for (std::size_t k = 0; k < count; ++k) {
        const auto& one = naive.inputs[k];
        REQUIRE(merge.watermark(k) == one.watermark);
        REQUIRE(merge.is_idle(k) == (one.status == 1));
        REQUIRE(merge.is_closed(k) == (one.status == 2));
        if (k != i && one.status == 0 && one.is_aligned) others = std::min(others, one.watermark);
      }
      REQUIRE(merge.least_of_others(i) == others);
      rises += merge.watermark() > before ? 1 : 0;
    }
  }
  CHECK(rises > 3000);
}

TEST_CASE("there is no watermark before every active input has one") {
  WatermarkMerge merge(2);
  CHECK_FALSE(merge.update(0, event_time(5)));
  CHECK(merge.watermark() == no_time);
  CHECK(merge.update(1, event_time(3)));
  CHECK(merge.watermark() == event_time(3));
}

TEST_CASE("an input that returns behind the result is left out until it has caught up") {
  WatermarkMerge merge(2);
  merge.update(0, event_time(1));
  merge.update(1, event_time(10));
  CHECK(merge.set_idle(0));
  CHECK(merge.watermark() == event_time(10));
  merge.set_active(0);
  CHECK_FALSE(merge.update(0, event_time(9)));
  CHECK(merge.update(1, event_time(20)));
  CHECK_FALSE(merge.update(0, event_time(20)));
  CHECK_FALSE(merge.update(1, event_time(30)));
  CHECK(merge.watermark() == event_time(20));
  CHECK(merge.update(0, event_time(25)));
}

TEST_CASE(
    "an input that returns ahead of the result raises it with its next watermark, if nobody else is "
    "counted") {
  WatermarkMerge merge(3);
  merge.update(0, event_time(2));
  merge.update(1, event_time(5));
  merge.update(2, event_time(10));
  CHECK(merge.set_idle(0));
  CHECK_FALSE(merge.set_idle(2));
  merge.set_active(0);  // behind: not counted
  CHECK_FALSE(merge.set_idle(1));
  CHECK(merge.watermark() == event_time(5));
  merge.set_active(2);
  CHECK(merge.update(2, event_time(11)));
  CHECK(merge.watermark() == event_time(11));
}

}  // namespace
