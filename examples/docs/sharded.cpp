// The program of "More than one core" in docs/guides/embedding.md, and of the reference pages on shards.
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// [region include]
#include <weir/shard/runner.hpp>   // and with it sharded.hpp; weir.hpp brings neither
#include <weir/weir.hpp>
// [end]

#include "expect.hpp"

using namespace std::chrono_literals;

struct Payment {
  std::uint64_t user = 0;
  double amount = 0;  // EUR
  weir::EventTime at;
};
struct Spend {
  std::int64_t payments = 0;
  double spend = 0;
};

namespace {

constexpr weir::EventTime minute(int number) { return weir::EventTime{std::chrono::minutes{number}}; }

std::atomic<int> sent = 0;
void send(std::uint64_t, const Spend&) { ++sent; }

// [region define]
struct Handles {
  weir::Source<Payment> payments;
  weir::View<std::uint64_t, Spend> card;
};

/// The definition, written once: called for each shard with a graph of its own.
Handles define(weir::Graph& graph, std::size_t /*shard*/) {
  auto payments = graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::trailing(30s),
                                                     .channels = 2});
  auto by_user = payments | weir::key_by(&Payment::user);
  by_user | weir::tumbling({.size = 1h, .grace = 0s})
          | weir::aggregate<Spend>("spend_1h", weir::count().as(&Spend::payments),
                                               weir::sum(&Payment::amount).as(&Spend::spend))
          | weir::sink("send", [](const weir::Windowed<std::uint64_t, Spend>& row) { send(row.key, row.value); });
  auto card = by_user
      | weir::features<Spend>("card", weir::rolling({.size = 1h, .precision = 1min})
                                          .compute(weir::count().as(&Spend::payments),
                                                   weir::sum(&Payment::amount).as(&Spend::spend)))
      | weir::view("card_features").publish();
  return {.payments = payments, .card = card};
}
// [end]

// [region build]
absl::StatusOr<weir::Sharded<Handles>> build(std::size_t shards) {
  return weir::sharded({.name = "fraud", .shards = shards}, define,
                       weir::route(&Handles::payments, &Payment::user));  // the key of the key_by behind it
}
// [end]

std::vector<Payment> batch(int from, int to) {
  std::vector<Payment> payments;
  for (int i = from; i < to; ++i) {
    payments.push_back({.user = static_cast<std::uint64_t>(i % 50), .amount = 1, .at = minute(0) + i * 100ms});
  }
  return payments;
}

void on_one_thread() {
  absl::StatusOr<weir::Sharded<Handles>> fraud = build(4);
  support::expect(fraud.ok());
  const std::vector<Payment> payments = batch(0, 1000);
  // [region push]
  weir::Admitted many = fraud->push(&Handles::payments, std::span(payments), 0);  // 0: the channel
  weir::Admit one = fraud->push(&Handles::payments, {.user = 7, .amount = 5, .at = minute(2)}, 1);
  auto hit = fraud->lookup(&Handles::card, 7, {.as_of = minute(2)});
  // [end]
  support::expect(many.on_time == 1000 && one == weir::Admit::on_time && hit->payments == 20);
  support::expect(fraud->stats("card").ingested == 1001);

  // [region rescale]
  absl::StatusOr<std::vector<std::string>> images = fraud->snapshot("offset 1001");  // of one instant
  absl::StatusOr<weir::Sharded<Handles>> more = build(7);
  absl::Status restored = more->restore(*images);  // each shard takes its key groups of every image
  // [end]
  support::expect(images.ok() && restored.ok());
  support::expect(more->stats("card").ingested == 1001);
  support::expect(more->watermark(&Handles::payments) == fraud->watermark(&Handles::payments));
  support::expect(more->finish().ok() && sent == 50);
}

void on_threads_of_the_host() {
  absl::StatusOr<weir::Sharded<Handles>> fraud = build(2);
  // [region run_with]
  fraud->run_with([](absl::FunctionRef<void(std::size_t)> apply) {  // as a pool of threads would
    std::thread other([apply] { apply(1); });
    apply(0);
    other.join();
  });
  // [end]
  support::expect(fraud->push(&Handles::payments, batch(0, 1000)).on_time == 1000);
  support::expect(fraud->stats("card").ingested == 1000);
}

void on_threads() {
  sent = 0;
  // [region runner]
  absl::StatusOr<weir::ShardRunner<Handles>> runner = weir::shard_runner(*build(4), {.queue = 16});
  if (!runner.ok()) return;
  absl::StatusOr<weir::ShardedReader<weir::View<std::uint64_t, Spend>>> reader =
      runner->sharded().reader(&Handles::card);  // for a thread that answers requests
  // [end]
  support::expect(reader.ok());
  std::size_t dropped = 0;
  for (int turn = 0; turn < 100; ++turn) {
    const std::vector<Payment> arrived = batch(turn * 1000, turn * 1000 + 1000);
    const weir::WallTime now{std::chrono::seconds{turn}};
    // [region back_pressure]
    std::span<const Payment> rest(arrived);
    while (!rest.empty()) {
      weir::Pushed pushed = runner->push(&Handles::payments, rest);
      rest = rest.subspan(pushed.taken);
      if (pushed.admitted.refused != 0) break;       // the status says why
      if (pushed.is_full) runner->wait_for_room();   // or drop and count `rest`, or try again in the next turn
    }
    if (absl::IsUnavailable(runner->tick(now))) {}   // full again: tell the time next turn
    // [end]
    dropped += rest.size();
  }
  support::expect(dropped == 0);
  // [region snapshot]
  std::vector<std::string> images(runner->shards());
  std::atomic<std::size_t> written = 0;
  runner->wait_for_room();  // else it might say Unavailable, and is to be asked again
  absl::Status asked = runner->snapshot(
      "offset 100000",
      [&images](std::size_t shard, std::string_view piece) {  // on the thread of the shard
        images[shard].append(piece);
        return absl::OkStatus();
      },
      [&written](std::size_t /*shard*/, const absl::Status& status) { written += status.ok() ? 1U : 0U; });
  // [end]
  support::expect(asked.ok());
  support::expect(runner->drain().ok() && written == 4);
  // [region stop]
  absl::Status stopped = runner->stop();  // all that was pushed is done, and the threads have ended
  auto hit = reader->lookup(7);           // readers go on
  std::uint64_t late = runner->sharded().stats("spend_1h").late;
  // [end]
  support::expect(stopped.ok() && hit.has_value() && late == 0);
  support::expect(build(2)->restore(images).ok());
  std::printf("%llu times full\n", static_cast<unsigned long long>(runner->queue(0).full));
}

}  // namespace

int main() {
  on_one_thread();
  on_threads_of_the_host();
  on_threads();
}
