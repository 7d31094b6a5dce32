#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include <absl/status/statusor.h>

#include <weir/base/owner.hpp>
#include <weir/flow/definition.hpp>
#include <weir/flow/node.hpp>
#include <weir/flow/stream.hpp>
#include <weir/operators/readable.hpp>
#include <weir/time/instant.hpp>
#include <weir/view/lookup.hpp>
#include <weir/view/publisher.hpp>
#include <weir/view/reader.hpp>
#include <weir/view/view_spec.hpp>

/// \file
/// Views: what a pipeline knows of a key, looked up by the host.

namespace weir::inline v0 {

namespace detail {

/// The place of a view in the graph. Order: none. Late: seen by the operator before it. Keeps: its options and
/// counters, and what it publishes.
template <class Row>
class ViewNode : public Node, public RowGate<Row> {
 public:
  ViewNode(std::string name, ViewSpec spec, std::optional<Row> fallback)
      : Node(std::move(name), "view"), spec_(spec), fallback_(std::move(fallback)) {}

  void check(Problems& problems) const override {
    check_view(problems, name(), spec_, fallback_.has_value());
    if (publisher_) check_publish(problems, name(), publisher_->spec());
  }
  void rest() override {
    if (publisher_) publisher_->publish(now());
  }
  void refresh(OperatorStats& stats) const override {
    if (publisher_) stats.state_bytes = publisher_->size_bytes();
  }
  void publish_with(Owner<PublisherBase> publisher) {
    publisher_ = std::move(publisher);
    ask_to_keep_up();
  }
  [[nodiscard]] const ViewSpec& spec() const noexcept { return spec_; }
  [[nodiscard]] const std::optional<Row>& fallback() const noexcept { return fallback_; }
  [[nodiscard]] ViewStats& reads() noexcept { return reads_; }
  /// The fingerprint of how the rows are computed.
  [[nodiscard]] std::uint64_t fingerprint() const noexcept { return fingerprint_; }
  void define(std::uint64_t fingerprint, bool has_gate) noexcept {
    fingerprint_ = fingerprint;
    has_gate_ = has_gate;
  }
  [[nodiscard]] std::string text(const Wiring& wiring) const {
    return describe_view(wiring, *this, spec_, fallback_.has_value(), has_gate_,
                         publisher_ ? &publisher_->spec() : nullptr);
  }

  /// The host's own policy for a stale row.
  virtual void amend(Lookup<Row>&) const {}
  /// The host's alarm.
  virtual void report(const Lookup<Row>&) const {}

 private:
  ViewSpec spec_;
  std::optional<Row> fallback_;
  ViewStats reads_;
  std::uint64_t fingerprint_ = 0;
  bool has_gate_ = false;
  Owner<PublisherBase> publisher_;  // none: nothing is published
};

/// A view with what the host gave it to call.
template <class Row, class WhenStale, class OnBreach, class Gate>
class HookedViewNode final : public ViewNode<Row> {
 public:
  HookedViewNode(std::string name, ViewSpec spec, std::optional<Row> fallback, WhenStale when_stale,
                 OnBreach on_breach, Gate gate)
      : ViewNode<Row>(std::move(name), spec, std::move(fallback)),
        when_stale_(std::move(when_stale)),
        on_breach_(std::move(on_breach)),
        gate_(std::move(gate)) {}

  void amend(Lookup<Row>& stale) const override { when_stale_(stale); }
  void report(const Lookup<Row>& breach) const override { on_breach_(breach); }
  [[nodiscard]] bool passes(const Row& row) const override { return gate_(row); }

 private:
  WhenStale when_stale_;
  OnBreach on_breach_;
  Gate gate_;
};

struct NoHook {
  template <class Read>
  constexpr void operator()(Read&) const {}
};
struct NoGate {
  template <class Row>
  constexpr bool operator()(const Row&) const {
    return true;
  }
};
struct NoFallback {};
struct NoPublish {};

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
  using Reader = weir::Reader<KeyType, Row>;
  using KeyView = detail::KeyView<KeyType>;
  using BatchKey = detail::BatchKey<KeyType>;

  View(Wiring& wiring, detail::ViewNode<Row>& node, detail::Readable<KeyType, Row>& rows,
       detail::ViewPublisher<KeyType, Row>* publisher)
      : wiring_(&wiring), node_(&node), rows_(&rows), publisher_(publisher) {}

  [[nodiscard]] const Wiring& wiring() const noexcept { return *wiring_; }
  [[nodiscard]] const Node& node() const noexcept { return *node_; }
  [[nodiscard]] const ViewStats& stats() const noexcept { return node_->reads(); }
  /// What the view and the definition of its rows are, as JSON.
  [[nodiscard]] std::string describe() const { return node_->text(*wiring_); }
  /// The fingerprint of the definition, which each of its rows carries.
  [[nodiscard]] std::uint64_t definition() const noexcept { return node_->fingerprint(); }

  /// See `Pipeline::erase`.
  // NOLINTNEXTLINE(modernize-use-nodiscard): who asks for it need not care whether there was something
  bool erase(KeyView key) const { return rows_->erase(key); }
  /// See `point_in_time`.
  [[nodiscard]] bool hold(EventTime from) const { return rows_->hold(from); }
  /// Where the knowledge of the operator ends, as far as it was told.
  [[nodiscard]] EventTime known_until() const { return rows_->known_until(); }
  /// Other pipelines know the stream that far; see `Sharded::lookup`.
  void know(EventTime until) const { rows_->know(until); }
  /// See `Pipeline::reader`.
  [[nodiscard]] absl::StatusOr<Reader> reader() const {
    if (publisher_ == nullptr) return detail::publishes_nothing(node_->name());
    return publisher_->reader();
  }
  /// How far windows reach beyond the instant of a read.
  [[nodiscard]] Duration reach() const {
    std::array<Window, most_row_windows> covered{};
    detail::Reading<Row> reading;
    reading.covered = covered.data();
    const EventTime instant = rows_->known_until();
    rows_->read_slot(no_slot, instant, reading);
    Duration most{};
    for (std::size_t i = 0; i < rows_->windows(); ++i)
      most = std::max(most, between(instant, covered[i].end));
    return most;
  }
  /// What `Pipeline::lookup` does once the pipeline is up to date.
  void read(KeyView key, const LookupSpec& asked, std::optional<WallTime> now, Lookup<Row>& out) const {
    const Slot slot = rows_->find(key);
    rows_->prefetch(slot);  // lines together, and not one after the other
    rows_->prefetch_more(slot);
    read_slot(slot, asked, known(now), out);
  }
  /// The same for some keys, each into its place.
  void read_all(std::span<const BatchKey> keys, const LookupSpec& asked, std::optional<WallTime> now,
                Lookup<Row>* out) const {
    std::array<Slot, detail::read_together> slots;
    const detail::Known known = this->known(now);
    for (std::size_t begin = 0; begin < keys.size(); begin += slots.size()) {
      const std::span some = keys.subspan(begin, std::min(slots.size(), keys.size() - begin));
      rows_->find_all(some, slots.data());
      for (std::size_t i = 0; i < std::min(far, some.size()); ++i) rows_->prefetch(slots[i]);
      for (std::size_t i = 0; i < std::min(near, some.size()); ++i) rows_->prefetch_more(slots[i]);
      for (std::size_t i = 0; i < some.size(); ++i) {
        if (i + far < some.size()) rows_->prefetch(slots[i + far]);
        if (i + near < some.size()) rows_->prefetch_more(slots[i + near]);
        read_slot(slots[i], asked, known, out[begin + i]);
      }
    }
  }

 private:
  // How many keys before one is read the memory of it is asked for.
  static constexpr std::size_t far = 6;
  static constexpr std::size_t near = 3;

  [[nodiscard]] detail::Known known(std::optional<WallTime> now) const {
    return {.until = rows_->known_until(), .watermark = rows_->read_watermark(), .now = now};
  }
  void read_slot(Slot slot, const LookupSpec& asked, const detail::Known& known, Lookup<Row>& out) const {
    const ViewSpec& spec = node_->spec();
    out.definition = node_->fingerprint();
    out.watermark = known.watermark;
    out.known_until = known.until;
    out.computed_at = known.now;
    out.as_of = known.instant(asked.as_of);
    fill(slot, out);
    out.age = detail::age_at(out.as_of, out.known_until);
    const bool is_stale = detail::is_stale(spec, asked, out.age);
    const StalePolicy policy = asked.when_stale.value_or(spec.when_stale);
    if (is_stale && policy == serve_previous) {
      out.as_of = known.until;
      fill(slot, out);
    } else if (is_stale && out.status == ReadStatus::missing) {
      // A stream that stands still says nothing of who was silent: a key is forgotten by what is known, or else stale.
      const EventTime asked_for = std::exchange(out.as_of, known.until);
      fill(slot, out);
      const bool was_there = detail::is_of_key(out.status);
      out.as_of = asked_for;
      fill(slot, out);
      if (was_there) out.status = ReadStatus::stale;
    }
    if (is_stale && (detail::is_of_key(out.status) || out.status == ReadStatus::stale)) {
      detail::withhold(policy, node_->fallback(), out);
      node_->amend(out);
    }
    if (out.status == ReadStatus::missing && node_->fallback()) detail::put_fallback(*node_->fallback(), out);
    detail::count_read(node_->reads(), out.status, out.age);
    if (spec.freshness_goal && out.age >= *spec.freshness_goal) [[unlikely]] {
      ++node_->reads().breaches;
      node_->report(out);
    }
  }
  void fill(Slot slot, Lookup<Row>& out) const {
    detail::Reading<Row> reading;
    reading.covered = out.windows.data();
    out.window_count = rows_->windows();
    rows_->read_slot(slot, out.as_of, reading);
    out.status = detail::judge(reading, *node_);
    out.value = std::move(reading.row);
    out.event_time = reading.event_time;
    if (reading.is_there) out.known_until = reading.known_until;
    out.overflowed = reading.overflowed;
    out.version = reading.version;
  }

  Wiring* wiring_;
  detail::ViewNode<Row>* node_;
  detail::Readable<KeyType, Row>* rows_;
  detail::ViewPublisher<KeyType, Row>* publisher_;  // null: the view publishes nothing
};

namespace detail {

template <class Handle>
inline constexpr bool is_readable = requires(const Handle& handle) {
  handle.rows();
  Handle::windows;
  typename Handle::Row;
};

}  // namespace detail

/// Makes rows of a keyed operator readable. See `view`.
template <class Fallback = detail::NoFallback, class WhenStale = detail::NoHook,
          class OnBreach = detail::NoHook, class Gate = detail::NoGate, class Publish = detail::NoPublish>
struct Viewing {
  template <class Handle>
  static constexpr bool accepts = detail::is_readable<Handle>;

  std::string name;
  ViewSpec spec;
  Fallback row{};
  WhenStale stale_hook{};
  OnBreach breach_hook{};
  Gate row_gate{};
  Publish published{};

  /// The row that stands in when nothing is known of a key, and for stale rows with `serve_default`.
  template <class Row>
  [[nodiscard]] auto fallback(Row stand_in) && {
    return with(std::move(stand_in), std::move(stale_hook), std::move(breach_hook), std::move(row_gate),
                published);
  }
  /// The host's own policy: called as `hook(Lookup<Row>&)` for each stale row, which it may change.
  template <class Hook>
  [[nodiscard]] auto when_stale(Hook hook) && {
    return with(std::move(row), std::move(hook), std::move(breach_hook), std::move(row_gate), published);
  }
  /// Called as `hook(const Lookup<Row>&)` for each read of an age that reached the freshness goal.
  template <class Hook>
  [[nodiscard]] auto on_breach(Hook hook) && {
    return with(std::move(row), std::move(stale_hook), std::move(hook), std::move(row_gate), published);
  }
  /// A quality gate: rows for which `passes(const Row&)` is false are withheld and `quarantined`.
  template <class Predicate>
  [[nodiscard]] auto gate(Predicate passes) && {
    return with(std::move(row), std::move(stale_hook), std::move(breach_hook), std::move(passes), published);
  }
  /// Lets other threads read: see `Pipeline::reader`. Rows are copied to them and end on their threads.
  [[nodiscard]] auto publish(PublishSpec how = {}) && {
    return with(std::move(row), std::move(stale_hook), std::move(breach_hook), std::move(row_gate), how);
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
    constexpr bool gate_fits = std::is_invocable_r_v<bool, const Gate&, const Row&>;
    static_assert(gate_fits, "weir: .gate() of a view takes a callable bool(const Row&)");
    if constexpr (fits && hooks_fit && gate_fits) {
      using Added = detail::HookedViewNode<Row, WhenStale, OnBreach, Gate>;
      std::optional<Row> stand_in;
      if constexpr (has_fallback) stand_in = std::move(row);
      Added& node = handle.wiring().template add<Added>({&handle.node()}, std::move(name), spec,
                                                        std::move(stand_in), std::move(stale_hook),
                                                        std::move(breach_hook), std::move(row_gate));
      node.define(detail::fingerprint_of(detail::definition_at(handle.wiring(), handle.node())),
                  !std::is_same_v<Gate, detail::NoGate>);
      return Result(handle.wiring(), node, handle.rows(), publish_rows(handle, node));
    } else {
      return detail::never<Result>();
    }
  }

 private:
  template <class F, class W, class B, class G, class P>
  [[nodiscard]] Viewing<F, W, B, G, P> with(F stand_in, W stale, B breach, G gate, P how) {
    return {std::move(name), spec, std::move(stand_in), std::move(stale), std::move(breach),
            std::move(gate), how};
  }
  /// What publishes the rows; null if nothing does, and then nothing of it is compiled.
  template <class Handle, class KeyType = typename Handle::KeyType, class Row = typename Handle::Row>
  detail::ViewPublisher<KeyType, Row>* publish_rows(const Handle& handle, detail::ViewNode<Row>& node) const {
    if constexpr (std::is_same_v<Publish, PublishSpec>) {
      const detail::MemoryScope memory(handle.wiring().memory());
      detail::ViewPublisher<KeyType, Row>* publisher = new detail::Publisher<KeyType, Row, Handle::windows>(
          published, spec, node.fingerprint(), node.fallback(), node, handle.rows(), handle.wiring());
      node.publish_with(detail::Owner<detail::PublisherBase>(publisher));
      return publisher;
    } else {
      return nullptr;
    }
  }
};

/// Makes the rows of an operator readable by key: `features<Row>(...) | view("card", {.max_age = 15min})`.
///
/// Order:   a read sees every record that was pushed before it, and none at or after its instant
/// Late:    seen as soon as the operator took them
/// Keeps:   counters; with `.publish()` a row per key for readers on other threads
[[nodiscard]] inline Viewing<> view(std::string name, ViewSpec spec = {}) { return {std::move(name), spec}; }

}  // namespace weir::inline v0
