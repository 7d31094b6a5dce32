#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <weir/time/instant.hpp>

/// \file
/// One watermark out of several: the minimum over the inputs that are active and aligned.

namespace weir::inline v0 {

/// Merges the watermarks of several inputs. The result never goes back.
///
/// An idle or closed input leaves the minimum. An input that returns with a watermark behind the result is not
/// counted until it has caught up. When the last active input leaves and the result was waiting for it, the result
/// rises to the highest watermark seen on any input.
///
/// Time:    update 1, or the number of inputs when the slowest one moves
/// Errors:  watermarks that go back, and watermarks of idle or closed inputs, are ignored
/// Source:  the rule of Apache Flink's status watermark valve, see docs/guides/time_and_lateness.md
class WatermarkMerge {
 public:
  explicit WatermarkMerge(std::size_t inputs);

  /// The watermark of one input. True if the result rose.
  bool update(std::size_t input, EventTime watermark) {
    Input& one = inputs_[input];
    if (one.status != Status::active) return false;
    if (watermark <= one.watermark) return !is_held_ && recompute();
    const EventTime before = std::exchange(one.watermark, watermark);
    if (!one.is_aligned) {
      one.is_aligned = watermark >= merged_;
      return recompute();
    }
    if (before > merged_ && is_held_) return false;  // another input holds the result back
    if (inputs_.size() > 1 || watermark <= merged_) return recompute();
    merged_ = watermark;
    return true;
  }
  /// The input says nothing for now. True if the result rose.
  bool set_idle(std::size_t input);
  /// The input speaks again. Never moves the result.
  void set_active(std::size_t input);
  /// The input has ended for good. True if the result rose.
  bool close(std::size_t input);

  /// The merged watermark, exclusive; `no_time` before every active input had one.
  [[nodiscard]] EventTime watermark() const noexcept { return merged_; }
  /// No input is active.
  [[nodiscard]] bool is_idle() const noexcept { return active_ == 0; }
  /// Some active input is behind the result and not counted.
  [[nodiscard]] bool is_catching_up() const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return inputs_.size(); }
  [[nodiscard]] EventTime watermark(std::size_t input) const noexcept { return inputs_[input].watermark; }
  [[nodiscard]] bool is_idle(std::size_t input) const noexcept {
    return inputs_[input].status == Status::idle;
  }
  [[nodiscard]] bool is_closed(std::size_t input) const noexcept {
    return inputs_[input].status == Status::closed;
  }
  friend bool operator==(const WatermarkMerge&, const WatermarkMerge&) = default;
  /// Writes all of it, or reads it; the number of inputs has to be the same.
  template <class Archive>
  void archive(Archive& ar) {
    std::size_t active = 0;
    for (Input& one : inputs_) {
      ar(one.watermark, one.status, one.is_aligned);
      if (one.status > Status::closed) ar.fail("an input of a watermark is in no known state");
      active += one.status == Status::active ? 1U : 0U;
    }
    active_ = active;
    ar(merged_, is_held_);
  }

  /// The least watermark of the other active, aligned inputs; `end_of_time` if there are none.
  [[nodiscard]] EventTime least_of_others(std::size_t input) const noexcept;

 private:
  enum class Status : std::uint8_t { active, idle, closed };
  struct Input {
    EventTime watermark = no_time;
    Status status = Status::active;
    bool is_aligned = true;

    friend bool operator==(const Input&, const Input&) = default;
  };
  bool leave(std::size_t input, Status status);
  bool recompute();

  std::vector<Input> inputs_;
  std::size_t active_;
  EventTime merged_ = no_time;
  bool is_held_ = false;  // some active, aligned input has the result as its watermark
};

}  // namespace weir::inline v0
