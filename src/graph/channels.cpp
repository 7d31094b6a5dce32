#include <weir/graph/channels.hpp>

#include <algorithm>
#include <utility>

namespace weir::inline v0::detail {

SourceBase::SourceBase(std::string name, SourceSettings settings)
    : Node(std::move(name), "source"),
      settings_(settings),
      merge_(std::max<std::size_t>(1, settings.channels)),
      channels_(std::max<std::size_t>(1, settings.channels)) {}

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
  const EventTime present = merge_.watermark(channel);
  return present != no_time && moved > later(present, *settings_.max_jump);
}

void SourceBase::catch_up(Wiring& wiring) {
  wiring.publish(*this);
  refresh_horizon(wiring);
}

void SourceBase::settle(Wiring& wiring, bool has_risen) {
  if (has_risen) {
    if (merge_.watermark() == end_of_time) catch_up(wiring);  // so that operators know how far it came
    reached_ = merge_.watermark();
    catch_up(wiring);
  }
  if (merge_.is_idle() != was_idle_) {
    was_idle_ = merge_.is_idle();
    catch_up(wiring);
    wiring.set_idle(*this, was_idle_);
    refresh_horizon(wiring);
  }
}

bool SourceBase::advance_channel(Wiring& wiring, std::size_t channel, EventTime watermark) {
  if (watermark < merge_.watermark(channel)) {
    ++stats().regressions;
    settle(wiring, merge_.update(channel, watermark));
    return false;
  }
  settle(wiring, merge_.update(channel, watermark));
  return true;
}

void SourceBase::set_idle(Wiring& wiring, std::size_t channel) { settle(wiring, merge_.set_idle(channel)); }

void SourceBase::set_active(Wiring& wiring, std::size_t channel) {
  merge_.set_active(channel);
  channels_[channel].was_heard = true;
  settle(wiring, false);
}

void SourceBase::close(Wiring& wiring, std::size_t channel) { settle(wiring, merge_.close(channel)); }

void SourceBase::tick(Wiring& wiring, WallTime now) {
  if (now_.has_value() && now <= *now_) return;
  for (ChannelState& channel : channels_) {
    if (std::exchange(channel.was_heard, false)) channel.last_heard = now_;
  }
  now_ = now;
  if (settings_.max_future_skew.has_value()) {
    future_limit_ = later(event_time(now.time_since_epoch().count()), *settings_.max_future_skew);
  }
  for (std::size_t i = 0; i < channels_.size(); ++i) {
    std::optional<WallTime>& heard = channels_[i].last_heard;
    if (!heard.has_value()) heard = now;
    if (!settings_.idle_after.has_value()) continue;
    const std::int64_t silent =
        saturating_sub(now.time_since_epoch().count(), heard->time_since_epoch().count());
    if (silent >= settings_.idle_after->count()) set_idle(wiring, i);
  }
}

void SourceBase::finish(Wiring& wiring) {
  catch_up(wiring);  // so that operators know how far it came
  if (merge_.is_idle()) {
    was_idle_ = false;
    wiring.set_idle(*this, false);
  }
  reached_ = end_of_time;
  catch_up(wiring);
}

KeptState SourceBase::kept() const { return {.kind = KeptState::Kind::time, .layout = channels_.size()}; }

void SourceBase::archive(NodeArchive& out) {
  out.own(merge_, reached_, future_limit_, now_, was_idle_);
  for (ChannelState& channel : channels_) out.own(channel);
  horizon_ = no_time;
  horizon_epoch_ = ~std::uint64_t{0};
}

void SourceBase::refresh(OperatorStats& stats) const {
  stats.watermark = reached_;
  stats.applied = stats.ingested - stats.rejected;
  stats.emitted = stats.applied;
}

}  // namespace weir::inline v0::detail
