#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include <weir/weir.hpp>

#include "limits/reads.hpp"
#include "support/meanwhile.hpp"
#include "support/ours.hpp"
#include "support/versus.hpp"

/// Look-ups on another thread while the pipeline's thread pushes as fast as it can. Needs two processors.

namespace bench {
namespace {

using namespace std::chrono_literals;

struct Row {
  std::int64_t count = 0;
  double sum = 0;
  double max = 0;
  double last = 0;
};

/// A pipeline whose rows other threads read.
class Published {
 public:
  using View = weir::View<std::uint64_t, Row>;

  Published()
      : source_(graph_.source<Event>("events", {.time = &Event::at, .watermark = weir::ascending()})),
        view_(source_ | weir::key_by(&Event::key) |
              weir::features<Row>("totals", weir::rolling({.size = 1h, .precision = 5min})
                                                .compute(weir::count().as(&Row::count),
                                                         weir::sum(&Event::value).as(&Row::sum),
                                                         weir::max(&Event::value).as(&Row::max),
                                                         weir::last(&Event::value).as(&Row::last))) |
              weir::view("row").publish()),
        pipeline_(*std::move(graph_).build()) {}

  void push(std::span<const Event> records) { pipeline_.push(source_, records); }
  void finish() {}
  [[nodiscard]] weir::Reader<std::uint64_t, Row> reader() { return *pipeline_.reader(view_); }

 private:
  weir::Graph graph_{"bench"};
  weir::Source<Event> source_;
  View view_;
  weir::Pipeline pipeline_;
};

/// The same by hand.
class Sequenced {
 public:
  explicit Sequenced(std::size_t keys) : rows_(keys) {}
  void push(std::span<const Event> records) {
    for (const Event& event : records) rows_.write(event.key, event.value);
  }
  void finish() {}
  [[nodiscard]] limit::SequencedRows& rows() { return rows_; }

 private:
  limit::SequencedRows rows_;
};

/// Pushes a stream, one pass after another, each a span later.
template <class Operation>
void push_pass(Operation& operation, Stream<Event>& stream) {
  for (std::size_t i = 0; i < stream.size(); i += 256) {
    operation.push(stream.records().subspan(i, std::min<std::size_t>(256, stream.size() - i)));
  }
  stream.move_on(1);
}

/// Gives every key a row.
template <class Operation>
void fill(Operation& operation, std::uint32_t keys) {
  std::vector<Event> events;
  for (std::uint32_t id = 0; id < keys; ++id) {
    events.push_back({.key = key_of(id), .at = weir::event_time(0), .value = 1, .merchant = 0});
    if (events.size() < 256 && id + 1 < keys) continue;
    operation.push(events);
    events.clear();
  }
}

StreamSpec spec_of(const Setting& setting) {
  const std::size_t size = std::min<std::size_t>(setting.records, std::size_t{1} << 20);
  return {.records = size,
          .keys = setting.keys,
          .dist = setting.dist,
          .span = static_cast<std::int64_t>(size) * 60us};
}

std::shared_ptr<std::vector<std::uint64_t>> random_keys(const Setting& setting) {
  const auto keys = std::make_shared<std::vector<std::uint64_t>>();
  for (const std::uint32_t id : ids(std::size_t{1} << 19, setting.keys, setting.dist))
    keys->push_back(key_of(id));
  Rng rng{5};
  for (std::size_t i = keys->size(); i > 1; --i) std::swap((*keys)[i - 1], (*keys)[rng.below(i)]);
  return keys;
}

/// Calls `read` with all keys in turn, 64 at a time or one, while `operation` takes records.
template <class Operation, class Read>
Contender beside_writer(std::shared_ptr<Operation> operation, const Setting& setting,
                        std::shared_ptr<std::vector<std::uint64_t>> keys, std::size_t at_once, Read read) {
  const auto stream = std::make_shared<Stream<Event>>(event_stream(spec_of(setting)));
  fill(*operation, setting.keys);
  Contender out;
  out.pass = [operation, stream, keys, at_once, read] {
    const Meanwhile writer([&operation = *operation, &stream = *stream] { push_pass(operation, stream); });
    const std::span<const std::uint64_t> all{*keys};
    const double start = thread_seconds();
    for (std::size_t i = 0; i < all.size(); i += at_once) read(all.subspan(i, at_once));
    return thread_seconds() - start;
  };
  return out;
}

Match reads(const Setting& setting, std::size_t at_once) {
  const auto keys = random_keys(setting);
  Match match;
  match.items = static_cast<double>(keys->size());
  match.compares_rows = false;
  const auto ours = std::make_shared<Published>();
  const auto reader = std::make_shared<weir::Reader<std::uint64_t, Row>>(ours->reader());
  const auto rows = std::make_shared<std::vector<weir::Lookup<Row>>>(at_once);
  match.ours =
      beside_writer(ours, setting, keys, at_once, [reader, rows](std::span<const std::uint64_t> some) {
        if (some.size() == 1) {
          reader->lookup(some.front(), {}, rows->front());
        } else {
          reader->lookup_all(some, {}, *rows);
        }
        asm volatile("" : : "r"(rows->data()) : "memory");
        for (const weir::Lookup<Row>& row : *rows) {
          // A row is whole: its values are of the same records.
          if (!row.has_value() || row->max * static_cast<double>(row->count) < row->sum) std::abort();
        }
      });
  const auto limit = std::make_shared<Sequenced>(setting.keys);
  match.limit = beside_writer(limit, setting, keys, at_once, [limit](std::span<const std::uint64_t> some) {
    double total = some.size() == 1 ? limit->rows().read(some.front()) : limit->rows().read(some);
    asm volatile("" : : "m"(total));
  });
  return match;
}

/// The writer while a reader reads without pause, against the writer alone.
Match writes(const Setting& setting) {
  const auto keys = random_keys(setting);
  Match match;
  const auto writer = [&match, &setting](std::shared_ptr<std::vector<std::uint64_t>> read_keys) {
    const auto stream = std::make_shared<Stream<Event>>(event_stream(spec_of(setting)));
    const auto operation = std::make_shared<Published>();
    match.items = static_cast<double>(stream->size());
    fill(*operation, setting.keys);
    Contender out;
    out.pass = [stream, operation, read_keys] {
      weir::Reader<std::uint64_t, Row> reader = operation->reader();
      std::size_t next = 0;
      const Meanwhile meanwhile([&reader, &next, &read_keys] {
        if (read_keys == nullptr) return std::this_thread::sleep_for(1ms);
        weir::Lookup<Row> row;
        for (int i = 0; i < 64; ++i) reader.lookup((*read_keys)[next++ % read_keys->size()], {}, row);
      });
      const double start = thread_seconds();
      push_pass(*operation, *stream);
      return thread_seconds() - start;
    };
    return out;
  };
  match.ours = writer(keys);
  match.limit = writer(nullptr);
  match.compares_rows = false;
  return match;
}

const bool added = add({.name = "read beside the writer",
                        .suite = "features",
                        .api = "lookup1",
                        .keys = {1'000'000},
                        .required = 2.0,
                        .set_up = [](const Setting& setting) { return reads(setting, 1); }}) &&
                   add({.name = "read beside the writer",
                        .suite = "features",
                        .api = "lookup64",
                        .keys = {1'000'000},
                        .required = 2.0,
                        .set_up = [](const Setting& setting) { return reads(setting, 64); }}) &&
                   add({.name = "writer beside a reader",
                        .suite = "features",
                        .keys = {1'000'000},
                        .required = 1.25,
                        .against = "alone",
                        .set_up = writes});

}  // namespace
}  // namespace bench
