#include <algorithm>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include <weir/weir.hpp>

// Prints a digest of what a fixed set of scripts gives, one line per script and stream. Every batch size and hash seed must
// give the same line here, and every compiler and optimisation level the same program output; see compare.sh.

namespace {

using weir::Duration;
using weir::event_time;

struct Trade {
  std::string account;
  std::int64_t quantity = 0;
  double price = 0;
  weir::EventTime at{};
};
struct Summary {
  std::int64_t n = 0;
  std::int64_t quantity = 0;
  double total = 0;
  double mean = 0;
  double deviation = 0;
  double least = 0;
  double most = 0;
  std::int64_t last = 0;
};

/// FNV-1a over the bytes of everything that came out of one stream.
struct Digest {
  std::uint64_t value = 0xcbf29ce484222325U;
  std::uint64_t records = 0;

  template <class Number>
  void add(Number number) {
    unsigned char bytes[sizeof(Number)];
    std::memcpy(bytes, &number, sizeof number);
    for (const unsigned char byte : bytes) value = (value ^ byte) * 0x100000001b3U;
  }
  void add(const std::string& text) {
    for (const char c : text) add(c);
    add(text.size());
  }
  void operator()(const weir::Windowed<std::string, Summary>& row) {
    ++records;
    add(row.key);
    for (const weir::EventTime at : {row.window.start, row.window.end, row.as_of, row.watermark})
      add(weir::ticks(at));
    add(row.pane.index);
    add(static_cast<std::uint8_t>(row.pane.timing));
    add(row.pane.is_final);
    add(row.pane.is_retraction);
    add(row.overflowed);
    add(row.number);
    add(row.value.n);
    add(row.value.quantity);
    for (const double number :
         {row.value.total, row.value.mean, row.value.deviation, row.value.least, row.value.most})
      add(number);
    add(row.value.last);
  }
  void operator()(const weir::Late<Trade>& late) {
    ++records;
    add(late.record.account);
    add(weir::ticks(late.time));
    add(late.windows_hit);
    add(late.windows_missed);
    add(weir::ticks(late.watermark));
  }
};

std::uint64_t state = 0;
std::uint64_t random_number() {  // splitmix64
  std::uint64_t z = (state += 0x9e3779b97f4a7c15U);
  z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31U);
}

std::vector<Trade> trades(std::uint64_t seed) {
  state = seed;
  std::vector<Trade> made;
  std::int64_t now = static_cast<std::int64_t>(seed % 3) * -5000;
  for (int i = 0; i < 4000; ++i) {
    now += static_cast<std::int64_t>(random_number() % 6) + (random_number() % 500 == 0 ? 700 : 0);
    const std::int64_t back = random_number() % 10 == 0 ? static_cast<std::int64_t>(random_number() % 90) : 0;
    made.push_back({.account = random_number() % 3 == 0
                                   ? "account number " + std::to_string(random_number() % 40)
                                   : "a" + std::to_string(random_number() % 20),
                    .quantity = static_cast<std::int64_t>(random_number() % 2001) - 1000,
                    .price = static_cast<double>(random_number() >> 11U) * 0x1.0p-40,
                    .at = event_time(now - back)});
  }
  return made;
}

constexpr int shapes = 9;

template <class Rows>
void collect(const Rows& rows, int number, Digest& out, Digest& late) {
  rows | weir::sink("rows " + std::to_string(number), [&out](const auto& row) { out(row); });
  rows.late() | weir::sink("late " + std::to_string(number), [&late](const auto& notice) { late(notice); });
}

/// One script: one shape of window over one list of trades, in batches of so many (0: one by one).
std::string play(int shape, const std::vector<Trade>& list, std::size_t batch, std::uint64_t hash_seed) {
  using namespace weir;
  const auto us = [](std::int64_t ticks) { return Duration{ticks}; };
  Digest out[2];
  Digest late[2];
  Graph graph{"digest", {.hash_seed = hash_seed}};
  const auto source = graph.source<Trade>("trades", {.time = &Trade::at, .watermark = trailing(us(20))});
  const auto keyed = source | key_by(&Trade::account);
  const auto features = aggregate<Summary>(
      "features", count().as(&Summary::n), sum(&Trade::quantity).as(&Summary::quantity),
      sum(&Trade::price).as(&Summary::total), mean(&Trade::price).as(&Summary::mean),
      stddev(&Trade::price).as(&Summary::deviation), min(&Trade::price).as(&Summary::least),
      max(&Trade::price).as(&Summary::most), last(&Trade::quantity).as(&Summary::last));
  const auto one = [&](auto windows) { collect(keyed | std::move(windows) | features, 0, out[0], late[0]); };
  switch (shape) {
    case 0:
      one(tumbling({.size = us(100), .grace = us(0)}));
      break;
    case 1:
      one(tumbling({.size = us(70), .offset = us(13), .grace = us(60)}));
      break;
    case 2:
      one(sliding({.size = us(300), .every = us(50), .grace = us(40)}));
      break;
    case 3:
      one(cumulating({.size = us(400), .step = us(100), .grace = us(10)}));
      break;
    case 4:
      one(tumbling({.size = us(200),
                    .grace = us(50),
                    .emit = emit_when(on_close(), every(us(60))),
                    .panes = retracting}));
      break;
    case 5:
      one(session({.gap = us(60), .longest = us(500), .grace = us(30)}));
      break;
    case 6:
      one(count_windows({.size = 7, .every = 3}));
      break;
    case 7:
      one(lifetime({.emit = emit_when(on_close(), after(16))}));
      break;
    default: {
      const auto [small, large] = keyed |
                                  windows(tumbling({.size = us(100), .grace = us(0)}),
                                          sliding({.size = us(400), .every = us(200), .grace = us(50)})) |
                                  features;
      collect(small, 0, out[0], late[0]);
      collect(large, 1, out[1], late[1]);
    }
  }
  auto pipeline = std::move(graph).build();
  if (!pipeline.ok()) return std::string(pipeline.status().message());
  for (std::size_t at = 0; at < list.size();) {
    if (batch == 0) {
      static_cast<void>(pipeline->push(source, list[at]));
      ++at;
      continue;
    }
    const std::size_t size = std::min(batch, list.size() - at);
    static_cast<void>(pipeline->push(source, std::span(list).subspan(at, size)));
    at += size;
  }
  if (!pipeline->finish().ok()) return "finish() failed";
  std::string text;
  for (int i = 0; i < 2; ++i) {
    char line[128];
    std::snprintf(line, sizeof line, " %016" PRIx64 " %" PRIu64 " rows, %016" PRIx64 " %" PRIu64 " late",
                  out[i].value, out[i].records, late[i].value, late[i].records);
    if (i == 0 || out[i].records > 0) text += line;
  }
  return text;
}

}  // namespace

int main() {
  int status = 0;
  for (int shape = 0; shape < shapes; ++shape) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      const std::vector<Trade> list = trades(seed);
      const std::string first = play(shape, list, 0, 1);
      std::printf("shape %d seed %d:%s\n", shape, static_cast<int>(seed), first.c_str());
      for (const std::size_t batch : {std::size_t{1}, std::size_t{7}, std::size_t{256}, std::size_t{1000}}) {
        if (play(shape, list, batch, 1) == first) continue;
        std::printf("  batches of %zu give another output\n", batch);
        status = 1;
      }
      for (std::uint64_t hash = 2; hash <= (seed == 1 ? 100U : 3U); ++hash) {
        if (play(shape, list, 256, hash * 0x9e3779b97f4a7c15U) == first) continue;
        std::printf("  hash seed %d gives another output\n", static_cast<int>(hash));
        status = 1;
      }
    }
  }
  return status;
}
