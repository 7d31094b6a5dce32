#include <weir/shard/shard_set.hpp>

#include <algorithm>
#include <utility>

#include <weir/flow/definition.hpp>
#include <weir/flow/node_archive.hpp>

namespace weir::inline v0::detail {

namespace {

Wiring& wiring_of(const Pipeline& pipeline) { return PipelineAccess::core(pipeline).wiring(); }

absl::Status with_prefix(const std::string& prefix, const absl::Status& status) {
  return absl::Status(status.code(), prefix + ": " + std::string(status.message()));
}

/// Lets the readers of all shards hear of what passes through.
class Unwinding {
 public:
  explicit Unwinding(ShardSet& shards) : shards_(&shards) {}
  Unwinding(const Unwinding&) = delete;
  Unwinding& operator=(const Unwinding&) = delete;
  ~Unwinding() {
    if (shards_ != nullptr) shards_->refuse_reads();
  }
  void end() noexcept { shards_ = nullptr; }

 private:
  ShardSet* shards_;
};

}  // namespace

ShardExecutor::~ShardExecutor() = default;

ShardSet::ShardSet(const ShardedSpec& spec)
    : spec_(spec), map_(spec.graph.key_groups, spec.shards), front_graph_(spec.name, spec.graph) {}

absl::Status ShardSet::check() const {
  const std::uint32_t groups = spec_.graph.key_groups.count;
  if (spec_.shards >= 1 && spec_.shards <= std::max(groups, std::uint32_t{1})) return absl::OkStatus();
  return absl::InvalidArgumentError(spec_.name + ": shards (" + std::to_string(spec_.shards) +
                                    ") must be from 1 to the number of key groups (" +
                                    std::to_string(groups) + "); raise GraphSpec::key_groups for more");
}

absl::Status ShardSet::add_shard(Graph graph) {
  absl::StatusOr<Pipeline> built = std::move(graph).build();
  if (!built.ok()) return built.status();
  if (spec_.shards > 1) wiring_of(*built).own(map_.groups_of(shards_.size()));
  shards_.push_back({.pipeline = *std::move(built), .sources = {}});
  return absl::OkStatus();
}

absl::Status ShardSet::check_handles(std::size_t handles,
                                     absl::FunctionRef<const Wiring*(std::size_t)> wiring) const {
  for (std::size_t shard = 0; shard < handles; ++shard) {
    if (wiring(shard) == &wiring_of(shards_[shard].pipeline)) continue;
    return absl::InvalidArgumentError(
        spec_.name + ": a source that the definition gave for shard " + std::to_string(shard) +
        " belongs to another graph; return the handles of the graph it is given");
  }
  return absl::OkStatus();
}

absl::Status ShardSet::take_route(std::unique_ptr<RouteBase> route) {
  const auto is_same = [&](const auto& other) {
    return other->sources().front() == route->sources().front();
  };
  if (std::any_of(routes_.begin(), routes_.end(), is_same)) {
    return absl::InvalidArgumentError(
        route->front().name() + ": two routes say where its records go; give one route for each source");
  }
  routes_.push_back(std::move(route));
  return absl::OkStatus();
}

absl::Status ShardSet::check_routes() const {
  for (const SourceBase* source : PipelineAccess::core(shards_.front().pipeline).sources()) {
    const auto is_of_source = [source](const auto& route) { return route->sources().front() == source; };
    if (std::any_of(routes_.begin(), routes_.end(), is_of_source)) continue;
    return absl::InvalidArgumentError(
        source->name() +
        ": no route says which shard its records go to; give sharded() a weir::route(&Handles::source, key)");
  }
  return absl::OkStatus();
}

absl::Status ShardSet::check_definitions() const {
  const Wiring& first = wiring_of(shards_.front().pipeline);
  for (std::size_t shard = 1; shard < shards_.size(); ++shard) {
    const Wiring& other = wiring_of(shards_[shard].pipeline);
    std::size_t same = 0;
    while (same < std::min(first.nodes().size(), other.nodes().size()) &&
           first.nodes()[same]->name() == other.nodes()[same]->name() &&
           definition_at(first, *first.nodes()[same]) == definition_at(other, *other.nodes()[same]))
      ++same;
    if (same == first.nodes().size() && same == other.nodes().size()) continue;
    const Wiring& longer = same < first.nodes().size() ? first : other;
    return absl::InvalidArgumentError(
        longer.nodes()[same]->name() + ": shard " + std::to_string(shard) +
        " does not have the same as shard 0 here; the definition must attach the "
        "same operators in the same order for every shard");
  }
  return absl::OkStatus();
}

absl::Status ShardSet::check_state() const {
  if (shards_.size() == 1) return absl::OkStatus();
  for (const auto& node : wiring_of(shards_.front().pipeline).nodes()) {
    if (node->kept().kind != KeptState::Kind::whole) continue;
    return absl::InvalidArgumentError(
        node->name() + ": it keeps one state for the whole stream, and each of " +
        std::to_string(shards_.size()) +
        " shards would have one of its own; put it behind a key_by, or run one shard");
  }
  return absl::OkStatus();
}

absl::Status ShardSet::complete() {
  for (const auto& check : {&ShardSet::check_definitions, &ShardSet::check_routes, &ShardSet::check_state}) {
    if (absl::Status wrong = (this->*check)(); !wrong.ok()) return wrong;
  }
  std::sort(routes_.begin(), routes_.end(), [](const auto& a, const auto& b) {
    return Wiring::id(*a->sources().front()) < Wiring::id(*b->sources().front());
  });
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    routes_[i]->set_index(i);
    for (std::size_t shard = 0; shard < shards_.size(); ++shard)
      shards_[shard].sources.push_back(routes_[i]->sources()[shard]);
  }
  absl::StatusOr<Pipeline> front = std::move(front_graph_).build();
  if (!front.ok()) return front.status();
  front_ = std::make_unique<Pipeline>(*std::move(front));
  return absl::OkStatus();
}

RouteBase& ShardSet::route_of(const Node& source) const noexcept {
  std::size_t i = 0;
  while (i + 1 < routes_.size() && routes_[i]->sources().front() != &source) ++i;
  return *routes_[i];
}

absl::Status ShardSet::status() const { return failure_.ok() ? front().status() : failure_; }

absl::Status ShardSet::refusal(const char* call) const {
  return failure_.ok() ? front().refusal(call) : failure_;
}

bool ShardSet::begin(Round& round, RouteBase& route, std::size_t channel) const {
  const bool is_idle = route.front().is_idle_after(channel);
  if (round.route == route.index()) return !round.is_full && round.is_idle == is_idle;
  if (!round.is_empty()) return false;
  round.lots.resize(routes_.size() * shards_.size());
  for (std::size_t shard = 0; shard < shards_.size(); ++shard) {
    std::unique_ptr<LotBase>& lot = round.lots[route.index() * shards_.size() + shard];
    if (lot == nullptr) lot = route.make_lot();
  }
  round.route = route.index();
  round.is_idle = is_idle;
  return true;
}

absl::Status ShardSet::say(Round& round, absl::FunctionRef<absl::Status(PipelineCore&)> call) {
  round.tracks.resize(routes_.size());
  std::vector<std::uint64_t> regressions;
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    round.tracks[i].watermarks.clear();
    routes_[i]->tracker().write(&round.tracks[i]);
    regressions.push_back(routes_[i]->front().stats().regressions);
  }
  absl::Status status = call(front());
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    routes_[i]->tracker().write(nullptr);
    round.tracks[i].is_idle = routes_[i]->front().progress().is_idle;
    round.tracks[i].regressions = routes_[i]->front().stats().regressions - regressions[i];
  }
  round.then = Round::Then::time;
  return status;
}

absl::Status ShardSet::advance(Round& round, RouteBase& route, std::size_t channel, EventTime watermark) {
  if (absl::Status refused = refusal("advance"); !refused.ok() || front().is_finished()) return refused;
  return say(round, [&](PipelineCore& front) {
    return front.advance(&route.front_wiring(), route.front(), channel, watermark);
  });
}

absl::Status ShardSet::change(Round& round, RouteBase& route, std::size_t channel,
                              PipelineCore::ChannelChange change) {
  if (absl::Status refused = refusal("a channel change"); !refused.ok() || front().is_finished())
    return refused;
  return say(round, [&](PipelineCore& front) {
    return front.change(&route.front_wiring(), route.front(), channel, change);
  });
}

absl::Status ShardSet::tick(Round& round, WallTime now) {
  if (absl::Status refused = refusal("tick"); !refused.ok() || front().is_finished()) return refused;
  round.tick = now;
  return say(round, [now](PipelineCore& front) { return front.tick(now); });
}

absl::Status ShardSet::finish(Round& round) {
  if (absl::Status refused = refusal("finish"); !refused.ok() || front().is_finished()) return refused;
  absl::Status status = front().finish();
  round.then = Round::Then::finish;
  return status;
}

void ShardSet::follow_time(const Round& round, std::size_t shard) const {
  Wiring& wiring = wiring_of(shards_[shard].pipeline);
  if (round.tick.has_value()) wiring.set_now(*round.tick);
  for (std::size_t i = 0; i < round.tracks.size(); ++i) {
    SourceBase& source = *shards_[shard].sources[i];
    const Track& track = round.tracks[i];
    if (round.tick.has_value()) source.follow_clock(*round.tick);
    source.follow(wiring, track.watermarks);
    source.follow_idle(wiring, track.is_idle);
    if (shard == 0) source.stats().regressions += track.regressions;
  }
}

absl::Status ShardSet::apply(const Round& round, std::size_t shard) {
  PipelineCore& core = PipelineAccess::core(shards_[shard].pipeline);
  if (absl::Status refused = core.refusal("a round"); !refused.ok()) return refused;
  const LotBase* lot = nullptr;
  SourceBase* source = nullptr;
  if (round.route != Round::no_route) {
    lot = round.lots[round.route * shards_.size() + shard].get();
    source = shards_[shard].sources[round.route];
    if (lot->size() == 0 && round.watermarks.empty() && source->progress().is_idle == round.is_idle)
      lot = nullptr;
  }
  if (lot != nullptr || round.then == Round::Then::time) {
    PipelineCore::Call call(core, lot != nullptr ? lot->size() : 0);
    if (lot != nullptr) {
      source->follow_idle(core.wiring(), round.is_idle);
      routes_[round.route]->follow(core.wiring(), *source, *lot, round.watermarks);
    }
    if (round.then == Round::Then::time) follow_time(round, shard);
    call.complete();
  }
  if (!core.wiring().strayed().empty()) {
    return absl::FailedPreconditionError(
        core.wiring().strayed() +
        "; give route() the key by which everything behind its source is keyed, or run one shard");
  }
  return round.then == Round::Then::finish ? core.finish() : absl::OkStatus();
}

void ShardSet::take_failure(absl::Status status) {
  if (!failure_.ok() || status.ok()) return;
  failure_ = std::move(status);
  refuse_reads();
}

void ShardSet::refuse_reads() noexcept {
  for (const Shard& shard : shards_) wiring_of(shard.pipeline).refuse_reads();
}

void ShardSet::apply_all(Round& round) {
  applied_.resize(shards_.size());
  Unwinding unwinding(*this);
  const auto one = [&](std::size_t shard) { applied_[shard] = apply(round, shard); };
  if (executor_ != nullptr) {
    executor_->run(one);
  } else {
    for (std::size_t shard = 0; shard < shards_.size(); ++shard) one(shard);
  }
  unwinding.end();
  for (const absl::Status& status : applied_) take_failure(status);
  round.clear();
}

OperatorStats ShardSet::stats(std::string_view name) {
  OperatorStats sum = shards_.front().pipeline.stats(name);
  for (std::size_t shard = 1; shard < shards_.size(); ++shard) add(sum, shards_[shard].pipeline.stats(name));
  return sum;
}

absl::Status check_queue(const std::string& name, std::size_t queue) {
  if (queue >= 1 && queue <= 65536) return absl::OkStatus();
  return absl::InvalidArgumentError(name + ": queue (" + std::to_string(queue) +
                                    ") must be from 1 to 65536 batches; 16 is a good start");
}

void add(OperatorStats& sum, const OperatorStats& more) {
  sum.watermark = std::min(sum.watermark, more.watermark);
  for (const auto counter :
       {&OperatorStats::ingested,     &OperatorStats::applied,      &OperatorStats::partially_late,
        &OperatorStats::late,         &OperatorStats::duplicate,    &OperatorStats::rejected,
        &OperatorStats::unassigned,   &OperatorStats::emitted,      &OperatorStats::windows_missed,
        &OperatorStats::unemitted,    &OperatorStats::behind,       &OperatorStats::future,
        &OperatorStats::jumped,       &OperatorStats::regressions,  &OperatorStats::skipped_firings,
        &OperatorStats::no_timestamp, &OperatorStats::out_of_range, &OperatorStats::over_key_limit,
        &OperatorStats::conflicting,  &OperatorStats::evicted,      &OperatorStats::keys,
        &OperatorStats::state_bytes})
    sum.*counter += more.*counter;
  sum.features.resize(std::max(sum.features.size(), more.features.size()));
  for (std::size_t i = 0; i < more.features.size(); ++i) {
    sum.features[i].missing += more.features[i].missing;
    sum.features[i].nan += more.features[i].nan;
    sum.features[i].overflowed += more.features[i].overflowed;
  }
}

std::vector<SourceProgress> ShardSet::progress() const {
  std::vector<SourceProgress> progress;
  for (const auto& route : routes_) progress.push_back(route->front().progress());
  return progress;
}

absl::Status ShardSet::snapshot(std::size_t shard, const std::vector<SourceProgress>& progress,
                                const SnapshotSpec& spec, SnapshotSink sink) {
  const KeyGroupRange range = map_.groups_of(shard);
  SnapshotSpec part = spec;
  for (const std::uint32_t group : spec.groups) {
    if (range.has(group)) continue;
    return absl::InvalidArgumentError(
        spec_.name + ": groups (" + std::to_string(group) + ") is not of shard " + std::to_string(shard) +
        ", which has those from " + std::to_string(range.begin) + " to " + std::to_string(range.end - 1));
  }
  if (part.groups.empty()) {
    for (std::uint32_t group = range.begin; group < range.end; ++group) part.groups.push_back(group);
  }
  for (std::size_t i = 0; i < progress.size(); ++i) shards_[shard].sources[i]->set_progress(progress[i]);
  return shards_[shard].pipeline.snapshot(part, sink);
}

bool ShardSet::has_begun() const noexcept {
  return is_restored_ || front().is_finished() || front().now().has_value() ||
         front().wiring().epoch() != 0 || std::any_of(routes_.begin(), routes_.end(), [](const auto& route) {
           return route->front().stats().ingested != 0;
         });
}

absl::Status ShardSet::check_images(std::span<const std::string_view> images, const RestoreSpec& spec,
                                    std::vector<std::vector<std::uint32_t>>& groups) const {
  if (!spec.groups.empty()) {
    return absl::InvalidArgumentError(
        spec_.name + ": groups must be empty, because each shard takes those that are its own");
  }
  if (has_begun()) {
    return absl::FailedPreconditionError(
        spec_.name + ": restore() was called after the first record; restore right after it is built");
  }
  std::vector<bool> is_there(map_.groups().count, false);
  std::size_t finished = 0;
  for (std::size_t i = 0; i < images.size(); ++i) {
    const absl::StatusOr<SnapshotInfo> info = inspect(images[i]);
    if (!info.ok()) return with_prefix("image " + std::to_string(i), info.status());
    if (info->key_groups != map_.groups().count) {
      return absl::FailedPreconditionError(spec_.name + ": image " + std::to_string(i) + " has " +
                                           std::to_string(info->key_groups) + " key groups, and the shards " +
                                           std::to_string(map_.groups().count) +
                                           "; give GraphSpec the same key_groups");
    }
    finished += info->is_finished ? 1 : 0;
    groups.push_back(info->groups);
    for (const std::uint32_t group : info->groups) is_there[group] = true;
  }
  if (finished != 0 && finished != images.size()) {
    return absl::FailedPreconditionError(spec_.name + ": of " + std::to_string(images.size()) + " images " +
                                         std::to_string(finished) +
                                         " are finished and the others are not; take those of one instant");
  }
  const auto missing = std::find(is_there.begin(), is_there.end(), false);
  if (missing == is_there.end()) return absl::OkStatus();
  return absl::InvalidArgumentError(spec_.name + ": no image has key group " +
                                    std::to_string(missing - is_there.begin()) +
                                    "; give the images of all shards that were written at one instant");
}

absl::Status ShardSet::restore_shard(std::size_t shard, std::span<const std::string_view> images,
                                     const std::vector<std::vector<std::uint32_t>>& groups,
                                     const RestoreSpec& spec) {
  const KeyGroupRange range = map_.groups_of(shard);
  RestoreSpec part = spec;
  for (std::size_t i = 0; i < images.size(); ++i) {
    part.groups.clear();
    for (const std::uint32_t group : groups[i]) {
      if (range.has(group)) part.groups.push_back(group);
    }
    if (part.groups.empty()) continue;
    part.counters = spec.counters && range.has(groups[i].front());
    if (absl::Status status = shards_[shard].pipeline.restore(images[i], part); !status.ok())
      return with_prefix("image " + std::to_string(i), status);
  }
  return absl::OkStatus();
}

absl::Status ShardSet::restore_front() {
  std::vector<SourceProgress> all;
  for (const auto& route : routes_) {
    SourceProgress& known = all.emplace_back(route->sources().front()->progress());
    for (const SourceBase* source : route->sources()) {
      const SourceProgress& other = source->progress();
      if (other.reached != known.reached || !(other.merge == known.merge)) {
        return absl::FailedPreconditionError(
            source->name() + ": its watermark is " + std::to_string(ticks(known.reached)) +
            "us in one image and " + std::to_string(ticks(other.reached)) +
            "us in another, or those of its channels differ; take images of one instant");
      }
      for (std::size_t channel = 0; channel < known.channels.size(); ++channel) {
        ChannelProgress& one = known.channels[channel];
        one.newest = std::max(one.newest, other.channels[channel].newest);
        one.last_heard = std::max(one.last_heard, other.channels[channel].last_heard);
        one.was_heard = one.was_heard || other.channels[channel].was_heard;
      }
      if (other.now > known.now) {
        known.now = other.now;
        known.future_limit = other.future_limit;
      }
    }
  }
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    for (SourceBase* source : routes_[i]->sources()) source->set_progress(all[i]);
    routes_[i]->front().set_progress(all[i]);
  }
  if (const auto& now = wiring_of(shards_.front().pipeline).now()) front().wiring().set_now(*now);
  return absl::OkStatus();
}

absl::Status ShardSet::restore(std::span<const std::string_view> images, const RestoreSpec& spec) {
  if (absl::Status refused = refusal("restore"); !refused.ok()) return refused;
  std::vector<std::vector<std::uint32_t>> groups;
  if (absl::Status wrong = check_images(images, spec, groups); !wrong.ok()) return wrong;
  std::vector<FreshState> before;
  for (const Shard& shard : shards_) before.emplace_back(wiring_of(shard.pipeline));
  Unwinding unwinding(*this);
  PipelineCore::Call call(front(), 0);  // what is thrown poisons the front, and so all of them
  absl::Status status;
  for (std::size_t shard = 0; shard < shards_.size() && status.ok(); ++shard)
    status = restore_shard(shard, images, groups, spec);
  if (status.ok()) status = restore_front();
  for (std::size_t shard = 0; shard < shards_.size() && !status.ok(); ++shard)
    PipelineAccess::core(shards_[shard].pipeline).bring_back(before[shard]);
  is_restored_ = status.ok();
  call.complete();
  unwinding.end();
  const bool ends = status.ok() && PipelineAccess::core(shards_.front().pipeline).is_finished();
  return ends ? front().finish() : status;
}

}  // namespace weir::inline v0::detail
