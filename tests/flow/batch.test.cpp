#include <weir/flow/batch.hpp>

#include <array>
#include <cstdint>
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

  void take(const weir::Batch<Record>& batch) {
    sizes.push_back(batch.size);
    for (std::size_t i = 0; i < batch.size; ++i) {
      records.push_back(batch.records[i]);
      times.push_back(batch.times[i]);
      slots.push_back(batch.slots[i]);
    }
  }
};

TEST_CASE("an outbox keeps order and delivers when it is flushed, or by itself after 256 records") {
  weir::Outbox<std::string> box;
  Taker<std::string> taker;
  box.port().connect(taker);
  box.flush();
  CHECK(taker.sizes.empty());
  for (std::int64_t i = 0; i < 600; ++i)
    box.push(std::to_string(i), event_time(i), static_cast<weir::Slot>(i));
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
  struct Remember {
    const Fixed* first = nullptr;
    void take(const weir::Batch<Fixed>& batch) { first = batch.records; }
  };
  Remember remember;
  box.port().connect(taker);
  for (int i = 0; i < 256; ++i) box.push(Fixed(i), event_time(i));
  box.flush();
  box.port().connect(remember);
  box.push(Fixed(256), event_time(0));
  box.flush();
  const Fixed* before = remember.first;
  box.push(Fixed(257), event_time(0));
  box.flush();
  CHECK(remember.first == before);
  CHECK(taker.records.back().number == 257);
  CHECK(taker.records.front().number == 0);
}

TEST_CASE("an outbox of large records delivers them in smaller batches, in their order") {
  struct Large {
    std::uint64_t number = 0;
    std::array<char, 20'000> rest{};
  };
  weir::Outbox<Large> box;
  Taker<Large> taker;
  box.port().connect(taker);
  for (std::uint64_t i = 0; i < 7; ++i)
    box.push(Large{.number = i}, event_time(static_cast<std::int64_t>(i)), weir::Slot(i));
  CHECK(taker.sizes == std::vector<std::size_t>{3, 3});
  box.flush();

  const std::vector<std::uint64_t> in{7, 8, 9, 10};
  const std::vector<weir::EventTime> times(4, event_time(11));
  const std::vector<weir::Slot> slots{4, 3, 2, 1};
  box.pass(weir::Batch<std::uint64_t>{in.data(), times.data(), slots.data(), 4},
           [](std::uint64_t number, auto&& put) { put(Large{.number = number}); });
  CHECK(taker.sizes == std::vector<std::size_t>{3, 3, 1, 3, 1});
  CHECK(taker.slots == std::vector<weir::Slot>{0, 1, 2, 3, 4, 5, 6, 4, 3, 2, 1});
  CHECK(taker.times.back() == event_time(11));
  for (std::uint64_t i = 0; i < 11; ++i) CHECK(taker.records[i].number == i);
  CHECK(box.pushed() == 11);
}

TEST_CASE("records that cannot be assigned are destroyed once, also when one cannot be made") {
  struct Counted {
    Counted(int& alive, bool throws) : count(alive) {
      if (throws) throw 1;
      ++count;
    }
    Counted(const Counted& other) : count(other.count) { ++count; }
    Counted& operator=(const Counted&) = delete;
    ~Counted() { --count; }
    int& count;
  };
  struct Ignore {
    void take(const weir::Batch<Counted>&) {}
  };
  int alive = 0;
  {
    weir::Outbox<Counted> box;
    Ignore ignore;
    box.port().connect(ignore);
    for (int i = 0; i < 300; ++i) box.push(Counted(alive, false), event_time(i));
    CHECK(alive == 44);
    box.flush();
    CHECK(alive == 0);
    box.push(Counted(alive, false), event_time(0));
    CHECK_THROWS(box.push(Counted(alive, true), event_time(0)));
    const std::vector<int> in{0, 1};
    const std::vector<weir::EventTime> times(2, event_time(0));
    box.flush();
    CHECK_THROWS(box.pass(weir::Batch<int>{in.data(), times.data(), nullptr, 2},
                          [&](int one, auto&& put) { put(Counted(alive, one == 1)); }));
  }
  CHECK(alive == 0);
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
    void take(const weir::Batch<int>&) { order->push_back(number); }
  };
  Target one{&order, 1};
  Target two{&order, 2};
  box.port().connect(one);
  box.port().connect(two);
  box.next() = 5;
  box.commit(event_time(2));
  box.flush();
  CHECK(order == std::vector<int>{1, 2});
}

TEST_CASE("a single record goes past the buffer, by the short way of a node that has one") {
  struct Short {
    std::vector<int> seen;
    void take(const weir::Batch<int>&) { seen.push_back(-1); }
    void take_one(const int& record, weir::EventTime time, weir::Slot slot) {
      seen.push_back(record);
      CHECK(time == event_time(7));
      CHECK(slot == 9);
    }
  };
  weir::Outbox<int> box;
  Short one;
  Taker<int> other;
  box.port().connect(one);
  box.pass(5, event_time(7), 9);
  box.port().connect(other);
  box.pass(6, event_time(7), 9);
  CHECK(one.seen == std::vector<int>{5, 6});
  CHECK(other.records == std::vector<int>{6});
  CHECK(other.times == std::vector<weir::EventTime>{event_time(7)});
  CHECK(other.slots == std::vector<weir::Slot>{9});
  CHECK(box.pushed() == 2);
}

}  // namespace
