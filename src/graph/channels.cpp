#include <weir/graph/channels.hpp>

#include <algorithm>
#include <utility>

namespace weir::inline v0::detail {

SourceBase::SourceBase(std::string name, SourceSettings settings)
    : Node(std::move(name), "source"),
      settings_(settings),
      progress_{.merge = WatermarkMerge(std::max<std::size_t>(1, settings.channels)),
                .channels = std::vector<ChannelProgress>(std::max<std::size_t>(1, settings.channels))} {}

SourceBase::~SourceBase() = default;

void SourceBase::set_progress(const SourceProgress& progress) { progress_ = progress; }

void SourceBase::check(Problems& problems) const {
  constexpr std::size_t most_channels = 65536;
  if (settings_.channels == 0 || settings_.channels > most_channels) {
    problems.add(name(), "channels (" + std::to_string(settings_.channels) + ") must be from 1 to 65536");
  }
  const auto positive = [&](const char* field, std::optional<Duration> value, const char* remedy) {
    if (value.has_value() && *value <= Duration::zero()) {
      problems.add(name(), std::string(field) + " (" + std::to_string(value->count()) +
                               "us) must be positive; " + remedy);
    }
  };
  positive("idle_after", settings_.idle_after, "leave it out for channels that are never idle");
  positive("max_jump", settings_.max_jump, "leave it out to let any record move the watermark");
  if (settings_.max_future_skew.has_value() && *settings_.max_future_skew < Duration::zero()) {
    problems.add(name(), "max_future_skew (" + std::to_string(settings_.max_future_skew->count()) +
                             "us) must not be negative; use std::nullopt to switch the guard off");
  }
}

void SourceBase::check_times(Problems& problems, bool is_set, EventTime earliest, EventTime latest) const {
  if (!is_set) problems.add(name(), "time is not set; give a member or a function, .time = &Record::at");
  if (earliest > latest) problems.add(name(), "earliest is after latest; swap them");
}

void SourceBase::describe_source(Description& out, std::string_view time) const {
  out.text("name", name());
  out.text("time", time);
}

void SourceBase::check_rule(Problems& problems, WatermarkKind kind, Duration bound, bool has_function) const {
  if (kind == WatermarkKind::trailing && bound < Duration::zero()) {
    problems.add(name(), "watermark (trailing " + std::to_string(bound.count()) +
                             "us) must not be negative; use trailing(0s) for ordered streams");
  }
  if (kind == WatermarkKind::punctuated && !has_function) {
    problems.add(name(), "watermark (punctuated) needs a function");
  }
}

bool SourceBase::jumps(std::size_t channel, EventTime moved) const noexcept {
  if (!settings_.max_jump.has_value()) return false;
  const EventTime present = progress_.merge.watermark(channel);
  return present != no_time && moved > later(present, *settings_.max_jump);
}

void SourceBase::catch_up(Wiring& wiring) {
  wiring.publish(*this);
  refresh_horizon(wiring);
}

void SourceBase::rise(Wiring& wiring, EventTime to) {
  if (to == end_of_time) catch_up(wiring);  // so that operators know how far it came
  progress_.reached = to;
  catch_up(wiring);
}

void SourceBase::settle(Wiring& wiring, bool has_risen) {
  if (has_risen) rise(wiring, progress_.merge.watermark());
  follow_idle(wiring, progress_.merge.is_idle());
}

void SourceBase::follow_idle(Wiring& wiring, bool is_idle) {
  if (is_idle == progress_.is_idle) return;
  progress_.is_idle = is_idle;
  catch_up(wiring);
  wiring.set_idle(*this, is_idle);
  refresh_horizon(wiring);
}

void SourceBase::follow(Wiring& wiring, std::span<const EventTime> watermarks) {
  if (horizon_epoch_ != wiring.epoch()) refresh_horizon(wiring);
  while (!watermarks.empty() && watermarks.back() >= horizon_) {
    const auto first = std::lower_bound(watermarks.begin(), watermarks.end(), horizon_);
    if (first != watermarks.begin()) progress_.reached = std::max(progress_.reached, *(first - 1));
    rise(wiring, std::max(progress_.reached, *first));
    watermarks = watermarks.subspan(static_cast<std::size_t>(first - watermarks.begin()) + 1);
  }
  if (!watermarks.empty()) progress_.reached = std::max(progress_.reached, watermarks.back());
}

bool SourceBase::advance_channel(Wiring& wiring, std::size_t channel, EventTime watermark) {
  if (watermark < progress_.merge.watermark(channel)) {
    ++stats().regressions;
    settle(wiring, progress_.merge.update(channel, watermark));
    return false;
  }
  settle(wiring, progress_.merge.update(channel, watermark));
  return true;
}

void SourceBase::set_idle(Wiring& wiring, std::size_t channel) {
  settle(wiring, progress_.merge.set_idle(channel));
}

void SourceBase::set_active(Wiring& wiring, std::size_t channel) {
  progress_.merge.set_active(channel);
  progress_.channels[channel].was_heard = true;
  settle(wiring, false);
}

void SourceBase::close(Wiring& wiring, std::size_t channel) {
  settle(wiring, progress_.merge.close(channel));
}

bool SourceBase::follow_clock(WallTime now) {
  if (progress_.now.has_value() && now <= *progress_.now) return false;
  progress_.now = now;
  if (settings_.max_future_skew.has_value()) {
    progress_.future_limit = later(event_time(now.time_since_epoch().count()), *settings_.max_future_skew);
  }
  return true;
}

void SourceBase::tick(Wiring& wiring, WallTime now) {
  const std::optional<WallTime> before = progress_.now;
  if (!follow_clock(now)) return;
  for (ChannelProgress& channel : progress_.channels) {
    if (std::exchange(channel.was_heard, false)) channel.last_heard = before;
  }
  for (std::size_t i = 0; i < progress_.channels.size(); ++i) {
    std::optional<WallTime>& heard = progress_.channels[i].last_heard;
    if (!heard.has_value()) heard = now;
    if (!settings_.idle_after.has_value()) continue;
    const std::int64_t silent =
        saturating_sub(now.time_since_epoch().count(), heard->time_since_epoch().count());
    if (silent >= settings_.idle_after->count()) set_idle(wiring, i);
  }
}

void SourceBase::finish(Wiring& wiring) {
  follow_idle(wiring, false);
  rise(wiring, end_of_time);
}

KeptState SourceBase::kept() const {
  return {.kind = KeptState::Kind::time, .layout = progress_.channels.size()};
}

void SourceBase::archive(NodeArchive& out) {
  out.own(progress_.merge, progress_.reached, progress_.future_limit, progress_.now, progress_.is_idle);
  for (ChannelProgress& channel : progress_.channels) out.own(channel);
  horizon_ = no_time;
  horizon_epoch_ = ~std::uint64_t{0};
}

void SourceBase::refresh(OperatorStats& stats) const {
  stats.watermark = progress_.reached;
  stats.applied = stats.ingested - stats.rejected;
  stats.emitted = stats.applied;
}

}  // namespace weir::inline v0::detail
