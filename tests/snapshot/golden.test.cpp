#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include <weir/weir.hpp>

#include "catch.hpp"

// Snapshots that were written once are read for ever. The pipeline here never changes, and neither do the files in golden/: a
// format that differs gets a number and a file of its own. WEIR_WRITE_GOLDEN=1 writes the file of the present format.

namespace {

using namespace std::chrono_literals;

struct Payment {
  std::uint64_t id = 0;
  std::string user;
  double amount = 0;
  weir::EventTime at{};
};
struct Spend {
  std::int64_t payments = 0;
  double amount = 0;
  std::optional<double> most;
};
struct Velocity {
  std::int64_t minute = 0;
  double hour = 0;
};

/// Says when a user has been silent.
struct Silence {
  struct State {
    std::int64_t payments = 0;
    friend bool operator==(const State&, const State&) = default;
  };
  void process(State& state, const Payment& payment, weir::Timer& timer, weir::Out<std::string>&) const {
    ++state.payments;
    timer.set(payment.at + 90s);
  }
  void on_timer(State& state, weir::Fired<std::string> fired, weir::Out<std::string>& out) const {
    out.emit(fired.key + " silent after " + std::to_string(state.payments));
    state = {};
  }
};

class Shop {
 public:
  Shop() {
    weir::Graph graph{"shop", {.key_groups = {.count = 4}}};
    payments_.emplace(
        graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::trailing(20s)}));
    const auto once = *payments_ | weir::dedup({.name = "once", .within = 10min}, &Payment::id);
    const auto by_user = once | weir::key_by(&Payment::user, {.name = "by user"});
    const auto spend = [](const char* name) {
      return weir::aggregate<Spend>(name, weir::count().as(&Spend::payments),
                                    weir::sum(&Payment::amount).as(&Spend::amount),
                                    weir::max(&Payment::amount).as(&Spend::most));
    };
    const auto put = [this](const auto& rows, const std::string& name) {
      rows | weir::sink(name, [this, name](const weir::Windowed<std::string, Spend>& row) {
        lines_.push_back(name + " " + row.key + " " + std::to_string(weir::ticks(row.window.end)) + " " +
                         std::to_string(row.value.payments) + " " + std::to_string(row.value.amount) + " " +
                         std::to_string(row.value.most.value_or(-1)) + " #" + std::to_string(row.pane.index));
      });
    };
    put(by_user | weir::tumbling({.size = 1min, .grace = 30s}) | spend("minutes"), "minutes out");
    put(by_user | weir::sliding({.size = 3min, .every = 30s, .grace = 0s}) | spend("sliding"), "sliding out");
    put(by_user | weir::session({.gap = 25s, .grace = 10s}) | spend("sessions"), "sessions out");
    put(by_user | weir::count_windows({.size = 3}) | spend("counted"), "counted out");
    put(by_user |
            weir::tumbling({.size = 2min,
                            .grace = 0s,
                            .emit = weir::emit_when(weir::on_close(), weir::every(40s)),
                            .panes = weir::retracting}) |
            spend("early"),
        "early out");
    by_user | weir::each("silence", Silence{}) |
        weir::sink("silence out", [this](const std::string& line) { lines_.push_back(line); });
    velocity_.emplace(
        by_user |
        weir::features<Velocity>({.name = "velocity", .retain = 2h},
                                 weir::rolling({.size = 1min, .precision = weir::exact})
                                     .compute(weir::count().as(&Velocity::minute)),
                                 weir::rolling({.size = 1h, .precision = 1min})
                                     .compute(weir::sum(&Payment::amount).as(&Velocity::hour))) |
        weir::view("velocity view"));
    pipeline_.emplace(std::move(graph).build().value());
  }
  Shop(const Shop&) = delete;
  Shop& operator=(const Shop&) = delete;

  /// The n-th payment of a stream that is the same for ever.
  void push(std::uint64_t n) {
    const std::uint64_t mixed = (n + 1) * 0x9E3779B97F4A7C15;
    const auto at = static_cast<std::int64_t>(n * 7 - mixed % 23) * 1'000'000;
    pipeline_->push(*payments_, {.id = n - n % 5 / 4,
                                 .user = "user " + std::to_string(mixed >> 40 & 7),
                                 .amount = static_cast<double>(mixed >> 50) / 8,
                                 .at = weir::event_time(at)});
  }
  void read() {
    for (int i = 0; i < 8; ++i) {
      const auto row = pipeline_->lookup(*velocity_, "user " + std::to_string(i));
      lines_.push_back("velocity " + std::to_string(row->minute) + " " + std::to_string(row->hour) + " v" +
                       std::to_string(row.version));
    }
  }
  [[nodiscard]] weir::Pipeline& pipeline() { return *pipeline_; }
  [[nodiscard]] std::vector<std::string> take() { return std::exchange(lines_, {}); }

 private:
  std::vector<std::string> lines_;
  std::optional<weir::Source<Payment>> payments_;
  std::optional<weir::View<std::string, Velocity>> velocity_;
  std::optional<weir::Pipeline> pipeline_;
};

constexpr std::uint64_t written_after = 60;
const std::string folder = "tests/snapshot/golden/";  // tests run at the root of the tree

std::string read_file(const std::string& name) {
  std::ifstream in(folder + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("snapshots of every format are read, and the present one is written as ever") {
  Shop shop;
  for (std::uint64_t n = 0; n < written_after; ++n) shop.push(n);
  std::string written;
  REQUIRE(shop.pipeline().snapshot({.positions = "payment 60"}, written).ok());
  if (std::getenv("WEIR_WRITE_GOLDEN") != nullptr)
    std::ofstream(folder + "format_1.snapshot", std::ios::binary) << written;
  static_cast<void>(shop.take());
  for (std::uint64_t n = written_after; n < 2 * written_after; ++n) shop.push(n);
  shop.read();
  REQUIRE(shop.pipeline().finish().ok());
  const std::vector<std::string> wanted = shop.take();
  REQUIRE(wanted.size() > 100);

  CHECK((written == read_file("format_1.snapshot")));
  for (const char* name : {"format_1.snapshot"}) {
    INFO(name);
    const std::string image = read_file(name);
    const auto info = weir::inspect(image);
    REQUIRE(info.ok());
    CHECK(info->positions == "payment 60");
    Shop later;
    REQUIRE(later.pipeline().restore(image).ok());
    for (std::uint64_t n = written_after; n < 2 * written_after; ++n) later.push(n);
    later.read();
    REQUIRE(later.pipeline().finish().ok());
    CHECK(later.take() == wanted);
  }
}
