#pragma once

#include <cstdint>

#include <weir/time/instant.hpp>
#include <weir/window/window.hpp>

/// \file
/// Where windows of fixed shape lie: pure arithmetic, exact over the whole range of time.

namespace weir::inline v0::detail {

/// The number of a window inside its grid. With one window per microsecond there are more than 2^64 of them.
__extension__ using WindowIndex = __int128;
inline constexpr WindowIndex before_all_windows = -(WindowIndex{1} << 100);
inline constexpr WindowIndex after_all_windows = WindowIndex{1} << 100;

/// A family of windows: sliding (and tumbling) ones, growing ones, or one without end.
///
/// Bounds saturate at the ends of time; a window whose end saturates closes when the watermark reaches `end_of_time`.
class Grid {
 public:
  static Grid sliding(Duration size, Duration every, Duration offset);
  static Grid cumulating(Duration size, Duration step, Duration offset);
  static Grid endless();

  /// The windows that contain `at` are [first(at), last(at)]; none if first > last.
  [[nodiscard]] WindowIndex first(EventTime at) const noexcept;
  [[nodiscard]] WindowIndex last(EventTime at) const noexcept;
  [[nodiscard]] Window window(WindowIndex index) const noexcept { return {start(index), end(index)}; }
  [[nodiscard]] EventTime start(WindowIndex index) const noexcept;
  [[nodiscard]] EventTime end(WindowIndex index) const noexcept;
  /// The lowest window that is open at `watermark`: end + grace > watermark, saturating.
  [[nodiscard]] WindowIndex first_open(EventTime watermark, Duration grace) const noexcept;

  /// The width that divides all bounds, and the offset of the bounds in it.
  [[nodiscard]] std::int64_t pane_width() const noexcept;
  [[nodiscard]] std::int64_t size() const noexcept { return size_; }
  [[nodiscard]] std::int64_t step() const noexcept { return step_; }
  [[nodiscard]] std::int64_t offset() const noexcept { return offset_; }
  [[nodiscard]] bool is_cumulating() const noexcept { return kind_ == Kind::cumulating; }
  [[nodiscard]] bool is_endless() const noexcept { return kind_ == Kind::endless; }
  /// No instant lies outside of all windows.
  [[nodiscard]] bool is_gapless() const noexcept { return kind_ != Kind::sliding || step_ <= size_; }

 private:
  enum class Kind : std::uint8_t { sliding, cumulating, endless };
  Grid(Kind kind, std::int64_t size, std::int64_t step, std::int64_t offset);

  Kind kind_;
  std::int64_t size_;
  std::int64_t step_;
  std::int64_t offset_;  // in [0, step), or [0, size) for cumulating windows
};

}  // namespace weir::inline v0::detail
