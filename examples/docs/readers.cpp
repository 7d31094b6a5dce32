// The program of "Reading from other threads" in docs/guides/reads.md, and of the reference page on readers.
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include <weir/weir.hpp>

#include "expect.hpp"

using namespace std::chrono_literals;

struct Payment {
  std::uint64_t user = 0;
  double amount = 0;  // EUR
  weir::EventTime at;
};

struct CardFeatures {
  std::int64_t payments_1h = 0;
  double spend_1h = 0;
};

namespace {

constexpr weir::EventTime minute(int number) { return weir::EventTime{std::chrono::minutes{number}}; }

struct Service {
  weir::Graph graph;
  weir::Source<Payment> payments;
  weir::View<std::uint64_t, CardFeatures> view;
};

Service make_service() {
  weir::Graph graph{"service"};
  auto payments = graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::trailing(30s)});
  auto card = payments | weir::key_by(&Payment::user)
      | weir::features<CardFeatures>("card",
          weir::rolling({.size = 1h, .precision = 1min})
              .compute(weir::count()               .as(&CardFeatures::payments_1h),
                       weir::sum(&Payment::amount) .as(&CardFeatures::spend_1h)));
  // [region publish]
  auto view = card | weir::view("card_features", {.max_age = 15min}).publish({.refresh = 1min});
  // [end]
  return {std::move(graph), payments, view};
}

void serve_on_a_thread() {
  Service service = make_service();
  const auto& [graph, payments, view] = service;
  absl::StatusOr<weir::Pipeline> pipeline = std::move(service.graph).build();
  support::expect(pipeline.ok());
  std::atomic<int> found = 0;
  // [region reader]
  absl::StatusOr<weir::Reader<std::uint64_t, CardFeatures>> reader = pipeline->reader(view);
  support::expect(reader.ok());  // the view publishes
  std::thread server([&found, reader = *std::move(reader)]() mutable {
    while (true) {
      weir::Lookup<CardFeatures> hit = reader.lookup(7);
      if (!hit.has_value()) return;  // `closed`: the pipeline is gone; `refused`: it is poisoned
      if (!hit.is_fresh()) continue;
      support::expect(hit->spend_1h == 5 * static_cast<double>(hit->payments_1h));  // whole rows only
      ++found;
    }
  });
  for (int at = 0; found < 1000; ++at) pipeline->push(payments, {7, 5, minute(at)});
  { const weir::Pipeline gone = *std::move(pipeline); }
  server.join();
  // [end]
  std::printf("%d rows\n", found.load());
}

void ages() {
  Service service = make_service();
  auto pipeline = std::move(service.graph).build();
  auto reader = pipeline->reader(service.view);
  const auto& payments = service.payments;
  // [region age]
  pipeline->push(payments, {7, 5, minute(0)});
  pipeline->push(payments, {8, 5, minute(0) + 40s});
  auto hit = reader->lookup(7);
  support::expect(hit.as_of == minute(0) + 1us && hit.age == 40s);  // as of the push that changed it
  pipeline->push(payments, {8, 5, minute(1)});
  support::expect(reader->lookup(7).as_of == minute(1) + 1us);      // refreshed: a minute has passed
  auto later = reader->lookup(7, {.as_of = minute(20)});            // the same row; what is asked is its age at 00:20
  support::expect(later.status == weir::ReadStatus::stale && later.as_of == minute(1) + 1us && later->payments_1h == 1);
  // [end]
  // [region many]
  const std::vector<std::uint64_t> users = {7, 8, 9};
  std::vector<weir::Lookup<CardFeatures>> hits(users.size());
  reader->lookup_all(users, {}, hits);
  support::expect(hits[1]->payments_1h == 2 && hits[2].status == weir::ReadStatus::missing);
  // [end]
}

}  // namespace

int main() {
  serve_on_a_thread();
  ages();
}
