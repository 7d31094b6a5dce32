#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <weir/aggregate/feature.hpp>
#include <weir/flow/stream.hpp>
#include <weir/operators/session_windows.hpp>
#include <weir/operators/window_specs.hpp>
#include <weir/window/specs.hpp>

/// \file
/// The window verbs: `keyed | tumbling({...})` gives a windowed stream, which `aggregate` turns into rows.

namespace weir::inline v0 {

/// A keyed stream cut into windows; put `| aggregate<Row>(...)` behind it.
template <class KeyT, class RecordType, class Shape>
class WindowedStream {
 public:
  using weir_handle = void;
  using weir_windowed = void;
  using KeyType = KeyT;
  using Record = RecordType;

  WindowedStream(KeyedStream<KeyType, Record> keyed, Shape shape) : keyed_(keyed), shape_(std::move(shape)) {}
  [[nodiscard]] const KeyedStream<KeyType, Record>& keyed() const noexcept { return keyed_; }
  [[nodiscard]] const Shape& shape() const noexcept { return shape_; }

 private:
  KeyedStream<KeyType, Record> keyed_;
  Shape shape_;
};

namespace detail {

/// Windows of one fixed shape.
template <PaneUse use>
struct FixedShape {
  WindowPlan plan;
};
template <class Verb>
inline constexpr bool is_fixed = false;
/// Several fixed shapes over shared panes.
template <std::size_t count>
struct SharedShape {
  std::array<WindowPlan, count> plans;
};
template <class GapOf, class EndsAt>
struct SessionShape {
  SessionSpec spec;
  GapOf gap_of;
  EndsAt ends_at;
};
struct CountShape {
  CountSpec spec;
};

}  // namespace detail

/// A verb that cuts a keyed stream into windows.
template <class Shape>
struct Windows {
  template <class Handle>
  static constexpr bool accepts = detail::is_keyed<Handle>;

  Shape shape;

  template <class KeyType, class RecordType>
  auto attach(const KeyedStream<KeyType, RecordType>& keyed) && {
    return WindowedStream<KeyType, RecordType, Shape>(keyed, std::move(shape));
  }
};

/// The verb of session windows, with what depends on the record.
template <class GapOf, class EndsAt>
struct Sessions {
  template <class Handle>
  static constexpr bool accepts = detail::is_keyed<Handle>;

  detail::SessionShape<GapOf, EndsAt> shape;

  /// Each record brings its own gap: a member, or a callable that gives a Duration. Not positive: the record is rejected.
  template <class Function>
  [[nodiscard]] Sessions<Function, EndsAt> gap_from(Function gap_of) && {
    return {{shape.spec, std::move(gap_of), std::move(shape.ends_at)}};
  }
  /// A record for which `predicate` holds is the last of its session; later arrivals start a new one.
  template <class Predicate>
  [[nodiscard]] Sessions<GapOf, Predicate> ends_at(Predicate predicate) && {
    return {{shape.spec, std::move(shape.gap_of), std::move(predicate)}};
  }
  template <class KeyType, class RecordType>
  auto attach(const KeyedStream<KeyType, RecordType>& keyed) && {
    return WindowedStream<KeyType, RecordType, detail::SessionShape<GapOf, EndsAt>>(keyed, std::move(shape));
  }
};

using Tumbling = Windows<detail::FixedShape<detail::PaneUse::alone>>;
using Sliding = Windows<detail::FixedShape<detail::PaneUse::shared>>;
template <detail::PaneUse use>
inline constexpr bool detail::is_fixed<Windows<detail::FixedShape<use>>> = true;

/// Windows one after the other; see `TumblingSpec`.
[[nodiscard]] inline Tumbling tumbling(const TumblingSpec& spec) { return {{detail::WindowPlan::of(spec)}}; }
/// Overlapping windows (or with gaps); see `SlidingSpec`.
[[nodiscard]] inline Sliding sliding(const SlidingSpec& spec) { return {{detail::WindowPlan::of(spec)}}; }
/// Windows that grow step by step inside a tumbling base; see `CumulatingSpec`.
[[nodiscard]] inline Sliding cumulating(const CumulatingSpec& spec) {
  return {{detail::WindowPlan::of(spec)}};
}
/// One window per key without end; see `LifetimeSpec`.
[[nodiscard]] inline Tumbling lifetime(const LifetimeSpec& spec = {}) {
  return {{detail::WindowPlan::of(spec)}};
}
/// Windows of so many records; see `CountSpec`.
[[nodiscard]] inline Windows<detail::CountShape> count_windows(const CountSpec& spec) { return {{spec}}; }
/// Records with no more than a gap between them; see `SessionSpec`.
[[nodiscard]] inline Sessions<detail::FixedGap, detail::NeverEnds> session(const SessionSpec& spec) {
  return {{spec, {}, {}}};
}

/// Several windows of fixed shape over shared panes: each record is added once, to one pane. `aggregate` then gives one
/// stream of rows per window. They must emit on_close() and take late records with apply_open.
template <class First, class Second, class... More>
[[nodiscard]] auto windows(const First& first, const Second& second, const More&... more) {
  constexpr bool fit = detail::is_fixed<First> && detail::is_fixed<Second> && (detail::is_fixed<More> && ...);
  static_assert(fit,
                "weir: windows() takes tumbling(), sliding() and cumulating(); sessions and counts have "
                "panes of their own");
  static_assert(sizeof...(More) <= 30,
                "weir: windows() takes at most 32 windows; split them over two aggregates");
  using Shared = Windows<detail::SharedShape<sizeof...(More) + 2>>;
  if constexpr (fit) {
    return Shared{{{first.shape.plan, second.shape.plan, more.shape.plan...}}};
  } else {
    return detail::never<Shared>();
  }
}

}  // namespace weir::inline v0
