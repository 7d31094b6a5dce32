#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <weir/flow/node.hpp>
#include <weir/flow/stream.hpp>
#include <weir/operators/readable.hpp>
#include <weir/view/lookup.hpp>

/// \file
/// Views: what a pipeline knows of a key, looked up by the host.

namespace weir::inline v0 {

/// Options of a view.
struct ViewSpec {
  /// Rows whose stream's knowledge ended so long before the read are stale. Without: none is.
  std::optional<Duration> max_age = std::nullopt;
  StalePolicy when_stale = serve_stale;
  /// The age that reads ought to stay below: those that do not are counted and reported. Without: none is.
  std::optional<Duration> freshness_goal = std::nullopt;
};

/// What a view was asked, and what it gave.
struct ViewStats {
  std::uint64_t reads = 0;  ///< the sum of the five below
  std::uint64_t fresh = 0;
  std::uint64_t stale = 0;
  std::uint64_t incomplete = 0;
  std::uint64_t missing = 0;
  std::uint64_t defaulted = 0;
  std::uint64_t breaches = 0;  ///< reads of an age that reached the freshness goal
  /// Reads by age: bucket 0 of none, bucket i of [2^(i-1), 2^i) microseconds.
  std::array<std::uint64_t, 64> ages{};
};

namespace detail {

void check_view(Problems& problems, std::string_view name, const ViewSpec& spec, bool has_fallback);
void count_read(ViewStats& stats, ReadStatus status, Duration age) noexcept;

/// The place of a view in the graph. Order: none. Late: seen by the operator before it. Keeps: its options and counters.
template <class Row>
class ViewNode : public Node {
 public:
  ViewNode(std::string name, ViewSpec spec, std::optional<Row> fallback)
      : Node(std::move(name), "view"), spec_(spec), fallback_(std::move(fallback)) {}

  void check(Problems& problems) const override {
    check_view(problems, name(), spec_, fallback_.has_value());
  }
  [[nodiscard]] const ViewSpec& spec() const noexcept { return spec_; }
  [[nodiscard]] const std::optional<Row>& fallback() const noexcept { return fallback_; }
  [[nodiscard]] ViewStats& reads() noexcept { return reads_; }

  /// The host's own policy for a stale row.
  virtual void amend(Lookup<Row>&) const {}
  /// The host's alarm.
  virtual void report(const Lookup<Row>&) const {}

 private:
  ViewSpec spec_;
  std::optional<Row> fallback_;
  ViewStats reads_;
};

/// A view with what the host gave it to call.
template <class Row, class WhenStale, class OnBreach>
class HookedViewNode final : public ViewNode<Row> {
 public:
  HookedViewNode(std::string name, ViewSpec spec, std::optional<Row> fallback, WhenStale when_stale,
                 OnBreach on_breach)
      : ViewNode<Row>(std::move(name), spec, std::move(fallback)),
        when_stale_(std::move(when_stale)),
        on_breach_(std::move(on_breach)) {}

  void amend(Lookup<Row>& stale) const override { when_stale_(stale); }
  void report(const Lookup<Row>& breach) const override { on_breach_(breach); }

 private:
  WhenStale when_stale_;
  OnBreach on_breach_;
};

struct NoHook {
  template <class Read>
  constexpr void operator()(Read&) const {}
};
struct NoFallback {};

}  // namespace detail

/// Where rows of a key are looked up: `pipeline.lookup(view, key)`. A handle, copied freely; it lives as long as the pipeline.
template <class KeyT, class RowT>
class View {
 public:
  using weir_handle = void;
  using KeyType = KeyT;
  using Row = RowT;
  using Result = Lookup<Row>;
  using Spec = LookupSpec;
  using KeyView = detail::KeyView<KeyType>;

  View(Wiring& wiring, detail::ViewNode<Row>& node, detail::Readable<KeyType, Row>& rows)
      : wiring_(&wiring), node_(&node), rows_(&rows) {}

  [[nodiscard]] const Wiring& wiring() const noexcept { return *wiring_; }
  [[nodiscard]] const ViewStats& stats() const noexcept { return node_->reads(); }

  /// See `Pipeline::erase`.
  bool erase(KeyView key) const { return rows_->erase(key); }
  /// See `point_in_time`.
  void hold(EventTime from) const { rows_->hold(from); }
  /// What `Pipeline::lookup` does once the pipeline is up to date.
  void read(KeyView key, const LookupSpec& asked, std::optional<WallTime> now, Lookup<Row>& out) const {
    const ViewSpec& spec = node_->spec();
    out.watermark = rows_->read_watermark();
    out.known_until = rows_->known_until();
    out.computed_at = now;
    out.as_of = instant(asked.as_of, now, out);
    fill(key, out);
    out.age = out.known_until < out.as_of && out.known_until != no_time ? between(out.known_until, out.as_of)
                                                                        : Duration::zero();
    const std::optional<Duration> max_age = asked.max_age ? asked.max_age : spec.max_age;
    const bool is_stale = max_age && out.age >= *max_age;
    const StalePolicy policy = asked.when_stale.value_or(spec.when_stale);
    if (is_stale && policy == serve_previous) {
      out.as_of = out.known_until;
      fill(key, out);
    }
    if (is_stale && out.status != ReadStatus::missing) withhold(policy, out);
    if (out.status == ReadStatus::missing && node_->fallback()) put_fallback(out);
    detail::count_read(node_->reads(), out.status, out.age);
    if (spec.freshness_goal && out.age >= *spec.freshness_goal) [[unlikely]] {
      ++node_->reads().breaches;
      node_->report(out);
    }
  }

 private:
  static EventTime instant(AsOf as_of, std::optional<WallTime> now, const Lookup<Row>& out) {
    switch (as_of.kind()) {
      case detail::AsOfKind::latest_event:
        return out.known_until;
      case detail::AsOfKind::watermark:
        return out.watermark;
      case detail::AsOfKind::host_now:
        return now ? event_time(now->time_since_epoch().count()) : out.known_until;
      case detail::AsOfKind::instant:
        break;
    }
    return as_of.at();
  }
  void fill(KeyView key, Lookup<Row>& out) const {
    detail::Reading<Row> reading;
    reading.covered = out.windows.data();
    out.window_count = rows_->windows();
    rows_->read(key, out.as_of, reading);
    out.value = std::move(reading.row);
    out.event_time = reading.event_time;
    if (reading.is_there) out.known_until = reading.known_until;
    out.overflowed = reading.overflowed;
    out.version = reading.version;
    out.status = !reading.is_there   ? ReadStatus::missing
                 : !reading.is_whole ? ReadStatus::incomplete
                                     : ReadStatus::fresh;
  }
  void withhold(StalePolicy policy, Lookup<Row>& out) const {
    out.status = ReadStatus::stale;
    if (policy == reject_stale) out.value = Row{};
    if (policy == serve_default && node_->fallback()) put_fallback(out);
    node_->amend(out);
  }
  void put_fallback(Lookup<Row>& out) const {
    out.value = *node_->fallback();
    out.status = ReadStatus::defaulted;
  }

  Wiring* wiring_;
  detail::ViewNode<Row>* node_;
  detail::Readable<KeyType, Row>* rows_;
};

namespace detail {

template <class Handle>
inline constexpr bool is_readable = requires(const Handle& handle) {
  handle.rows();
  typename Handle::Row;
};

}  // namespace detail

/// Makes rows of a keyed operator readable. See `view`.
template <class Fallback = detail::NoFallback, class WhenStale = detail::NoHook,
          class OnBreach = detail::NoHook>
struct Viewing {
  template <class Handle>
  static constexpr bool accepts = detail::is_readable<Handle>;

  std::string name;
  ViewSpec spec;
  Fallback row{};
  WhenStale stale_hook{};
  OnBreach breach_hook{};

  /// The row that stands in when nothing is known of a key, and for stale rows with `serve_default`.
  template <class Row>
  [[nodiscard]] Viewing<Row, WhenStale, OnBreach> fallback(Row stand_in) && {
    return {std::move(name), spec, std::move(stand_in), std::move(stale_hook), std::move(breach_hook)};
  }
  /// The host's own policy: called as `hook(Lookup<Row>&)` for each stale row, which it may change.
  template <class Hook>
  [[nodiscard]] Viewing<Fallback, Hook, OnBreach> when_stale(Hook hook) && {
    return {std::move(name), spec, std::move(row), std::move(hook), std::move(breach_hook)};
  }
  /// Called as `hook(const Lookup<Row>&)` for each read of an age that reached the freshness goal.
  template <class Hook>
  [[nodiscard]] Viewing<Fallback, WhenStale, Hook> on_breach(Hook hook) && {
    return {std::move(name), spec, std::move(row), std::move(stale_hook), std::move(hook)};
  }

  template <class Handle>
  auto attach(const Handle& handle) && {
    using Row = typename Handle::Row;
    using Result = View<typename Handle::KeyType, Row>;
    constexpr bool has_fallback = !std::is_same_v<Fallback, detail::NoFallback>;
    constexpr bool fits = !has_fallback || std::is_same_v<Fallback, Row>;
    static_assert(fits, "weir: .fallback() of a view takes a row of the view's type");
    constexpr bool hooks_fit = std::is_invocable_v<const WhenStale&, Lookup<Row>&> &&
                               std::is_invocable_v<const OnBreach&, const Lookup<Row>&>;
    static_assert(hooks_fit,
                  "weir: .when_stale() takes void(Lookup<Row>&), .on_breach() void(const Lookup<Row>&)");
    if constexpr (fits && hooks_fit) {
      using Added = detail::HookedViewNode<Row, WhenStale, OnBreach>;
      std::optional<Row> stand_in;
      if constexpr (has_fallback) stand_in = std::move(row);
      Added& node =
          handle.wiring().template add<Added>({&handle.node()}, std::move(name), spec, std::move(stand_in),
                                              std::move(stale_hook), std::move(breach_hook));
      return Result(handle.wiring(), node, handle.rows());
    } else {
      return detail::never<Result>();
    }
  }
};

/// Makes the rows of an operator readable by key: `features<Row>(...) | view("card", {.max_age = 15min})`.
///
/// Order:   a read sees every record that was pushed before it, and none at or after its instant
/// Late:    seen as soon as the operator took them
/// Keeps:   nothing but counters
[[nodiscard]] inline Viewing<> view(std::string name, ViewSpec spec = {}) { return {std::move(name), spec}; }

}  // namespace weir::inline v0
