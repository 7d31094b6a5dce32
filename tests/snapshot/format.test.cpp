#include <weir/weir.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "frame.hpp"

// What operators write, read as docs/snapshot_format.md says and not with the library: each section to its last byte.

namespace {

using namespace std::chrono_literals;

struct Note {
  std::uint64_t key = 0;
  weir::EventTime at{};
};
struct Row {
  std::int64_t n = 0;
};

class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : left_(bytes) {}

  template <class Number>
  Number take() {
    REQUIRE(left_.size() >= sizeof(Number));
    Number number{};
    std::memcpy(&number, left_.data(), sizeof(Number));  // machines of the tests are little-endian
    left_.remove_prefix(sizeof(Number));
    return number;
  }
  std::uint8_t u8() { return take<std::uint8_t>(); }
  std::uint32_t u32() { return take<std::uint32_t>(); }
  std::uint64_t u64() { return take<std::uint64_t>(); }
  std::int64_t i64() { return take<std::int64_t>(); }
  void skip(std::size_t bytes) {
    REQUIRE(left_.size() >= bytes);
    left_.remove_prefix(bytes);
  }
  [[nodiscard]] bool is_over() const { return left_.empty(); }

 private:
  std::string_view left_;
};

constexpr std::int64_t minutes = 60'000'000;
weir::EventTime minute(std::int64_t number) { return weir::event_time(number * minutes); }

/// What stands at the beginning of each operator as a whole. Gives the watermark.
std::int64_t take_time(Bytes& in, bool is_source) {
  const std::int64_t watermark = in.i64();
  CHECK(in.i64() == (is_source ? weir::ticks(weir::no_time) : watermark));
  CHECK(in.u8() == 0);
  CHECK(in.u8() == 0);
  in.skip(20 * 8);
  return watermark;
}
/// Late records given out, rows per output, three numbers for the one feature.
void take_row_counters(Bytes& in, std::size_t outputs = 1) { in.skip(8 + 8 * outputs + 3 * 8); }
/// The number of records since the window fired last.
std::uint32_t take_progress(Bytes& in, std::uint32_t firings) {
  in.i64();
  const std::uint32_t since = in.u32();
  CHECK(in.u32() == firings);
  CHECK(in.u8() <= 1);
  return since;
}
/// The value of a row to be taken back; 0 if there is none.
std::int64_t take_row_back(Bytes& in, std::uint64_t key) {
  if (in.u8() == 0) return 0;
  CHECK(in.u64() == key);
  in.skip(2 * 8);
  const std::int64_t n = in.i64();
  CHECK(in.u8() <= 2);
  CHECK(in.u8() == 0);
  CHECK(in.u8() == 0);
  in.skip(4 + 8 + 8);
  CHECK(in.u64() == 0);
  return n;
}

void check_notes(Bytes& whole, Bytes&) {
  whole.skip(8 + 1 + 1);  // its channel
  CHECK(whole.i64() == 46 * minutes);
  CHECK(whole.u8() <= 1);
  CHECK(whole.i64() == 46 * minutes);
  whole.i64();
  CHECK(whole.u8() == 0);
  CHECK(whole.u8() == 0);
  CHECK(whole.i64() == 46 * minutes);
  CHECK(whole.u8() == 0);
  CHECK(whole.u8() == 1);  // heard, and no tick since
}
void check_keys(Bytes& whole, Bytes& in) {
  CHECK(whole.u8() == 0);
  CHECK(whole.u64() == 0);
  CHECK(in.u64() == 2);
  CHECK(in.u64() == 7);
  CHECK(in.u64() == 8);
}
void check_panes(Bytes& whole, Bytes& in) {
  take_row_counters(whole);
  // Key 7: minutes 1, 2, 3 | 12, 13 | 33, 34 | 45; key 8: 46.
  const std::vector<std::pair<std::int64_t, std::uint64_t>> panes = {{0, 3}, {1, 2}, {3, 2}, {4, 1}};
  CHECK(in.u64() == panes.size());
  CHECK(in.u8() <= 1);
  CHECK(in.u8() <= 1);
  for (const auto& [pane, records] : panes) {
    CHECK(in.i64() == pane);
    CHECK(in.u64() == records);
  }
  CHECK(in.u64() == 1);
  in.skip(2);
  CHECK(in.i64() == 4);
  CHECK(in.u64() == 1);
  // Keys that the next firing visits: key 7.
  CHECK(in.u64() == 1);
  CHECK(in.u32() == 0);
  CHECK(in.u32() == 0);
  // Panes that no window has covered: one, of both.
  CHECK(in.u64() == 1);
  CHECK(in.u32() == 0);
  CHECK(in.i64() == 4);
  CHECK(in.u64() == 2);
  for (const std::uint32_t key : {0, 1}) {
    CHECK(in.u32() == key);
    CHECK(in.u32() == key);
  }
  // Empty rows since the last record: none.
  CHECK(in.u64() == 1);
  in.skip(2 * 4);
  CHECK(in.u32() == 0);
  // Late panes: one of the second window, and the empty row of the third, which may get some.
  CHECK(in.u64() == 2);
  for (const std::uint32_t window : {1, 2}) {
    CHECK(in.u32() == 0);
    CHECK(in.i64() == (window * 10 + 70) * minutes);
    CHECK(in.u32() == 0);
    CHECK(in.u64() == window);
    CHECK(in.u64() == 0);
    CHECK(in.u32() == (window == 1 ? 1 : 0));
  }
  CHECK(in.u64() == 1);
  CHECK(in.u32() == 0);
  CHECK(in.i64() == 90 * minutes);
}
void check_latest(Bytes& whole, Bytes& in) {
  CHECK(whole.i64() == 40 * minutes);
  CHECK(in.u64() == 1);
  CHECK(in.u64() == 7);
  CHECK(in.u64() == 5);  // rows came: three windows, an empty one, a late one
  const std::vector<std::pair<std::int64_t, std::int64_t>> rows = {{10, 3}, {20, 2}, {30, 0}, {40, 2}};
  CHECK(in.u64() == rows.size());
  for (const auto& [end, count] : rows) {
    CHECK(in.i64() == end * minutes);
    CHECK(in.i64() == (end - 10) * minutes);
    CHECK(in.i64() == end * minutes);
    CHECK(in.i64() == count);
    CHECK(in.u64() == 0);
  }
}
void check_plain_sessions(Bytes& whole, Bytes& in) {
  take_row_counters(whole);
  CHECK(whole.u64() > 1);
  whole.i64();
  CHECK(whole.i64() == 46 * minutes);
  for (const std::int64_t at : {45, 46}) {
    CHECK(in.u64() == 1);
    CHECK(in.u64() > 0);
    CHECK(in.i64() == at * minutes);
    CHECK(in.i64() == at * minutes);
    CHECK(in.u64() == 1);
  }
}
void check_sessions(Bytes& whole, Bytes& in) {
  take_row_counters(whole);
  whole.skip(3 * 8);
  const std::vector<std::array<std::int64_t, 3>> of_7 = {{1, 3, 3}, {12, 13, 2}, {33, 34, 2}, {45, 45, 1}};
  const std::vector<std::array<std::int64_t, 3>> of_8 = {{46, 46, 1}};
  for (const auto& [key, sessions] : {std::pair(7, of_7), std::pair(8, of_8)}) {
    CHECK(in.u64() == sessions.size());
    for (const auto& [first, last, records] : sessions) {
      const bool is_past_end = last < 41;
      CHECK(in.u64() > 0);
      CHECK(in.i64() == first * minutes);
      CHECK(in.i64() == last * minutes);
      CHECK(in.u64() == static_cast<std::uint64_t>(records));
      CHECK(take_progress(in, static_cast<std::uint32_t>(records + (is_past_end ? 1 : 0))) == 0);
      CHECK(in.u32() == records);
      CHECK(in.u8() == 0);
      CHECK(in.u8() == (is_past_end ? 1 : 0));
      CHECK(take_row_back(in, static_cast<std::uint64_t>(key)) == records);
    }
  }
}
void check_counts(Bytes& whole, Bytes& in) {
  take_row_counters(whole);
  CHECK(in.i64() == 8);  // in steps of two; the last two steps make the next window
  CHECK(in.u64() == 1);
  in.skip(2);
  CHECK(in.i64() == 3);
  CHECK(in.u64() == 2);
  CHECK(in.i64() == 13 * minutes);
  CHECK(in.i64() == 45 * minutes);
  CHECK(in.i64() == 1);
  CHECK(in.u64() == 1);
  in.skip(2);
  CHECK(in.i64() == 0);
  CHECK(in.u64() == 1);
  CHECK(in.i64() == 46 * minutes);
  CHECK(in.i64() == 46 * minutes);
}
void check_triggered(Bytes& whole, Bytes& in) {
  take_row_counters(whole);
  CHECK(whole.u64() == 2);
  std::uint64_t order = 0;
  for (const auto& [key, records, newest] : {std::array<std::int64_t, 3>{7, 8, 45}, {8, 1, 46}}) {
    CHECK(in.u64() == 1);
    CHECK(in.u64() == 0);  // the index has 16 bytes
    CHECK(in.u64() == 0);
    CHECK(take_progress(in, static_cast<std::uint32_t>(records)) == 0);
    CHECK(in.i64() == newest * minutes);
    CHECK(in.u64() == ++order);
    CHECK(in.u64() == static_cast<std::uint64_t>(records));
    CHECK(take_row_back(in, static_cast<std::uint64_t>(key)) == records);
  }
}
void check_features(Bytes& whole, Bytes& in) {
  whole.skip(8 + 2 * 8);
  CHECK(whole.i64() == 46 * minutes);
  CHECK(whole.u64() == 9);
  for (const auto& [newest, version] : {std::pair(45, 8U), std::pair(46, 9U)}) {
    CHECK(in.u8() == 1);
    CHECK(in.i64() == newest * minutes);
    in.skip(2 * 8);
    CHECK(in.u64() <= 9);
    CHECK(version >= 8);
    in.skip(4);
    for (std::uint64_t records = in.u64(); records > 0; --records) in.skip(8 + 16);
    if (in.u8() == 1) in.skip(8 + 8);
    for (std::uint64_t panes = in.u64(); panes > 0; --panes) in.skip(8 + 8);
  }
}

}  // namespace

TEST_CASE("what operators write is as the page on the format says, to the last byte") {
  weir::Graph graph{"format", {.key_groups = {.count = 1}}};
  auto notes = graph.source<Note>("notes", {.time = &Note::at, .watermark = weir::ascending()});
  auto keyed = notes | weir::key_by(&Note::key, {.name = "keys"});
  const auto n = weir::count().as(&Row::n);
  keyed | weir::tumbling({.size = 10min, .grace = 1h, .emit_empty = weir::EmptyWindows{.most = 3}}) |
      weir::aggregate<Row>("panes", n) |
      weir::latest({.name = "latest", .retain = weir::for_ever, .versions = 5});
  keyed | weir::session({.gap = 5min, .grace = 0s}) | weir::aggregate<Row>("plain sessions", n);
  keyed |
      weir::session({.gap = 5min,
                     .grace = 1h,
                     .emit = weir::emit_when(weir::on_update(), weir::on_close()),
                     .panes = weir::Accumulation::retracting}) |
      weir::aggregate<Row>("sessions", n);
  keyed | weir::count_windows({.size = 4, .every = 2}) | weir::aggregate<Row>("counts", n);
  keyed |
      weir::tumbling({.size = 1h,
                      .grace = 0s,
                      .emit = weir::emit_when(weir::on_update(), weir::on_close()),
                      .panes = weir::Accumulation::retracting}) |
      weir::aggregate<Row>("triggered", n);
  keyed | weir::features<Row>({.name = "features", .time_travel = 10min},
                              weir::rolling({.size = 1h, .precision = 10min}).compute(n));
  auto pipeline = std::move(graph).build().value();
  for (const std::int64_t at : {1, 2, 3, 12, 33, 34, 45}) pipeline.push(notes, {.key = 7, .at = minute(at)});
  pipeline.push(notes, {.key = 7, .at = minute(13)});  // late, in the grace
  pipeline.push(notes, {.key = 8, .at = minute(46)});
  std::string image;
  REQUIRE(pipeline.snapshot({}, image).ok());

  std::vector<std::vector<std::string>> sections(pipeline.names().size());
  for (const frame::Section& section : frame::take_apart(image).sections)
    sections.at(section.node).push_back(section.content);
  const std::vector<std::string> names = pipeline.names();
  const std::map<std::string, void (*)(Bytes&, Bytes&)> checks = {{"notes", check_notes},
                                                                  {"keys", check_keys},
                                                                  {"panes", check_panes},
                                                                  {"latest", check_latest},
                                                                  {"plain sessions", check_plain_sessions},
                                                                  {"sessions", check_sessions},
                                                                  {"counts", check_counts},
                                                                  {"triggered", check_triggered},
                                                                  {"features", check_features}};
  for (std::size_t node = 0; node < names.size(); ++node) {
    INFO(names[node]);
    REQUIRE(sections[node].size() == (names[node] == "notes" ? 1 : 2));
    Bytes whole(sections[node][0]);
    CHECK(take_time(whole, names[node] == "notes") == 46 * minutes);
    Bytes in(sections[node].back());
    checks.at(names[node])(whole, in);
    CHECK(whole.is_over());
    if (names[node] != "notes") CHECK(in.is_over());
  }
}
