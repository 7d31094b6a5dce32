#include <utility>

#include <weir/weir.hpp>

#include "mapping.hpp"
#include "subject.hpp"

/// \file
/// `dedup`, and `ttl_state` as a custom operator whose State is retained.

namespace conformance {
namespace {

/// What both do with clocks and snapshots.
class KeyedSubject : public Subject {
 public:
  KeyedSubject(const Operator& op, Host& host) : Subject(host), op_(op) {}

  [[nodiscard]] std::string start() {
    return ask([&] { return make_pipeline(); });
  }
  [[nodiscard]] Outcome apply(const Step& step) override {
    Outcome outcome;
    absl::Status status = absl::OkStatus();
    switch (step.action) {
      case Step::Action::watermark:
        status = ask([&] { return advance(watermark_of(step.number)); });
        break;
      case Step::Action::clock:
        status = ask([&] { return pipeline_->tick(weir::WallTime{weir::Duration{step.number}}); });
        break;
      case Step::Action::snapshot_restore:
      case Step::Action::keep_snapshot:
      case Step::Action::go_back:
        status = take_snapshot(step);
        break;
      default:
        if (!take(step, outcome)) outcome.error = "the operator has no such action";
        break;
    }
    outcome.emissions = std::exchange(emissions_, {});
    if (status.ok()) status = ask([&] { return pipeline_->status(); });
    if (!status.ok()) outcome.error = std::string(status.message());
    return outcome;
  }
  [[nodiscard]] std::string accounting_error() const override {
    for (const std::string& name : ask([&] { return pipeline_->names(); })) {
      if (!ask([&] { return pipeline_->stats(name).conserves(); }))
        return name + ": the counters do not balance";
    }
    return {};
  }

 protected:
  [[nodiscard]] virtual absl::Status advance(weir::EventTime to) = 0;
  /// False if there is no such step.
  [[nodiscard]] virtual bool take(const Step& step, Outcome& outcome) = 0;

  [[nodiscard]] std::string build(weir::Graph graph) {
    auto pipeline = std::move(graph).build();
    if (!pipeline.ok()) return std::string(pipeline.status().message());
    pipeline_.emplace(*std::move(pipeline));
    return {};
  }
  /// The largest number of the corpus means what `for_ever` says.
  [[nodiscard]] weir::Duration ttl() const { return weir::Duration{op_.ttl}; }

  Operator op_;
  std::vector<Emission> emissions_;
};

class DedupSubject final : public KeyedSubject {
 public:
  using KeyedSubject::KeyedSubject;

  [[nodiscard]] std::optional<std::uint64_t> late_dropped() const override {
    return ask([&] { return pipeline_->stats("dedup").late; });
  }

 private:
  [[nodiscard]] std::string make_pipeline() override {
    weir::Graph graph{"conformance"};
    source_ = graph.source<Record>(
        "events", {.time = &Record::at, .watermark = weir::host_driven(), .max_future_skew = std::nullopt});
    *source_ |
        weir::dedup({.name = "dedup",
                     .within = ttl(),
                     .clock = op_.by_event_time ? weir::Clock::event : weir::Clock::wall,
                     .refresh = op_.refresh_on_duplicate},
                    &Record::key) |
        weir::sink("passed", [this](const Record& record) {
          host().visit();
          Emission emission;
          emission.kind = Emission::Kind::record;
          emission.key = record.key;
          emission.at = weir::ticks(record.at);
          emission.value = record.value;
          emissions_.push_back(std::move(emission));
        });
    return build(std::move(graph));
  }
  [[nodiscard]] absl::Status advance(weir::EventTime to) override { return pipeline_->advance(*source_, to); }
  [[nodiscard]] bool take(const Step& step, Outcome& outcome) override {
    if (step.action != Step::Action::event) return false;
    batch_.push_back(record_of(step.event));
    if (step.event.with_next) return true;
    const std::span<const Record> batch(batch_);
    outcome.rejected = ask([&] { return pipeline_->push(*source_, batch); }).rejected != 0;
    batch_.clear();
    return true;
  }

  std::optional<weir::Source<Record>> source_;
  std::vector<Record> batch_;
};

/// A question to a key's state, or what it is to be; nothing: it is removed.
struct Access {
  std::string key;
  bool is_read = false;
  std::optional<std::string> value = std::nullopt;
  weir::EventTime at{};
};

struct ValueState {
  struct State {
    std::optional<std::string> value;
    std::int64_t writes = 0;  // a value that is written again is written
    friend bool operator==(const State&, const State&) = default;
  };
  void process(State& state, const Access& access, weir::Out<Access>& out) const {
    if (access.is_read) return out.emit({.key = access.key, .is_read = true, .value = state.value});
    if (!access.value) {
      state = {};
    } else {
      state = {.value = access.value, .writes = state.writes + 1};
    }
  }
};

class TtlSubject final : public KeyedSubject {
 public:
  using KeyedSubject::KeyedSubject;

 private:
  [[nodiscard]] std::string make_pipeline() override {
    weir::Graph graph{"conformance"};
    source_ = graph.source<Access>(
        "accesses", {.time = &Access::at, .watermark = weir::host_driven(), .max_future_skew = std::nullopt});
    const bool is_kept = ttl() == weir::for_ever;
    *source_ | weir::key_by(&Access::key) |
        weir::each({.name = "state",
                    .retain = ttl(),
                    .refresh = op_.refresh_on_read ? weir::Refresh::on_record : weir::Refresh::on_change,
                    .clock = is_kept ? weir::Clock::event : weir::Clock::wall},
                   ValueState{}) |
        weir::sink("read", [this](const Access& access) {
          host().visit();
          Emission emission;
          emission.kind = Emission::Kind::reading;
          emission.key = access.key;
          emission.read = access.value.value_or("null");
          emissions_.push_back(std::move(emission));
        });
    return build(std::move(graph));
  }
  [[nodiscard]] absl::Status advance(weir::EventTime to) override { return pipeline_->advance(*source_, to); }
  [[nodiscard]] bool take(const Step& step, Outcome& outcome) override {
    Access access{.key = step.event.key};
    if (step.action == Step::Action::put) {
      access.value = step.written;
    } else if (step.action == Step::Action::get) {
      access.is_read = true;
    } else if (step.action != Step::Action::remove) {
      return false;
    }
    outcome.rejected = ask([&] { return pipeline_->push(*source_, access); }) == weir::Admit::rejected;
    return true;
  }

  std::optional<weir::Source<Access>> source_;
};

template <class Type>
Built start(const Case& conformance_case, Setup setup) {
  auto subject = std::make_unique<Type>(conformance_case.op, *setup.host);
  std::string error = subject->start();
  if (!error.empty()) return {nullptr, std::move(error)};
  return {std::move(subject), {}};
}

}  // namespace

Built build_dedup(const Case& conformance_case, Setup setup) {
  return start<DedupSubject>(conformance_case, setup);
}
Built build_ttl_state(const Case& conformance_case, Setup setup) {
  return start<TtlSubject>(conformance_case, setup);
}

}  // namespace conformance
