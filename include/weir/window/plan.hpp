#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <weir/window/grid.hpp>
#include <weir/window/specs.hpp>
#include <weir/window/trigger.hpp>

namespace weir::inline v0::detail {

/// Whether each window is a pane alone, or windows are merged from panes that they share.
enum class PaneUse : std::uint8_t { alone, shared };

/// A window spec of fixed shape, ready for use: what was asked for, and what it comes to.
struct WindowPlan {
  std::string_view kind;  // a word that lives as long as the program
  Duration size;
  Duration every;
  Duration grace_asked;
  LatePolicy late;
  std::uint32_t most_empty;
  Grid grid;
  Trigger trigger;

  /// What a node with these windows is called in pictures and counters.
  [[nodiscard]] std::string node_kind() const;
  [[nodiscard]] bool has_positive_sizes() const noexcept {
    return size > Duration::zero() && every > Duration::zero();
  }
  [[nodiscard]] static WindowPlan of(const TumblingSpec& spec);
  [[nodiscard]] static WindowPlan of(const SlidingSpec& spec);
  [[nodiscard]] static WindowPlan of(const CumulatingSpec& spec);
  [[nodiscard]] static WindowPlan of(const LifetimeSpec& spec);
};

}  // namespace weir::inline v0::detail
