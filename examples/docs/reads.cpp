// The programs of docs/guides/reads.md, and of the reference pages on rolling features and views.
#include <cstdio>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <weir/weir.hpp>

#include "expect.hpp"

using namespace std::chrono_literals;

// [region record]
struct Payment {
  std::uint64_t user = 0;
  std::uint64_t merchant = 0;
  double amount = 0;  // EUR
  weir::EventTime at;
};
// [end]

// [region row]
struct CardFeatures {
  std::int64_t payments_1h = 0, payments_24h = 0, payments_7d = 0;
  double spend_1h = 0, mean_24h = 0, sd_24h = 0;
  double merchants_24h = 0;
  double amount_z = 0;  // derived
};
// [end]

struct Row {
  std::int64_t n = 0, n_1h = 0, n_24h = 0;
  double spend_1h = 0, spend_24h = 0;
};

namespace {

constexpr weir::EventTime minute(int number) { return weir::EventTime{std::chrono::minutes{number}}; }
constexpr weir::WallTime wall(int number) { return weir::WallTime{std::chrono::minutes{number}}; }

struct Score {
  double points = 0;
  std::vector<std::int64_t> seen;
  void add(std::int64_t payments_1h, double spend_1h) {
    points += static_cast<double>(payments_1h) + spend_1h;
    seen.push_back(payments_1h);
  }
};

void fraud() {
  weir::Graph graph{"fraud"};
  auto payments = graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::trailing(30s)});
  // [region features]
  auto card = payments | weir::key_by(&Payment::user)
      | weir::features<CardFeatures>({.name = "card", .retain = 30 * 24h},
          weir::rolling({.size = 1h, .precision = 1min})
              .compute(weir::count()                      .as(&CardFeatures::payments_1h),
                       weir::sum(&Payment::amount)        .as(&CardFeatures::spend_1h)),
          weir::rolling({.size = 24h, .precision = 15min})
              .compute(weir::count()                      .as(&CardFeatures::payments_24h),
                       weir::mean(&Payment::amount)       .as(&CardFeatures::mean_24h),
                       weir::stddev(&Payment::amount)     .as(&CardFeatures::sd_24h),
                       weir::distinct(&Payment::merchant) .as(&CardFeatures::merchants_24h)),
          weir::rolling({.size = 7 * 24h, .precision = 6h})
              .compute(weir::count()                      .as(&CardFeatures::payments_7d)),
          weir::derive(&CardFeatures::amount_z, [](const CardFeatures& f) {
            if (f.payments_1h == 0 || !(f.sd_24h > 0)) return 0.0;
            return (f.spend_1h / static_cast<double>(f.payments_1h) - f.mean_24h) / f.sd_24h;
          }));
  // [end]
  // [region view]
  auto view = card | weir::view("card_features", {.max_age = 15min, .when_stale = weir::serve_previous});
  // [end]
  auto pipeline = std::move(graph).build();
  support::expect(pipeline.ok());

  const std::vector<Payment> stream = {
      {7, 1, 20, minute(0)},  {8, 1, 5, minute(10)}, {8, 1, 5, minute(20)},  {7, 2, 30, minute(30)}, {8, 1, 5, minute(40)},
      {8, 1, 5, minute(50)}, {7, 1, 100, minute(59)}, {8, 1, 5, minute(70)}, {7, 3, 40, minute(75)}};
  Score score;
  // [region score]
  for (const Payment& payment : stream) {
    weir::Lookup<CardFeatures> hit = pipeline->lookup(view, payment.user, {.as_of = payment.at});
    if (hit.is_fresh()) score.add(hit->payments_1h, hit->spend_1h);
    pipeline->push(payments, payment);  // only now: a payment is not among its own features
  }
  // [end]
  support::expect(score.seen == std::vector<std::int64_t>{1, 1, 2, 3, 2, 4, 2});

  // [region parts]
  weir::Lookup<CardFeatures> hit = pipeline->lookup(view, 7, {.as_of = minute(80)});
  support::expect(hit.status == weir::ReadStatus::fresh && hit->payments_1h == 3);
  support::expect(hit.event_time == minute(75));               // of the user's newest payment in the row
  support::expect(hit.known_until == minute(75) + 1us);        // behind the newest payment of the whole stream
  support::expect(hit.age == 5min - 1us);                      // from there to the instant of the read
  support::expect(hit.watermark == minute(75) - 30s && !hit.is_final());
  support::expect(hit.covered()[0] == weir::Window{minute(20), minute(80)});
  // [end]

  // [region decay]
  support::expect(pipeline->lookup(view, 7, {.as_of = minute(100), .max_age = 24h})->payments_1h == 2);
  support::expect(pipeline->lookup(view, 7, {.as_of = minute(136), .max_age = 24h})->payments_1h == 0);
  // [end]
  support::expect(pipeline->lookup(view, 7, {.as_of = minute(135), .max_age = 24h})->payments_1h == 1);
  std::printf("%.2f points\n", score.points);
}

/// A keyed stream of payments, and whatever `attach` puts behind it; then a few payments of user 7.
template <class Attach, class Check>
void with_payments(Attach attach, Check check, weir::Duration bound = 0s) {
  weir::Graph graph{"reads"};
  auto payments = graph.source<Payment>("payments", {.time = &Payment::at, .watermark = weir::trailing(bound)});
  auto view = attach(payments | weir::key_by(&Payment::user));
  auto pipeline = std::move(graph).build();
  support::expect(pipeline.ok());
  for (const int at : {-60, 3, 10, 57, 62}) pipeline->push(payments, {7, 1, 10, minute(at)});
  check(*pipeline, payments, view);
}

/// The row of user 7 at minute 63 under one window.
template <class Window>
void one_window(const Window& window, std::int64_t n, weir::Window covered) {
  with_payments(
      [&](const auto& keyed) {
        return keyed | weir::features<Row>({.name = "row", .retain = weir::for_ever}, window.compute(weir::count().as(&Row::n)))
                     | weir::view("rows");
      },
      [&](auto& pipeline, auto&, auto& view) {
        auto row = pipeline.lookup(view, 7, {.as_of = minute(63)});
        support::expect(row->n == n && row.covered()[0] == covered);
      });
}

void windows() {
  {
    // [region exact]
    auto window = weir::rolling({.size = 1h, .precision = weir::exact});            // at 01:03: [00:03, 01:03)
    // [end]
    one_window(window, 4, {minute(3), minute(63)});
  }
  {
    // [region precision]
    auto window = weir::rolling({.size = 1h, .precision = 5min});                   // at 01:03: [00:00, 01:03)
    // [end]
    one_window(window, 4, {minute(0), minute(63)});
  }
  {
    // [region pre_cut]
    auto window = weir::rolling({.size = 1h, .precision = weir::pre_cut(5min)});    // at 01:03: [00:00, 01:00)
    // [end]
    one_window(window, 3, {minute(0), minute(60)});
  }
  {
    // [region included]
    auto window = weir::rolling({.size = 1h, .precision = weir::exact, .asking = weir::Asking::included});  // (00:03, 01:03]
    // [end]
    one_window(window, 3, {minute(3) + 1us, minute(63) + 1us});
  }
  {
    // [region records]
    auto window = weir::rolling_records({.records = 20});  // the last 20, however old
    // [end]
    one_window(window, 5, {minute(-60), minute(63)});
  }
  {
    // [region lifetime]
    auto window = weir::rolling_lifetime();                // all, since the key was first seen
    // [end]
    one_window(window, 5, {weir::no_time, minute(63)});
  }
}

void shared() {
  with_payments(
      [](const auto& keyed) {
        // [region shared]
        auto rows = keyed | weir::features<Row>("row",
            weir::rolling({{.size = 1h, .precision = 1min}, {.size = 24h, .precision = 1h}})
                .compute(weir::count()                .as(&Row::n_1h, &Row::n_24h),
                         weir::sum(&Payment::amount)  .as(&Row::spend_1h, &Row::spend_24h)));
        // [end]
        return rows | weir::view("rows");
      },
      [](auto& pipeline, auto&, auto& view) {
        auto row = pipeline.lookup(view, 7, {.as_of = minute(63)});
        support::expect(row->n_1h == 4 && row->n_24h == 5 && row->spend_24h == 50);
      });
}

void late() {
  int missed = 0;
  with_payments(
      [&missed](const auto& keyed) {
        // [region late]
        auto rows = keyed | weir::features<Row>({.name = "row", .time_travel = 5min},
            weir::rolling({.size = 1h, .precision = 10min}).compute(weir::count().as(&Row::n)));
        rows.late() | weir::sink("too_late", [&missed](const weir::Late<Payment>&) { ++missed; });
        // [end]
        return rows | weir::view("rows");
      },
      [&missed](auto& pipeline, auto& payments, auto& view) {
        // [region late_reads]
        // The newest payment was at 01:02. The watermark is there too, and the settled horizon 5 min before it, at 00:57.
        pipeline.push(payments, {7, 1, 10, minute(1)});   // late, and applied: [23:50, 00:57) is kept
        support::expect(pipeline.lookup(view, 7, {.as_of = minute(58)})->n == 4 && missed == 0);
        pipeline.push(payments, {7, 1, 10, minute(-11)});  // nobody can have it any more
        support::expect(missed == 1);

        auto past = pipeline.lookup(view, 7, {.as_of = minute(56)});  // before the settled horizon: up to 00:50
        support::expect(past.status == weir::ReadStatus::incomplete && past->n == 3);
        support::expect(past.covered()[0] == weir::Window{minute(-10), minute(50)});
        // [end]
      });
}

void freshness() {
  std::vector<std::string> alarms;
  with_payments(
      [&alarms](const auto& keyed) {
        auto rows = keyed | weir::features<Row>("row",
            weir::rolling({.size = 1h, .precision = 1min}).compute(weir::count().as(&Row::n)));
        // [region view_options]
        auto view = rows | weir::view("rows", {.max_age = 15min, .when_stale = weir::serve_stale, .freshness_goal = 2min})
                               .fallback(Row{.n = -1})
                               .on_breach([&alarms](const weir::Lookup<Row>& read) {
                                 alarms.push_back("age " + std::to_string(read.age.count()) + " us");
                               });
        // [end]
        return view;
      },
      [&alarms](auto& pipeline, auto&, auto& view) {
        // [region per_read]
        auto ok = pipeline.lookup(view, 7, {.as_of = minute(63)});
        auto old = pipeline.lookup(view, 7, {.as_of = minute(80)});                     // age: 18 min
        auto enough = pipeline.lookup(view, 7, {.as_of = minute(80), .max_age = 1h});   // for this read
        auto before = pipeline.lookup(view, 7, {.as_of = minute(80), .when_stale = weir::serve_previous});
        auto other = pipeline.lookup(view, 8, {.as_of = minute(63)});                   // nobody knows user 8
        support::expect(ok.is_fresh() && ok->n == 4);
        support::expect(old.status == weir::ReadStatus::stale && old->n == 2);
        support::expect(enough.is_fresh() && enough->n == 2);
        support::expect(before.status == weir::ReadStatus::stale && before->n == 4 && before.as_of == minute(62) + 1us);
        support::expect(other.status == weir::ReadStatus::defaulted && other->n == -1);
        // [end]

        // [region view_stats]
        const weir::ViewStats& stats = view.stats();
        support::expect(stats.reads == 5 && stats.fresh == 2 && stats.stale == 2 && stats.defaulted == 1);
        support::expect(stats.breaches == 3 && alarms.size() == 3);
        // [end]

        // [region as_of]
        auto latest = pipeline.lookup(view, 7);                                     // behind the newest record
        auto sure = pipeline.lookup(view, 7, {.as_of = weir::at_watermark});        // only what cannot change
        absl::Status ticked = pipeline.tick(wall(64));
        auto now = pipeline.lookup(view, 7, {.as_of = weir::host_now});             // the host's clock at its last tick
        support::expect(latest.as_of == minute(62) + 1us && sure.is_final() && now.as_of == minute(64));
        // [end]
        support::expect(ticked.ok());

        // [region stalled]
        absl::Status later = pipeline.tick(wall(80));                                  // no payment since 01:02
        auto by_stream = pipeline.lookup(view, 7);                                     // as of where knowledge ends
        auto by_clock = pipeline.lookup(view, 7, {.as_of = weir::host_now});
        support::expect(by_stream.is_fresh() && by_stream.age == 0s);                  // always, with features
        support::expect(by_clock.status == weir::ReadStatus::stale && by_clock.age == 18min - 1us);
        // [end]
        support::expect(later.ok() && view.stats().breaches == 4);

        // [region withheld]
        auto stand_in = pipeline.lookup(view, 7, {.as_of = minute(80), .when_stale = weir::serve_default});
        auto empty = pipeline.lookup(view, 7, {.as_of = minute(80), .when_stale = weir::reject_stale});
        support::expect(stand_in.status == weir::ReadStatus::defaulted && stand_in->n == -1);
        support::expect(empty.status == weir::ReadStatus::stale && empty->n == 0 && empty.age == 18min - 1us);
        // [end]

        // [region many]
        const std::vector<std::uint64_t> users = {7, 8, 9};
        std::vector<weir::Lookup<Row>> results(users.size());
        pipeline.lookup_all(view, users, {.as_of = minute(63)}, std::span(results));
        // [end]
        support::expect(results[0]->n == 4 && results[2].status == weir::ReadStatus::defaulted);
      });
}

void hooks() {
  with_payments(
      [](const auto& keyed) {
        auto rows = keyed | weir::features<Row>("row",
            weir::rolling({.size = 1h, .precision = 1min}).compute(weir::count().as(&Row::n)));
        // [region when_stale]
        auto view = rows | weir::view("rows", {.max_age = 15min})
                               .when_stale([](weir::Lookup<Row>& read) { read.value.n_1h = read.value.n; });
        // [end]
        return view;
      },
      [](auto& pipeline, auto&, auto& view) {
        support::expect(pipeline.lookup(view, 7, {.as_of = minute(63)})->n_1h == 0);
        support::expect(pipeline.lookup(view, 7, {.as_of = minute(80)})->n_1h == 2);
      });
}

void gate() {
  with_payments(
      [](const auto& keyed) {
        auto rows = keyed | weir::features<Row>("row",
            weir::rolling({.size = 1h, .precision = 1min}).compute(weir::count().as(&Row::n)));
        // [region gate]
        auto view = rows | weir::view("rows").gate([](const Row& row) { return row.n < 1000; });
        // [end]
        return view;
      },
      [](auto& pipeline, auto& payments, auto& view) {
        support::expect(pipeline.lookup(view, 7)->n == 4);
        for (int i = 0; i < 1000; ++i) pipeline.push(payments, {7, 1, 10, minute(62)});
        support::expect(pipeline.lookup(view, 7).status == weir::ReadStatus::quarantined);
      });
}

void the_end() {
  with_payments(
      [](const auto& keyed) {
        return keyed | weir::features<Row>("row",
                   weir::rolling({.size = 1h, .precision = 1min}).compute(weir::count().as(&Row::n)))
                     | weir::view("rows");
      },
      [](auto& pipeline, auto&, auto& view) {
        // [region finish]
        support::expect(pipeline.finish().ok());
        auto last = pipeline.lookup(view, 7);  // what was known at the end stays readable
        support::expect(last.as_of == minute(62) + 1us && last->n == 4 && last.is_final());
        // [end]
      },
      10min);
}

}  // namespace

int main() {
  fraud();
  windows();
  shared();
  late();
  freshness();
  hooks();
  gate();
  the_end();
}
