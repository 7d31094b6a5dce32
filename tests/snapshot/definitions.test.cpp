#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <weir/weir.hpp>

#include "catch.hpp"

// A snapshot fits the definition it was written with, and others only as far as the host says.

namespace {

using namespace std::chrono_literals;

struct Payment {
  std::uint64_t user = 0;
  double amount = 0;
  weir::EventTime at{};
};
WEIR_FIELDS(Payment, user, amount, at);
struct Row {
  std::int64_t count = 0;
  double sum = 0;
};

/// Adds amounts. The version before only counted.
struct OldAdding {
  struct State {
    static constexpr std::uint32_t version = 1;
    std::int64_t count = 0;
    void archive(weir::Archive& ar) { ar(count); }
  };
  void add(State& state, double) const { ++state.count; }
  void merge(State& state, const State& other) const { state.count += other.count; }
  double result(const State& state) const { return static_cast<double>(state.count); }
};
struct NewAdding {
  struct State {
    static constexpr std::uint32_t version = 2;
    using Previous = OldAdding::State;
    double sum = 0;
    State() = default;
    explicit State(const Previous& before) : sum(100 * static_cast<double>(before.count)) {}
    void archive(weir::Archive& ar) { ar(sum); }
  };
  void add(State& state, double x) const { state.sum += x; }
  void merge(State& state, const State& other) const { state.sum += other.sum; }
  double result(const State& state) const { return state.sum; }
};
/// As the old one, but its state looks otherwise and it does not say so.
struct OtherAdding {
  struct State {
    std::int32_t count = 0;
  };
  void add(State& state, double) const { ++state.count; }
  void merge(State& state, const State& other) const { state.count += other.count; }
  double result(const State& state) const { return state.count; }
};
struct PlainAdding {
  struct State {
    std::int64_t count = 0;
  };
  void add(State& state, double) const { ++state.count; }
  void merge(State& state, const State& other) const { state.count += other.count; }
  double result(const State& state) const { return static_cast<double>(state.count); }
};
/// Keeps something that nobody can write down.
struct Pointing {
  struct State {
    const void* at = nullptr;
  };
  void add(State& state, double) const { state.at = &state; }
  void merge(State&, const State&) const {}
  double result(const State&) const { return 0; }
};

struct Options {
  std::string name = "hourly";
  weir::Duration size = 1h;
  bool has_daily = false;
  bool has_other = false;  ///< a second one, called "hourly", that computes the same
  std::string sink = "out";
};

template <class Adding>
struct Pipe {
  explicit Pipe(const Options& options = {}) {
    weir::Graph graph{"payments"};
    source.emplace(
        graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::trailing(0s)}));
    const auto keyed = *source | weir::key_by(&Payment::user, {.name = "by user"});
    const auto put = [this](const auto& windows, const std::string& to) {
      windows | weir::sink(
                    to, [this](const weir::Windowed<std::uint64_t, Row>& row) { rows.push_back(row.value); });
    };
    put(keyed | weir::tumbling({.size = options.size, .grace = 0s}) |
            weir::aggregate<Row>(options.name, weir::count().as(&Row::count),
                                 weir::with(Adding{}, &Payment::amount).as(&Row::sum)),
        options.sink);
    if (options.has_other) {
      put(keyed | weir::tumbling({.size = options.size, .grace = 0s}) |
              weir::aggregate<Row>("hourly", weir::count().as(&Row::count),
                                   weir::with(Adding{}, &Payment::amount).as(&Row::sum)),
          "other out");
    }
    if (options.has_daily) {
      put(keyed | weir::tumbling({.size = 24h, .grace = 0s}) |
              weir::aggregate<Row>("daily", weir::count().as(&Row::count),
                                   weir::sum(&Payment::amount).as(&Row::sum)),
          "daily out");
    }
    pipeline.emplace(std::move(graph).build().value());
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  void push(std::int64_t minute) {
    pipeline->push(*source, {.user = 7, .amount = 10, .at = weir::event_time(minute * 60'000'000)});
  }
  [[nodiscard]] std::string snapshot() {
    std::string image;
    const absl::Status status = pipeline->snapshot({}, image);
    return status.ok() ? image : status.ToString();
  }
  [[nodiscard]] std::string restore(const std::string& image, const weir::RestoreSpec& spec = {}) {
    const absl::Status status = pipeline->restore(image, spec);
    return status.ok() ? "" : std::string(status.message());
  }

  std::optional<weir::Source<Payment>> source;
  std::optional<weir::Pipeline> pipeline;
  std::vector<Row> rows;
};

std::string image_of(const Options& options = {}) {
  Pipe<PlainAdding> pipe(options);
  pipe.push(1);
  pipe.push(2);
  return pipe.snapshot();
}

}  // namespace

TEST_CASE("another definition is refused with the name of the operator, and nothing changes") {
  Pipe<PlainAdding> longer({.size = 2h});
  const std::string before = longer.snapshot();
  const std::string wrong = longer.restore(image_of());
  INFO(wrong);
  CHECK(wrong.find("hourly: its definition is ") == 0);
  CHECK(wrong.find("RestoreSpec::drop and start_empty") != std::string::npos);
  CHECK(longer.snapshot() == before);
  REQUIRE(longer.restore(image_of(), {.drop = {"hourly"}, .start_empty = {"hourly"}}) == "");
  CHECK(longer.pipeline->stats("payments").ingested == 2);
  longer.push(3);
  CHECK(longer.pipeline->finish().ok());
  REQUIRE(longer.rows.size() == 1);
  CHECK(longer.rows[0].count == 1);
}

TEST_CASE("a State of other types is refused, unless it has a version and says what it was") {
  Pipe<OtherAdding> other;
  const std::string wrong = other.restore(image_of());
  INFO(wrong);
  CHECK(wrong.find("hourly: the types of its state have changed") == 0);

  Pipe<OldAdding> old;
  old.push(1);
  old.push(2);
  Pipe<NewAdding> now;
  REQUIRE(now.restore(old.snapshot()) == "");
  Pipe<OldAdding> back;
  CHECK(back.restore(now.snapshot()).find("a State is of a version that this program does not know") !=
        std::string::npos);
  now.push(3);
  CHECK(now.pipeline->finish().ok());
  REQUIRE(now.rows.size() == 1);
  CHECK(now.rows[0].count == 3);
  CHECK(now.rows[0].sum == 210);
}

TEST_CASE("operators that are new, gone or renamed are named by the host") {
  Pipe<PlainAdding> more({.has_daily = true});
  const std::string wrong = more.restore(image_of());
  INFO(wrong);
  CHECK(wrong.find("daily: the snapshot has no state of this operator") == 0);
  REQUIRE(more.restore(image_of(), {.start_empty = {"daily"}}) == "");
  CHECK(more.pipeline->live_windows("hourly") == 1);
  CHECK(more.pipeline->live_windows("daily") == 0);

  const std::string with_daily = image_of({.has_daily = true});
  Pipe<PlainAdding> fewer;
  CHECK(fewer.restore(with_daily)
            .find("daily: the snapshot has state of this operator, and the pipeline has no such operator") ==
        0);
  REQUIRE(fewer.restore(with_daily, {.drop = {"daily"}}) == "");
  CHECK(fewer.pipeline->live_windows("hourly") == 1);

  Pipe<PlainAdding> renamed({.name = "per hour"});
  CHECK(!renamed.restore(image_of()).empty());
  REQUIRE(renamed.restore(image_of(), {.rename = {{"hourly", "per hour"}}}) == "");
  CHECK(renamed.pipeline->live_windows("per hour") == 1);

  Pipe<PlainAdding> same;
  CHECK(same.restore(image_of(), {.drop = {"nothing"}}) ==
        "RestoreSpec::drop names \"nothing\", which is no operator of the snapshot");
  CHECK(same.restore(image_of(), {.start_empty = {"nothing"}}) ==
        "RestoreSpec::start_empty names \"nothing\", which is no operator of the pipeline");
  CHECK(same.restore(image_of(), {.rename = {{"hourly", "nothing"}}}) ==
        "RestoreSpec::rename names \"nothing\", which is no operator of the pipeline");
}

TEST_CASE("two operators of a snapshot do not become one, and none goes on without its keys") {
  Pipe<PlainAdding> pipe;
  const std::string before = pipe.snapshot();
  const std::string both = pipe.restore(image_of({.has_daily = true}), {.rename = {{"daily", "hourly"}}});
  INFO(both);
  CHECK((both.find("hourly: two operators of the snapshot have this name") == 0 ||
         both.find("daily: its definition is ") == 0));
  Pipe<PlainAdding> twice;
  const std::string same_window = image_of({.name = "also hourly", .has_other = true});
  CHECK(twice.restore(same_window, {.rename = {{"also hourly", "hourly"}}})
            .find("hourly: two operators of the snapshot have this name, or are renamed to it") == 0);
  CHECK(twice.restore(same_window, {.drop = {"also hourly"}}) == "");
  CHECK(pipe.restore(image_of(), {.drop = {"by user"}, .start_empty = {"by user"}})
            .find("hourly: it keeps state of the keys of by user, which RestoreSpec::drop names") == 0);
  CHECK(pipe.snapshot() == before);
}

TEST_CASE("operators that keep nothing may come and go") {
  Pipe<PlainAdding> other({.sink = "elsewhere"});
  REQUIRE(other.restore(image_of()) == "");
  CHECK(other.pipeline->live_windows("hourly") == 1);
}

TEST_CASE("a state that cannot be written is refused by snapshot and restore, and nothing else") {
  Pipe<Pointing> pipe;
  pipe.push(1);
  CHECK(pipe.snapshot() ==
        "FAILED_PRECONDITION: hourly: it keeps values of a type that cannot be written; give the record, row "
        "or State a "
        "member void archive(weir::Archive&), or WEIR_FIELDS");
  CHECK(pipe.restore(image_of()).find("hourly: it keeps values of a type that cannot be written") == 0);
  CHECK(pipe.pipeline->finish().ok());
  CHECK(pipe.rows.size() == 1);
}

TEST_CASE("a snapshot says what it holds without the pipeline that wrote it") {
  Pipe<PlainAdding> pipe;
  pipe.push(1);
  pipe.push(61);
  std::string image;
  REQUIRE(pipe.pipeline->snapshot({.positions = "partition 3: 42"}, image).ok());
  const absl::StatusOr<weir::SnapshotInfo> info = weir::inspect(image);
  REQUIRE(info.ok());
  CHECK(info->format == 1);
  CHECK(info->pipeline == "payments");
  CHECK(info->positions == "partition 3: 42");
  CHECK(info->key_groups == 128);
  CHECK(info->groups.size() == 128);
  CHECK(!info->is_finished);
  REQUIRE(info->operators.size() == 4);
  CHECK(info->operators[0].name == "payments");
  CHECK(info->operators[0].watermark == weir::event_time(std::int64_t{61} * 60'000'000));
  CHECK(info->operators[1].keys == 1);
  CHECK(info->operators[2].name == "hourly");
  CHECK(info->operators[2].kept == weir::KeptState::Kind::by_key);
  CHECK(info->operators[2].bytes > 0);
  CHECK(info->operators[3].kept == weir::KeptState::Kind::nothing);
  CHECK(weir::inspect(image.substr(0, image.size() - 1)).status().code() == absl::StatusCode::kDataLoss);
}

TEST_CASE("snapshots are refused from inside a callback") {
  weir::Graph graph{"inside"};
  const auto source =
      graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::trailing(0s)});
  std::optional<weir::Pipeline> pipeline;
  std::vector<absl::StatusCode> codes;
  source | weir::sink("out", [&](const Payment&) {
    std::string image;
    codes.push_back(pipeline->snapshot({}, image).code());
    codes.push_back(pipeline->restore(image).code());
    codes.push_back(pipeline->drop({}).code());
  });
  pipeline.emplace(std::move(graph).build().value());
  pipeline->push(source, {.user = 1, .amount = 1, .at = weir::event_time(1)});
  CHECK(codes == std::vector(3, absl::StatusCode::kFailedPrecondition));
  CHECK(pipeline->status().ok());
}
