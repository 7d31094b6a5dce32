#include <algorithm>
#include <limits>
#include <map>
#include <span>
#include <utility>

#include <weir/weir.hpp>

#include "mapping.hpp"
#include "subject.hpp"

/// \file
/// `window` and `count_window`: a source, `key_by`, windows, one row of all aggregates, a sink each for rows
/// and late notices.

namespace conformance {
namespace {

/// Every aggregate of the corpus; each case looks at those it asks for.
struct Row {
  std::int64_t count = 0;
  std::int64_t sum = 0;
  std::optional<std::int64_t> min;
  std::optional<std::int64_t> max;
  std::optional<double> mean;
  std::optional<std::int64_t> first;
  std::optional<std::int64_t> last;
  std::vector<std::int64_t> list;
};

/// All values of a window.
struct ListOf {
  Host* host;

  struct State {
    std::vector<std::int64_t> values;
  };
  void add(State& state, std::int64_t value) const {
    host->visit();
    state.values.push_back(value);
  }
  void merge(State& state, const State& other) const {
    host->visit();
    state.values.insert(state.values.end(), other.values.begin(), other.values.end());
  }
  std::vector<std::int64_t> result(const State& state) const {
    host->visit();
    return state.values;
  }
};
static_assert(weir::Aggregator<ListOf, std::int64_t>);

template <class Number>
Value value_of(const std::optional<Number>& number) {
  if (!number) return {};
  return *number;
}

Value value_of(const Row& row, const std::string& aggregate) {
  if (aggregate == "count") return row.count;
  if (aggregate == "sum") return row.sum;
  if (aggregate == "min") return value_of(row.min);
  if (aggregate == "max") return value_of(row.max);
  if (aggregate == "mean") return value_of(row.mean);
  if (aggregate == "first") return value_of(row.first);
  if (aggregate == "last") return value_of(row.last);
  std::vector<std::int64_t> list = row.list;
  std::sort(list.begin(), list.end());
  return list;
}

/// What came out since it was last asked, and the late notices of the whole case.
struct Collector {
  const Operator* op = nullptr;
  Host* host = nullptr;
  std::vector<Emission> emissions;
  std::uint64_t late_events = 0;
  std::uint64_t windows_missed = 0;

  void take(const weir::Windowed<std::string, Row>& row) {
    host->visit();
    Emission emission;
    emission.key = row.key;
    for (const std::string& name : op->aggregates) emission.aggs.emplace(name, value_of(row.value, name));
    const bool is_timed = op->type == "window";
    if (is_timed) emission.timing = text_of(row.pane.timing);
    if (is_timed && op->panes) emission.pane = row.pane.index;
    if (is_timed && op->assigner.type != "global") {
      emission.start = weir::ticks(row.window.start);
      emission.end = weir::ticks(row.window.end);
    }
    emissions.push_back(std::move(emission));
  }

  void take(const weir::Late<Record>& late) {
    host->visit();
    windows_missed += late.windows_missed;
    if (late.windows_hit != 0) return;
    ++late_events;
    if (!op->late_to_side) return;
    Emission emission;
    emission.kind = Emission::Kind::late;
    emission.key = late.record.key;
    emission.at = weir::ticks(late.record.at);
    emission.value = late.record.value;
    emissions.push_back(std::move(emission));
  }
};

template <class Shape>
void attach(const weir::Stream<Record>& stream, Shape shape, const std::string& name, Collector& collector) {
  // clang-format off
  auto rows = stream | weir::key_by(&Record::key) | std::move(shape) | weir::aggregate<Row>(name,
      weir::count()                         .as(&Row::count),
      weir::sum(&Record::value)             .as(&Row::sum),
      weir::min(&Record::value)             .as(&Row::min),
      weir::max(&Record::value)             .as(&Row::max),
      weir::mean(&Record::value)            .as(&Row::mean),
      weir::first(&Record::value)           .as(&Row::first),
      weir::last(&Record::value)            .as(&Row::last),
      weir::with(ListOf{collector.host}, &Record::value).as(&Row::list));
  // clang-format on
  rows | weir::sink(name + "_rows",
                    [&collector](const weir::Windowed<std::string, Row>& row) { collector.take(row); });
  if constexpr (requires { rows.late(); }) {
    rows.late() |
        weir::sink(name + "_late", [&collector](const weir::Late<Record>& late) { collector.take(late); });
  }
}

/// Specs of the case's windows. Each kind takes what it knows of the same options.
struct Specs {
  const Assigner& by;
  weir::Grace grace;
  weir::Emission emit;
  weir::Accumulation panes;
  weir::SessionLateness judged;

  explicit Specs(const Case& from)
      : by(from.op.assigner),
        grace(weir::Duration{from.op.allowed_lateness}),
        emit(emission_of(from)),
        panes(from.op.discarding ? weir::discarding : weir::accumulating),
        judged(from.semantics == "beam" ? weir::SessionLateness::before_merging
                                        : weir::SessionLateness::after_merging) {}

  [[nodiscard]] weir::TumblingSpec tumbling() const {
    return {.size = weir::Duration{by.size},
            .offset = weir::Duration{by.offset},
            .grace = grace,
            .emit = emit,
            .panes = panes};
  }
  [[nodiscard]] weir::SlidingSpec sliding() const {
    return {.size = weir::Duration{by.size},
            .every = weir::Duration{by.slide},
            .offset = weir::Duration{by.offset},
            .grace = grace,
            .emit = emit,
            .panes = panes};
  }
  [[nodiscard]] weir::CumulatingSpec cumulating() const {
    return {.size = weir::Duration{by.size},
            .step = weir::Duration{by.step},
            .offset = weir::Duration{by.offset},
            .grace = grace,
            .emit = emit,
            .panes = panes};
  }
  [[nodiscard]] weir::SessionSpec session() const {
    return {.gap = weir::Duration{by.gap},
            .touching = by.merge_touching ? weir::Touching::merge : weir::Touching::separate,
            .judged = judged,
            .grace = grace,
            .emit = emit,
            .panes = panes};
  }
  [[nodiscard]] weir::CountSpec count() const {
    return {.size = static_cast<std::uint32_t>(by.size),
            .every = static_cast<std::uint32_t>(by.slide),
            .partial = by.partial};
  }
};

/// Attaches the windows of the case; returns what is not known about them.
std::string attach_windows(const Case& conformance_case, const weir::Stream<Record>& stream,
                           const std::string& name, Collector& collector) {
  const Specs specs(conformance_case);
  const Assigner& by = specs.by;
  const auto add = [&](auto shape) { attach(stream, std::move(shape), name, collector); };
  if (by.type == "tumbling") {
    add(weir::tumbling(specs.tumbling()));
  } else if (by.type == "sliding") {
    add(weir::sliding(specs.sliding()));
  } else if (by.type == "cumulative") {
    add(weir::cumulating(specs.cumulating()));
  } else if (by.type == "session" && by.gap_field.empty()) {
    add(weir::session(specs.session()));
  } else if (by.type == "session") {
    add(weir::session(specs.session()).gap_from(&Record::gap));
  } else if (by.type == "global") {
    add(weir::lifetime({.emit = specs.emit, .panes = specs.panes}));
  } else if (by.type == "count") {
    add(weir::count_windows(specs.count()));
  } else {
    return "assigner \"" + by.type + "\" is not known";
  }
  return {};
}

bool has_events_after_the_end(const std::vector<Step>& steps) {
  bool is_after = false;
  for (const Step& step : steps) {
    if (is_after && step.action == Step::Action::event) return true;
    is_after |=
        step.action == Step::Action::watermark && step.number == std::numeric_limits<std::int64_t>::max();
  }
  return false;
}

class Windows final : public Subject {
 public:
  Windows(const Case& conformance_case, Setup setup)
      : Subject(*setup.host),
        case_(conformance_case),
        op_(conformance_case.op),
        in_two_(setup.in_two_operators),
        has_events_after_the_end_(has_events_after_the_end(conformance_case.steps)) {
    collector_.op = &op_;
    collector_.host = setup.host;
  }

  /// Builds the pipeline; returns why it cannot be built.
  [[nodiscard]] std::string start();

  [[nodiscard]] Outcome apply(const Step& step) override;
  [[nodiscard]] std::optional<std::uint64_t> late_dropped() const override;
  [[nodiscard]] std::string accounting_error() const override;

 private:
  [[nodiscard]] std::string make_pipeline() override;
  [[nodiscard]] std::vector<std::uint64_t*> counters() override {
    return {&collector_.late_events, &collector_.windows_missed};
  }
  void push(const Event& event, Outcome& outcome);
  [[nodiscard]] absl::Status advance(std::int64_t watermark);
  [[nodiscard]] std::optional<std::uint64_t> live_windows() const;
  /// Records that the operator refused, such as those of a session without a gap.
  [[nodiscard]] std::uint64_t rejected() const;
  [[nodiscard]] std::vector<std::string> names() const;

  Case case_;
  Operator op_;
  bool in_two_;
  Collector collector_;
  std::optional<weir::Source<Record>> source_;
  std::vector<Record> batch_;
  std::map<std::string, bool> half_of_key_;
  bool has_events_after_the_end_;  ///< then the end is a watermark: after finish() there are no records, late
                                   ///< or not
};

std::string Windows::start() {
  std::string error = unmappable(op_);
  return error.empty() ? ask([&] { return make_pipeline(); }) : error;
}

std::string Windows::make_pipeline() {
  std::string error;
  weir::Graph graph{"conformance"};
  source_ = graph.source<Record>("events", {.time = &Record::at,
                                            .watermark = rule_of(op_.strategy),
                                            .idle_after = idle_after_of(op_.idle_timeout),
                                            .max_future_skew = std::nullopt});
  const weir::Stream<Record> events = *source_;
  if (in_two_) {
    const auto is_first = [](const Record& record) { return !record.is_in_second_half; };
    const auto is_second = [](const Record& record) { return record.is_in_second_half; };
    error = attach_windows(case_, events | weir::filter(is_first), "windows", collector_);
    if (error.empty())
      error = attach_windows(case_, events | weir::filter(is_second), "windows_2", collector_);
  } else {
    error = attach_windows(case_, events, "windows", collector_);
  }
  if (!error.empty()) return error;
  auto pipeline = std::move(graph).build();
  if (!pipeline.ok()) return std::string(pipeline.status().message());
  pipeline_.emplace(*std::move(pipeline));
  return {};
}

std::vector<std::string> Windows::names() const {
  if (in_two_) return {"windows", "windows_2"};
  return {"windows"};
}

void Windows::push(const Event& event, Outcome& outcome) {
  Record record = record_of(event);
  const auto [half, is_new] = half_of_key_.try_emplace(event.key, half_of_key_.size() % 2 == 1);
  record.is_in_second_half = half->second;
  batch_.push_back(std::move(record));
  if (event.with_next) return;
  const std::uint64_t rejected_before = rejected();
  if (batch_.size() == 1) {
    outcome.rejected =
        ask([&] { return pipeline_->push(*source_, batch_.front()); }) == weir::Admit::rejected;
  } else {
    const std::span<const Record> batch(batch_);
    outcome.rejected = ask([&] { return pipeline_->push(*source_, batch); }).rejected != 0;
  }
  outcome.rejected |= rejected() != rejected_before;
  batch_.clear();
}

std::uint64_t Windows::rejected() const {
  std::uint64_t rejected = 0;
  for (const std::string& name : names()) {
    rejected += ask([&] { return pipeline_->stats(name).rejected; });
  }
  return rejected;
}

absl::Status Windows::advance(std::int64_t watermark) {
  constexpr std::int64_t last = std::numeric_limits<std::int64_t>::max();
  if (watermark == last && !has_events_after_the_end_) return pipeline_->finish();
  weir::EventTime to = watermark_of(watermark);
  // Only the very last watermark ends a window without end; in weir the last two are the same.
  if (op_.assigner.type == "global" && watermark == last - 1) to = weir::event_time(last - 1);
  return pipeline_->advance(*source_, to);
}

Outcome Windows::apply(const Step& step) {
  Outcome outcome;
  absl::Status status = absl::OkStatus();
  switch (step.action) {
    case Step::Action::event:
      push(step.event, outcome);
      break;
    case Step::Action::watermark:
      status = ask([&] { return advance(step.number); });
      break;
    case Step::Action::clock:
      status = ask([&] { return pipeline_->tick(weir::WallTime{weir::Duration{step.number}}); });
      break;
    case Step::Action::tick:
      break;
    case Step::Action::snapshot_restore:
    case Step::Action::keep_snapshot:
    case Step::Action::go_back:
      status = take_snapshot(step);
      break;
    default:
      outcome.error = "the operator has no such action";
      break;
  }
  outcome.emissions = std::exchange(collector_.emissions, {});
  outcome.live_windows = live_windows();
  if (status.ok()) status = ask([&] { return pipeline_->status(); });
  if (!status.ok()) outcome.error = std::string(status.message());
  return outcome;
}

std::optional<std::uint64_t> Windows::late_dropped() const {
  if (op_.late_to_side) return 0;
  const bool closes_at_end =
      op_.trigger.type == "after_watermark" && op_.trigger.late == Trigger::Late::closed;
  return closes_at_end ? collector_.windows_missed : collector_.late_events;
}

std::optional<std::uint64_t> Windows::live_windows() const {
  // The corpus does not say what a window of records by arrival is before it is full.
  if (op_.type != "window") return std::nullopt;
  std::uint64_t live = 0;
  for (const std::string& name : names()) live += ask([&] { return pipeline_->live_windows(name); });
  return live;
}

std::string Windows::accounting_error() const {
  std::uint64_t late = 0;
  for (const std::string& name : names()) {
    if (!ask([&] { return pipeline_->stats(name).conserves(); })) {
      return name + ": the counters of the operator do not balance";
    }
    late += ask([&] { return pipeline_->stats(name).late; });
  }
  if (!ask([&] { return pipeline_->stats("events").conserves(); }))
    return "the counters of the source do not balance";
  return late == collector_.late_events ? "" : "the counter of late records differs from the late notices";
}

}  // namespace

Built build_windows(const Case& conformance_case, Setup setup) {
  auto windows = std::make_unique<Windows>(conformance_case, setup);
  std::string error = windows->start();
  if (!error.empty()) return {nullptr, std::move(error)};
  return {std::move(windows), {}};
}

}  // namespace conformance
