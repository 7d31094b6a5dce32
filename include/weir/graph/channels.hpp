#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <weir/flow/node.hpp>
#include <weir/flow/node_archive.hpp>
#include <weir/time/instant.hpp>
#include <weir/time/merge.hpp>
#include <weir/time/watermark.hpp>

/// \file
/// What a source does that does not depend on its record type: channels, guards, idleness, publication.

namespace weir::inline v0::detail {

struct SourceSettings {
  std::optional<Duration> idle_after;
  std::size_t channels = 1;
  std::optional<Duration> max_future_skew;
  std::optional<Duration> max_jump;
  bool strict = false;
};

/// How far time has come at a channel.
struct ChannelProgress {
  EventTime newest = no_time;
  std::optional<WallTime> last_heard = {};
  bool was_heard = false;  // since the last tick
};
/// How far time has come at a source.
struct SourceProgress {
  WatermarkMerge merge;
  std::vector<ChannelProgress> channels;
  EventTime reached = no_time;
  EventTime future_limit = end_of_time;
  std::optional<WallTime> now = {};
  bool is_idle = false;  // as operators have been told
};

/// The channels of a source and the watermark they make together.
class SourceBase : public Node {
 public:
  SourceBase(std::string name, SourceSettings settings);
  SourceBase(const SourceBase&) = delete;
  SourceBase& operator=(const SourceBase&) = delete;
  ~SourceBase() override;

  void check(Problems& problems) const override;

  /// The watermark that the records so far have reached.
  [[nodiscard]] EventTime reached() const noexcept { return progress_.reached; }
  [[nodiscard]] EventTime reached_watermark() const override { return progress_.reached; }
  [[nodiscard]] bool is_idle() const noexcept { return progress_.merge.is_idle(); }
  [[nodiscard]] std::size_t channels() const noexcept { return progress_.channels.size(); }
  [[nodiscard]] bool is_strict() const noexcept { return settings_.strict; }

  /// Whether it is idle once a record has come on this channel: one on a closed channel wakes nobody.
  [[nodiscard]] bool is_idle_after(std::size_t channel) const noexcept {
    return progress_.is_idle && progress_.merge.is_closed(channel);
  }

  /// The host's own watermark for a channel. False if it goes back (ignored and counted).
  bool advance_channel(Wiring& wiring, std::size_t channel, EventTime watermark);
  void set_idle(Wiring& wiring, std::size_t channel);
  void set_active(Wiring& wiring, std::size_t channel);
  void close(Wiring& wiring, std::size_t channel);
  using Node::tick;
  /// The host's clock: guards the future, and decides idleness. A clock that goes back is ignored.
  void tick(Wiring& wiring, WallTime now);
  void finish(Wiring& wiring);

  // A source may follow another one that stands before several pipelines of one definition and sees the records of all.
  /// The source before it has come to these watermarks, one after the other.
  void follow(Wiring& wiring, std::span<const EventTime> watermarks);
  void follow_idle(Wiring& wiring, bool is_idle);
  /// The host's clock, which is only to know what lies in the future. False if it goes back.
  bool follow_clock(WallTime now);
  [[nodiscard]] const SourceProgress& progress() const noexcept { return progress_; }
  /// Of a source of the same settings, that has come as far.
  void set_progress(const SourceProgress& progress);

  /// Tells the operators the watermark that was reached.
  void catch_up(Wiring& wiring);
  void refresh_horizon(const Wiring& wiring) {
    horizon_ = wiring.horizon(*this);
    horizon_epoch_ = wiring.epoch();
  }
  void refresh(OperatorStats& stats) const override;
  [[nodiscard]] KeptState kept() const override;
  void archive(NodeArchive& out) override;

 protected:
  void check_times(Problems& problems, bool is_set, EventTime earliest, EventTime latest) const;
  void describe_source(Description& out, std::string_view time) const;
  void check_rule(Problems& problems, WatermarkKind kind, Duration bound, bool has_function) const;
  [[nodiscard]] const SourceSettings& settings() const noexcept { return settings_; }
  [[nodiscard]] bool has_jump_guard() const noexcept { return settings_.max_jump.has_value(); }
  [[nodiscard]] EventTime publish_from() const noexcept { return horizon_; }
  [[nodiscard]] EventTime future_limit() const noexcept { return progress_.future_limit; }
  [[nodiscard]] EventTime newest(std::size_t channel) const noexcept {
    return progress_.channels[channel].newest;
  }
  [[nodiscard]] EventTime channel_watermark(std::size_t channel) const noexcept {
    return progress_.merge.watermark(channel);
  }
  /// How far the source can come by this channel alone.
  [[nodiscard]] EventTime most_by(std::size_t channel) const noexcept {
    if (progress_.merge.is_closed(channel)) return progress_.reached;
    return progress_.channels.size() == 1 ? end_of_time : progress_.merge.least_of_others(channel);
  }
  [[nodiscard]] bool jumps(std::size_t channel, EventTime moved) const noexcept;

  /// A record comes on this channel.
  void wake(Wiring& wiring, std::size_t channel) {
    progress_.channels[channel].was_heard = true;
    if (progress_.merge.is_idle(channel)) set_active(wiring, channel);
    if (horizon_epoch_ != wiring.epoch()) refresh_horizon(wiring);
  }
  /// The channel has reached this; operators are told if it matters to one.
  void move(Wiring& wiring, std::size_t channel, EventTime newest, EventTime watermark) {
    progress_.channels[channel].newest = newest;
    if (watermark <= progress_.merge.watermark(channel) || !progress_.merge.update(channel, watermark))
      return;
    progress_.reached = progress_.merge.watermark();
    if (progress_.reached >= horizon_) catch_up(wiring);
  }

 private:
  void rise(Wiring& wiring, EventTime to);
  void settle(Wiring& wiring, bool has_risen);

  SourceSettings settings_;
  SourceProgress progress_;
  EventTime horizon_ = no_time;
  std::uint64_t horizon_epoch_ = ~std::uint64_t{0};
};

}  // namespace weir::inline v0::detail
