#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include <weir/weir.hpp>

#include "catch.hpp"

// State of a custom operator that is written by one program and read by a later one.

namespace {

using namespace std::chrono_literals;

struct Payment {
  std::string user;
  double amount = 0;
  weir::EventTime at{};
};

/// Sums are kept as a number, which says itself how it is written.
template <class Number>
struct Summed {
  Number sum = 0;
  friend bool operator==(const Summed&, const Summed&) = default;
  void archive(weir::Archive& ar) { ar(sum); }
};
template <class Number>
struct Adding {
  using State = Summed<Number>;
  void process(State& state, const Payment& payment, weir::Out<std::string>& out) const {
    state.sum += static_cast<Number>(payment.amount);
    out.emit(payment.user + " " + std::to_string(state.sum));
  }
};
struct AddingWithTimer {
  using State = Summed<std::int64_t>;
  void process(State& state, const Payment& payment, weir::Timer& timer, weir::Out<std::string>&) const {
    state.sum += static_cast<std::int64_t>(payment.amount);
    timer.set(payment.at + 10s);
  }
  void on_timer(State& state, weir::Fired<std::string> fired, weir::Out<std::string>& out) const {
    out.emit(fired.key + " " + std::to_string(state.sum));
  }
};
struct AddingSilently {
  using State = Summed<std::int64_t>;
  void process(State& state, const Payment& payment) const {
    state.sum += static_cast<std::int64_t>(payment.amount);
  }
};
/// Without State, without and with a timer.
struct Passing {
  void process(const Payment& payment, weir::Out<std::string>& out) const { out.emit(payment.user); }
};
struct Reminding {
  void process(const Payment& payment, weir::Timer& timer, weir::Out<std::string>&) const {
    timer.set(payment.at + 10s);
  }
  void on_timer(weir::Fired<std::string> fired, weir::Out<std::string>& out) const { out.emit(fired.key); }
};

/// A State in three versions, with a timer: the payments of a user, then also their sum, then the sum in cents.
struct First {
  static constexpr std::uint32_t version = 1;
  std::int64_t payments = 0;
  friend bool operator==(const First&, const First&) = default;
};
struct Second {
  static constexpr std::uint32_t version = 2;
  using Previous = First;
  std::int64_t payments = 0;
  double sum = 0;
  Second() = default;
  explicit Second(const First& before) : payments(before.payments), sum(-1) {}
  friend bool operator==(const Second&, const Second&) = default;
  void archive(weir::Archive& ar) { ar(payments, sum); }
};
struct Third {
  static constexpr std::uint32_t version = 3;
  using Previous = Second;
  std::int64_t cents = 0;
  std::int32_t payments = 0;
  std::string last;
  Third() = default;
  explicit Third(const Second& before)
      : cents(static_cast<std::int64_t>(100 * before.sum)),
        payments(static_cast<std::int32_t>(before.payments)),
        last("nobody knows") {}
  friend bool operator==(const Third&, const Third&) = default;
  void archive(weir::Archive& ar) { ar(cents, payments, last); }
};
void add(First& state, const Payment&) { ++state.payments; }
void add(Second& state, const Payment& payment) {
  ++state.payments;
  state.sum += payment.amount;
}
void add(Third& state, const Payment& payment) {
  ++state.payments;
  state.cents += static_cast<std::int64_t>(100 * payment.amount);
  state.last = std::to_string(weir::ticks(payment.at) / 1'000'000);
}
std::string text(const First& state) { return std::to_string(state.payments); }
std::string text(const Second& state) {
  return std::to_string(state.payments) + " of " + std::to_string(static_cast<int>(state.sum));
}
std::string text(const Third& state) {
  return std::to_string(state.payments) + " of " + std::to_string(state.cents) + " cents, last at " +
         state.last;
}
template <class Kept>
struct Counting {
  using State = Kept;
  void process(State& state, const Payment& payment, weir::Timer& timer, weir::Out<std::string>& out) const {
    add(state, payment);
    out.emit(payment.user + ": " + text(state));
    timer.set(payment.at + 10s);
  }
  void on_timer(State& state, weir::Fired<std::string> fired, weir::Out<std::string>& out) const {
    out.emit(fired.key + " silent: " + text(state));
  }
};

template <class Op>
struct Pipe {
  explicit Pipe(bool is_keyed = true) {
    weir::Graph graph{"payments"};
    source.emplace(
        graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::host_driven()}));
    const auto put = [this](const auto& stream) {
      if constexpr (std::tuple_size_v<typename weir::OperatorTraits<Op>::Records> == 0) {
        stream | weir::each("custom", Op{});
      } else {
        stream | weir::each("custom", Op{}) |
            weir::sink("out", [this](const std::string& line) { lines.push_back(line); });
      }
    };
    if constexpr (weir::OperatorTraits<Op>::has_timer) {
      put(*source | weir::key_by(&Payment::user, {.name = "by user"}));
    } else if (is_keyed) {
      put(*source | weir::key_by(&Payment::user, {.name = "by user"}));
    } else {
      put(*source);
    }
    pipeline.emplace(std::move(graph).build().value());
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  void push(const std::string& user, std::int64_t second) {
    pipeline->push(*source, {.user = user, .amount = 10, .at = weir::event_time(second * 1'000'000)});
  }
  void advance(std::int64_t second) {
    REQUIRE(pipeline->advance(*source, weir::event_time(second * 1'000'000)).ok());
  }
  [[nodiscard]] std::string snapshot() {
    std::string image;
    REQUIRE(pipeline->snapshot({}, image).ok());
    return image;
  }
  [[nodiscard]] std::string restore(const std::string& image, const weir::RestoreSpec& spec = {}) {
    const absl::Status status = pipeline->restore(image, spec);
    return status.ok() ? "" : status.ToString();
  }
  [[nodiscard]] std::vector<std::string> take() { return std::exchange(lines, {}); }

  std::optional<weir::Source<Payment>> source;
  std::optional<weir::Pipeline> pipeline;
  std::vector<std::string> lines;
};

const std::string other_types =
    "FAILED_PRECONDITION: custom: the types of its state have changed since the snapshot was written; give "
    "the State that changed a version and a Previous, or give its state up by naming it in "
    "RestoreSpec::drop and start_empty";

template <class Op>
std::string image_of(bool is_keyed = true) {
  Pipe<Op> pipe(is_keyed);
  pipe.push("ada", 1);
  pipe.push("bob", 2);
  return pipe.snapshot();
}
/// What a pipeline says of a snapshot; it is as it was.
template <class Op>
std::string refusal(const std::string& image, bool is_keyed = true) {
  Pipe<Op> pipe(is_keyed);
  const std::string before = pipe.snapshot();
  const std::string wrong = pipe.restore(image);
  CHECK(pipe.snapshot() == before);
  REQUIRE(pipe.restore(image, {.drop = {"custom"}, .start_empty = {"custom"}}) == "");
  return wrong;
}

}  // namespace

TEST_CASE("a State whose own archive writes another type is refused with the name of its operator") {
  for (const bool is_keyed : {true, false}) {
    CHECK(refusal<Adding<double>>(image_of<Adding<std::int64_t>>(is_keyed), is_keyed) == other_types);
    CHECK(refusal<Adding<std::int32_t>>(image_of<Adding<std::int64_t>>(is_keyed), is_keyed) == other_types);
    Pipe<Adding<double>> same(is_keyed);
    CHECK(same.restore(image_of<Adding<double>>(is_keyed)) == "");
  }
}

TEST_CASE("a custom operator that gains or loses a timer, an output or its State is refused with its name") {
  const std::string plain = image_of<Adding<std::int64_t>>();
  CHECK(refusal<AddingWithTimer>(plain) == other_types);
  CHECK(refusal<Adding<std::int64_t>>(image_of<AddingWithTimer>()) == other_types);
  CHECK(refusal<AddingSilently>(plain) == other_types);
  CHECK(refusal<AddingSilently>(image_of<Adding<std::int64_t>>(false), false) == other_types);
  CHECK(refusal<Adding<std::int64_t>>(image_of<Passing>()) == other_types);
  CHECK(refusal<Reminding>(image_of<Passing>()) == other_types);
  Pipe<AddingWithTimer> same;
  CHECK(same.restore(image_of<AddingWithTimer>()) == "");
}

TEST_CASE("the State of a custom operator is read by the next version, and its timers ring as they would") {
  Pipe<Counting<First>> before;
  for (int second : {1, 2, 3}) before.push("ada", second);
  before.push("bob", 2);
  Pipe<Counting<Second>> now;
  REQUIRE(now.restore(before.snapshot()) == "");
  now.push("ada", 4);
  now.advance(13);
  CHECK(now.take() == std::vector<std::string>{"ada: 4 of 9", "bob silent: 1 of -1"});
  now.advance(15);
  CHECK(now.take() == std::vector<std::string>{"ada silent: 4 of 9"});
  CHECK(Pipe<Counting<First>>()
            .restore(now.snapshot())
            .find("a State is of a version that this program "
                  "does not know") != std::string::npos);
}

TEST_CASE("a chain of two versions is read at once, or one after the other, with the same result") {
  Pipe<Counting<First>> first;
  first.push("ada", 1);
  first.push("ada", 2);
  first.push("bob", 3);
  Pipe<Counting<Second>> second;
  REQUIRE(second.restore(first.snapshot()) == "");
  Pipe<Counting<Third>> one_by_one;
  REQUIRE(one_by_one.restore(second.snapshot()) == "");
  Pipe<Counting<Third>> at_once;
  REQUIRE(at_once.restore(first.snapshot()) == "");
  CHECK(at_once.snapshot() == one_by_one.snapshot());
  for (Pipe<Counting<Third>>* pipe : {&one_by_one, &at_once}) {
    pipe->push("ada", 4);
    pipe->advance(30);
    CHECK(pipe->take() == std::vector<std::string>{"ada: 3 of 900 cents, last at 4",
                                                   "bob silent: 1 of -100 cents, last at nobody knows",
                                                   "ada silent: 3 of 900 cents, last at 4"});
  }
}

TEST_CASE("a State that was read from an earlier version is written as the present one") {
  Pipe<Counting<First>> first;
  for (int i = 0; i < 50; ++i) first.push("user " + std::to_string(i % 9), 1);
  Pipe<Counting<Third>> once;
  REQUIRE(once.restore(first.snapshot()) == "");
  const std::string image = once.snapshot();
  CHECK(image != first.snapshot());
  Pipe<Counting<Third>> twice;
  REQUIRE(twice.restore(image) == "");
  CHECK(twice.snapshot() == image);
  for (Pipe<Counting<Third>>* pipe : {&once, &twice}) {
    pipe->push("user 3", 2);
    pipe->advance(20);
  }
  CHECK(once.lines.size() == 10);
  CHECK(once.lines == twice.lines);
}
