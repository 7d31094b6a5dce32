// Served = trained: on four real streams every read of an online run is made again from a history that came in another order,
// and has to be the same, bit for bit.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "../retail/payment.hpp"
#include "../web_sessions/hit.hpp"
#include "data.hpp"
#include "golden.hpp"

#include <weir/view/compare.hpp>
#include <weir/view/point_in_time.hpp>
#include <weir/weir.hpp>

namespace {

using namespace std::chrono_literals;
using support::grouped;

/// What all four streams come down to: someone, a number, when it happened and when it was known.
struct Event {
  std::uint64_t key = 0;
  double value = 0;
  weir::EventTime at{};
  weir::EventTime known{};
};
using Events = std::vector<Event>;

struct Row {
  std::int64_t count_10min = 0, count_6h = 0, count_7d = 0;
  double sum_10min = 0, sum_6h = 0, sum_7d = 0;
  double sd_10min = 0, sd_6h = 0, sd_7d = 0;
  double exact_mean = 0, exact_max = 0;
  double last_sd = 0;
  double ever = 0;
};
WEIR_FIELDS(Row, count_10min, count_6h, count_7d, sum_10min, sum_6h, sum_7d, sd_10min, sd_6h, sd_7d, exact_mean,
            exact_max, last_sd, ever);

struct Pipes {
  weir::Graph graph;
  weir::Source<Event> events;
  weir::View<std::uint64_t, Row> view;
};

Pipes build(weir::Duration bound) {
  weir::Graph graph{"skew"};
  auto events = graph.source<Event>("events", {.time = &Event::at, .watermark = weir::trailing(bound)});
  auto view =
      events | weir::key_by(&Event::key) |
      weir::features<Row>(
          {.name = "features", .retain = weir::for_ever},
          weir::rolling({{.size = 10min, .precision = 10s},
                         {.size = 6h, .precision = 10min},
                         {.size = 7 * 24h, .precision = weir::pre_cut(6h)}})
              .compute(weir::count().as(&Row::count_10min, &Row::count_6h, &Row::count_7d),
                       weir::sum(&Event::value).as(&Row::sum_10min, &Row::sum_6h, &Row::sum_7d),
                       weir::stddev(&Event::value).as(&Row::sd_10min, &Row::sd_6h, &Row::sd_7d)),
          weir::rolling({.size = 45min, .precision = weir::exact})
              .compute(weir::mean(&Event::value).as(&Row::exact_mean), weir::max(&Event::value).as(&Row::exact_max)),
          weir::rolling_records({.records = 16}).compute(weir::stddev(&Event::value).as(&Row::last_sd)),
          weir::rolling_lifetime().compute(weir::sum(&Event::value).as(&Row::ever))) |
      weir::view("view");
  return {std::move(graph), events, view};
}

using Label = weir::Label<std::uint64_t>;
using TrainingRow = weir::TrainingRow<std::uint64_t, Row>;

/// The online run: before each record its key is looked up as of that record, or as of when it became known.
std::vector<TrainingRow> serve(std::span<const Event> events, weir::Duration bound, bool by_knowledge,
                               std::vector<Label>& labels) {
  Pipes pipes = build(bound);
  weir::Pipeline pipeline = std::move(pipes.graph).build().value();
  std::vector<TrainingRow> rows;
  for (const Event& event : events) {
    const Label label{.key = event.key, .as_of = by_knowledge ? event.known : event.at, .known_at = event.known};
    const auto found = pipeline.lookup(pipes.view, label.key, {.as_of = label.as_of});
    rows.push_back({.label = rows.size(),
                    .key = label.key,
                    .as_of = label.as_of,
                    .status = found.status,
                    .event_time = found.event_time,
                    .value = *found});
    labels.push_back(label);
    pipeline.push(pipes.events, event);
  }
  return rows;
}

/// Delays each record by up to the bound.
Events shuffled(Events events, weir::Duration bound) {
  std::mt19937_64 random(7);
  for (Event& event : events) {
    event.known = event.at + weir::Duration(static_cast<std::int64_t>(
                                 random() % static_cast<std::uint64_t>(std::max<std::int64_t>(1, bound.count()))));
  }
  std::stable_sort(events.begin(), events.end(), [](const Event& a, const Event& b) { return a.known < b.known; });
  return events;
}

/// Gives each record an instant of its own, so that who asked first is no question of order.
void spread(Events& events, weir::EventTime Event::*instant) {
  std::stable_sort(events.begin(), events.end(),
                   [instant](const Event& a, const Event& b) { return a.*instant < b.*instant; });
  for (std::size_t at = 1; at < events.size(); ++at) {
    const weir::EventTime next = events[at - 1].*instant + weir::Duration{1};
    events[at].*instant = std::max(events[at].*instant, next);
  }
}

void check(const std::string& name, Events events, weir::Duration bound, bool by_knowledge, support::Golden& golden) {
  spread(events, by_knowledge ? &Event::known : &Event::at);
  std::vector<Label> labels;
  const std::vector<TrainingRow> served = serve(events, by_knowledge ? weir::Duration{48h} : weir::Duration{0},
                                                by_knowledge, labels);
  Pipes again = build(by_knowledge ? weir::Duration{48h} : bound);
  std::vector<TrainingRow> trained(labels.size());
  const Events history = by_knowledge ? events : shuffled(events, bound);
  const weir::PointInTimeSpec spec{.knowledge =
                                       by_knowledge ? weir::Knowledge::as_known : weir::Knowledge::all_on_time};
  const absl::Status done = weir::point_in_time(
      std::move(again.graph), again.view, labels, spec,
      [&](std::size_t label, const weir::Lookup<Row>& found) {
        trained[label] = {.label = label,
                          .key = labels[label].key,
                          .as_of = found.as_of,
                          .status = found.status,
                          .event_time = found.event_time,
                          .value = *found};
      },
      weir::history(again.events, history).known_at(&Event::known));
  golden.check(name + ", replayed", done.ok() ? 1 : 0, 1);
  const weir::SkewReport skew = weir::compare(trained, served);
  std::int64_t statuses = 0;
  for (std::size_t at = 0; at < served.size(); ++at) {
    statuses += served[at].status != trained[at].status || served[at].event_time != trained[at].event_time ? 1 : 0;
  }
  std::printf("%-24s %9s reads, %llu differ\n", name.c_str(), grouped(served.size()).c_str(),
              static_cast<unsigned long long>(skew.mismatched));
  golden.check(name + ", rows that differ", skew.mismatched, 0);
  golden.check(name + ", rows that are matched", skew.matched, served.size());
  golden.check(name + ", statuses that differ", statuses, 0);
}

template <class Record, class Convert>
Events converted(const absl::StatusOr<std::vector<Record>>& records, Convert convert) {
  Events events;
  for (const Record& record : records.value()) events.push_back(convert(record));
  return events;
}

/// in_time_s,out_time_s,...: a flight happened when it left, and was known when it arrived.
bool read_flight(const support::Cells& cells, Event& event) {
  std::int64_t known = 0, left = 0;
  if (!support::read_integer(cells[0], known) || !support::read_integer(cells[1], left)) return false;
  std::int32_t delay = 0;
  event = {.key = std::hash<std::string_view>{}(cells[5]),
           .value = support::read_integer(cells[12], delay) ? delay / 7.0 : 0,
           .at = weir::EventTime{std::chrono::seconds{left}},
           .known = weir::EventTime{std::chrono::seconds{known}}};
  return true;
}

/// event_time_us,context_tokens,generated_tokens
bool read_request(const support::Cells& cells, Event& event) {
  std::int64_t at = 0, context = 0, generated = 0;
  if (!support::read_integer(cells[0], at) || !support::read_integer(cells[1], context) ||
      !support::read_integer(cells[2], generated))
    return false;
  event = {.key = static_cast<std::uint64_t>(context) / 500,
           .value = std::sqrt(static_cast<double>(generated)),
           .at = weir::event_time(at)};
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const auto file = [&](const char* name) { return support::data_file(argc, argv, name); };
  support::Golden golden;
  check("online-retail",
        converted(load_payments(file("online-retail/online_retail.csv.gz")),
                  [](const Payment& payment) {
                    return Event{.key = payment.customer,
                                 .value = static_cast<double>(payment.milli_gbp) / 1000,
                                 .at = payment.at};
                  }),
        30min, false, golden);
  check("web-logs",
        converted(load_csv_hits(file("web-logs/nasa_1995_07.csv.gz")),
                  [](const Hit& hit) {
                    return Event{.key = hit.client, .value = std::log1p(static_cast<double>(hit.bytes.value_or(0))), .at = hit.at};
                  }),
        1h, false, golden);
  const auto requests = support::read_csv<Event>(file("llm-inference/conversation.csv.gz"), 3, read_request);
  check("llm-inference", requests.value(), 5s, false, golden);
  const auto flights = support::read_csv<Event>(file("flights-houston-2011/flights.csv.gz"), 13, read_flight);
  check("flights, as known", flights.value(), 48h, true, golden);
  return golden.exit_code();
}
