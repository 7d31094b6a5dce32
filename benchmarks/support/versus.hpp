#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "support/clock.hpp"
#include "support/events.hpp"
#include "support/tally.hpp"

/// \file
/// A case: ours, a limit and a naive loop over the same events, taking turns pass by pass.
///
/// One Google Benchmark entry is one case. A repetition sets all contenders up, warms them, and then runs
/// rounds in which each contender makes one pass, in an order that rotates. A ratio is taken inside a round,
/// so drift of the machine hits both sides of it; the entry reports the median over the rounds.

namespace bench {

/// One side of a case.
struct Contender {
  std::function<double()> pass;                            ///< one pass over the stream; the seconds it took
  std::function<Tally()> finish = [] { return Tally{}; };  ///< closes everything; what came out over its life

  explicit operator bool() const { return static_cast<bool>(pass); }
};

/// What a case is set up for.
struct Setting {
  std::uint32_t keys = 0;
  Dist dist = Dist::uniform;
  std::size_t records = 0;  ///< of one pass
};

/// A case that is ready to run.
struct Match {
  double items = 0;  ///< what ns are divided by: records of one pass
  std::function<void(std::int64_t)> move_on = [](std::int64_t) {};  ///< moves the stream by so many passes
  Contender ours{};
  Contender limit{};
  Contender naive{};
  int warm_up = 1;  ///< passes before the first measured one
  std::uint64_t counted_per_pass =
      0;                      ///< what ours' emitted counts add up to, a pass; 0: not known beforehand
  bool compares_rows = true;  ///< all sides have to emit the same rows
};

struct Case {
  std::string name;
  std::string suite = "kernel";
  std::string api = "push256";
  std::vector<std::uint32_t> keys = {1'000, 100'000, 1'000'000};
  std::vector<Dist> dists = {Dist::uniform, Dist::zipf};
  bool also_1e7 = false;   ///< reported in a full run
  double required = 0;     ///< largest ratio ours / limit; 0: reported only
  double required_ns = 0;  ///< largest ns of ours; 0: none
  std::uint32_t beats_naive_from =
      0;  ///< from that many keys on ours has to be faster than naive; 0: reported only
  std::string against =
      "limit";  ///< what stands in the limit's place: a hand-written limit or another pipeline
  std::function<Match(const Setting&)> set_up;
};

/// Registers a case; call it from a static initialiser.
bool add(Case entry);

/// Pushes all records: in batches where the operation takes them and more than one is asked for, else one by one.
template <class Operation, class Record>
void push_all(Operation& operation, std::span<const Record> records, [[maybe_unused]] std::size_t batch) {
  if constexpr (requires { operation.push(records); }) {
    if (batch > 1) {
      for (std::size_t i = 0; i < records.size(); i += batch) {
        operation.push(records.subspan(i, std::min(batch, records.size() - i)));
      }
      return;
    }
  }
  if constexpr (requires { operation.push(records.front()); }) {
    for (const Record& record : records) operation.push(record);
  }
}

/// A contender that owns `operation`, pushes the stream and counts into `tally`.
template <class Operation, class Record>
[[nodiscard]] Contender contender(std::shared_ptr<Stream<Record>> stream,
                                  std::shared_ptr<Operation> operation, std::shared_ptr<Tally> tally,
                                  std::size_t batch = 256) {
  Contender out;
  out.pass = [stream, operation, batch] {
    const double start = thread_seconds();
    push_all(*operation, stream->records(), batch);
    return thread_seconds() - start;
  };
  out.finish = [operation, tally] {
    operation->finish();
    return *tally;
  };
  return out;
}

/// A contender around `Operation{args..., TallySink}`.
template <class Operation, class Record, class... Args>
[[nodiscard]] Contender hand_written(std::shared_ptr<Stream<Record>> stream, std::size_t batch,
                                     Args... args) {
  auto tally = std::make_shared<Tally>();
  auto operation = std::make_shared<Operation>(args..., TallySink{*tally});
  return contender(std::move(stream), std::move(operation), std::move(tally), batch);
}

/// A match over one stream.
template <class Record>
[[nodiscard]] Match match_over(const std::shared_ptr<Stream<Record>>& stream) {
  Match match;
  match.items = static_cast<double>(stream->size());
  match.move_on = [stream](std::int64_t rounds) { stream->move_on(rounds); };
  return match;
}

}  // namespace bench
