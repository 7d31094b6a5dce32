#include <weir/flow/batch.hpp>

#include <memory>
#include <string>
#include <vector>

#include "catch.hpp"

namespace {

using weir::event_time;

/// What a port delivered: batch sizes and everything in them.
template <class Record>
struct Taker {
  std::vector<std::size_t> sizes;
  std::vector<Record> records;
  std::vector<weir::EventTime> times;
  std::vector<weir::Slot> slots;

  static void deliver(void* to, const weir::Batch<Record>& batch) {
    auto& self = *static_cast<Taker*>(to);
    self.sizes.push_back(batch.size);
    for (std::size_t i = 0; i < batch.size; ++i) {
      self.records.push_back(batch.records[i]);
      self.times.push_back(batch.times[i]);
      self.slots.push_back(batch.slots[i]);
    }
  }
};

TEST_CASE("an outbox keeps order and delivers when it is flushed, or by itself after 256 records") {
  weir::Outbox<std::string> box;
  Taker<std::string> taker;
  box.port().connect(&Taker<std::string>::deliver, &taker);
  box.flush();
  CHECK(taker.sizes.empty());
  for (std::int64_t i = 0; i < 600; ++i) box.push(std::to_string(i), event_time(i), static_cast<weir::Slot>(i));
  CHECK(taker.sizes == std::vector<std::size_t>{256, 256});
  box.flush();
  box.flush();
  CHECK(taker.sizes == std::vector<std::size_t>{256, 256, 88});
  CHECK(box.pushed() == 600);
  for (std::size_t i = 0; i < 600; ++i) {
    REQUIRE(taker.records[i] == std::to_string(i));
    REQUIRE(taker.times[i] == event_time(static_cast<std::int64_t>(i)));
    REQUIRE(taker.slots[i] == i);
  }
}

TEST_CASE("an outbox gives its memory to the next batch, also of records that cannot be assigned") {
  struct Fixed {
    explicit Fixed(int n) : number(n) {}
    const int number;
  };
  weir::Outbox<Fixed> box;
  Taker<Fixed> taker;
  const Fixed* first = nullptr;
  const auto remember = [](void* to, const weir::Batch<Fixed>& batch) { *static_cast<const Fixed**>(to) = batch.records; };
  box.port().connect(&Taker<Fixed>::deliver, &taker);
  for (int i = 0; i < 256; ++i) box.push(Fixed(i), event_time(i));
  box.flush();
  box.port().connect(remember, &first);
  box.push(Fixed(256), event_time(0));
  box.flush();
  const Fixed* before = first;
  box.push(Fixed(257), event_time(0));
  box.flush();
  CHECK(first == before);
  CHECK(taker.records.back().number == 257);
  CHECK(taker.records.front().number == 0);
}

TEST_CASE("a port delivers to its targets in the order of attachment, and to none if there is none") {
  weir::Outbox<int> box;
  CHECK_FALSE(box.is_connected());
  box.push(1, event_time(1));
  box.flush();
  std::vector<int> order;
  struct Target {
    std::vector<int>* order;
    int number;
  };
  Target one{&order, 1};
  Target two{&order, 2};
  const auto note = [](void* to, const weir::Batch<int>&) { static_cast<Target*>(to)->order->push_back(static_cast<Target*>(to)->number); };
  box.port().connect(note, &one);
  box.port().connect(note, &two);
  box.next() = 5;
  box.commit(event_time(2));
  box.flush();
  CHECK(order == std::vector<int>{1, 2});
}

}  // namespace
