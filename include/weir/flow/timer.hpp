#pragma once

#include <weir/time/instant.hpp>

/// \file
/// The one timer that a custom operator has per key.

namespace weir::inline v0 {

/// The key's timer, inside `process` and `on_timer`. It fires once the watermark has passed its instant: W > at.
class Timer {
 public:
  explicit Timer(EventTime at) : at_(at) {}

  /// Sets the timer; setting it again moves it. An instant that the watermark has passed fires when the watermark next
  /// rises. One advance fires a key's timer at most 10,000 times, and the last one of all fires none that it set itself.
  void set(EventTime at) noexcept { at_ = at; }
  void cancel() noexcept { at_ = no_time; }
  [[nodiscard]] bool is_set() const noexcept { return at_ != no_time; }
  /// When it will fire; `no_time` if it is not set.
  [[nodiscard]] EventTime at() const noexcept { return at_; }

 private:
  EventTime at_;
};

/// Whose timer fired, and for which instant.
template <class KeyType>
struct Fired {
  const KeyType& key;
  EventTime at;
};

}  // namespace weir::inline v0
