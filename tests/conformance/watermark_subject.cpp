#include <algorithm>
#include <limits>
#include <utility>

#include <weir/weir.hpp>

#include "mapping.hpp"
#include "subject.hpp"

/// \file
/// `watermark_generator` and `watermark_merge`: a source, watched through the pipeline's watermark and
/// idleness.

namespace conformance {
namespace {

constexpr std::int64_t last_watermark = std::numeric_limits<std::int64_t>::max();

Emission watermark_emission(weir::EventTime watermark, std::int64_t at_the_end) {
  Emission emission;
  emission.kind = Emission::Kind::watermark;
  emission.at = inclusive(watermark, at_the_end);
  return emission;
}

Emission status_emission(bool is_idle) {
  Emission emission;
  emission.kind = is_idle ? Emission::Kind::idle : Emission::Kind::active;
  return emission;
}

/// Turns what can be seen now into emissions: only what changed since it was last looked at comes out.
class Watch {
 public:
  void look_at_watermark(weir::EventTime watermark, std::vector<Emission>& out) {
    if (watermark <= seen_) return;
    seen_ = watermark;
    out.push_back(watermark_emission(watermark, at_the_end_));
  }
  void set_at_the_end(std::int64_t inclusive_watermark) { at_the_end_ = inclusive_watermark; }
  void look_at_status(bool is_idle, std::vector<Emission>& out) {
    if (std::exchange(is_idle_, is_idle) != is_idle) out.push_back(status_emission(is_idle));
  }

 private:
  // A watermark one tick above "none" says that nothing at "no timestamp" comes any more: nobody emits that.
  weir::EventTime seen_ = weir::later(weir::no_time, weir::Duration{1});
  bool is_idle_ = false;
  std::int64_t at_the_end_ = last_watermark - 1;
};

/// A source without windows behind it, so that the source itself is what is watched.
class Generator final : public Subject {
 public:
  using Subject::Subject;

  [[nodiscard]] std::string start(const Operator& op) {
    Operator checked = op;
    if (!op.strategy) return "no strategy";
    if (std::string error = unmappable(checked); !error.empty()) return error;
    emits_at_ticks_ = op.strategy->type != "punctuated";
    if (!emits_at_ticks_) watch_.set_at_the_end(last_watermark);
    op_ = op;
    return ask([&] { return make_pipeline(); });
  }

  [[nodiscard]] Outcome apply(const Step& step) override {
    Outcome outcome;
    absl::Status status = absl::OkStatus();
    switch (step.action) {
      case Step::Action::event:
        outcome.rejected = push(record_of(step.event)) == weir::Admit::rejected;
        watch_.look_at_status(pipeline_->is_idle(*source_), outcome.emissions);
        break;
      case Step::Action::tick:
        watch_.look_at_status(pipeline_->is_idle(*source_), outcome.emissions);
        break;
      // weir learns the time by its tick alone; what the tick does shows at the corpus's next `tick`.
      case Step::Action::clock:
        status = ask([&] { return pipeline_->tick(weir::WallTime{weir::Duration{step.number}}); });
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
    // weir's watermark moves with the record; the corpus looks at it once per tick.
    if (step.action == Step::Action::tick || !emits_at_ticks_) {
      watch_.look_at_watermark(pipeline_->watermark(*source_), outcome.emissions);
    }
    if (status.ok()) status = ask([&] { return pipeline_->status(); });
    if (!status.ok()) outcome.error = std::string(status.message());
    return outcome;
  }

 private:
  [[nodiscard]] std::string make_pipeline() override {
    weir::Graph graph{"conformance"};
    source_ = graph.source<Record>("events", {.time = &Record::at,
                                              .watermark = rule_of(op_.strategy),
                                              .idle_after = idle_after_of(op_.idle_timeout),
                                              .max_future_skew = std::nullopt});
    *source_ | weir::sink("events_out", [this](const Record&) { host().visit(); });
    auto pipeline = std::move(graph).build();
    if (!pipeline.ok()) return std::string(pipeline.status().message());
    pipeline_.emplace(*std::move(pipeline));
    return {};
  }

  [[nodiscard]] weir::Admit push(const Record& record) {
    return ask([&] { return pipeline_->push(*source_, record); });
  }

  Operator op_;
  bool emits_at_ticks_ = true;
  std::optional<weir::Source<Record>> source_;
  Watch watch_;
};

/// Every input is a channel of one source; `WatermarkMerge` by itself has to agree at every step.
class Merge final : public Subject {
 public:
  Merge(const Operator& op, Host& host) : Subject(host), inputs_(op.inputs) {}

  [[nodiscard]] std::string start() {
    if (inputs_.empty()) return "no inputs";
    alone_.emplace(inputs_.size());
    return ask([&] { return make_pipeline(); });
  }

  [[nodiscard]] Outcome apply(const Step& step) override {
    Outcome outcome;
    if (step.action == Step::Action::snapshot_restore) {
      if (const absl::Status status = take_snapshot(step); !status.ok())
        outcome.error = std::string(status.message());
      return outcome;
    }
    const auto input = std::find(inputs_.begin(), inputs_.end(), step.input);
    if (input == inputs_.end()) {
      outcome.error = "no input \"" + step.input + "\"";
      return outcome;
    }
    const auto index = static_cast<std::size_t>(input - inputs_.begin());
    const absl::Status status = ask([&] { return drive(index, step); });
    if (!status.ok()) outcome.error = std::string(status.message());
    watch_.look_at_watermark(pipeline_->watermark(*source_), outcome.emissions);
    watch_.look_at_status(pipeline_->is_idle(*source_), outcome.emissions);
    if (alone_->watermark() != pipeline_->watermark(*source_) ||
        alone_->is_idle() != pipeline_->is_idle(*source_)) {
      outcome.error = "WatermarkMerge and the channels of a source differ";
    }
    return outcome;
  }

 private:
  [[nodiscard]] std::string make_pipeline() override {
    weir::Graph graph{"conformance"};
    source_ = graph.source<Record>("inputs", {.time = &Record::at,
                                              .watermark = weir::host_driven(),
                                              .channels = inputs_.size(),
                                              .max_future_skew = std::nullopt});
    *source_ | weir::sink("inputs_out", [this](const Record&) { host().visit(); });
    auto pipeline = std::move(graph).build();
    if (!pipeline.ok()) return std::string(pipeline.status().message());
    pipeline_.emplace(*std::move(pipeline));
    return {};
  }

  [[nodiscard]] absl::Status drive(std::size_t input, const Step& step) {
    const weir::Channel<Record> channel = source_->channel(input);
    if (step.action == Step::Action::input_watermark) {
      if (step.number == last_watermark) watch_.set_at_the_end(last_watermark);
      alone_->update(input, watermark_of(step.number));
      return pipeline_->advance(channel, watermark_of(step.number));
    }
    if (step.status == "idle") {
      alone_->set_idle(input);
      return pipeline_->set_idle(channel);
    }
    if (step.status == "active") {
      alone_->set_active(input);
      return pipeline_->set_active(channel);
    }
    if (step.status == "done") {
      alone_->close(input);
      return pipeline_->close(channel);
    }
    return absl::InvalidArgumentError("the operator has no such action");
  }

  std::vector<std::string> inputs_;
  std::optional<weir::WatermarkMerge> alone_;
  std::optional<weir::Source<Record>> source_;
  Watch watch_;
};

}  // namespace

Built build_generator(const Case& conformance_case, Setup setup) {
  auto generator = std::make_unique<Generator>(*setup.host);
  std::string error = generator->start(conformance_case.op);
  if (!error.empty()) return {nullptr, std::move(error)};
  return {std::move(generator), {}};
}

Built build_merge(const Case& conformance_case, Setup setup) {
  auto merge = std::make_unique<Merge>(conformance_case.op, *setup.host);
  std::string error = merge->start();
  if (!error.empty()) return {nullptr, std::move(error)};
  return {std::move(merge), {}};
}

}  // namespace conformance
