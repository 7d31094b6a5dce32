#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <weir/state/archive.hpp>

/// \file
/// A short list in place: the result of first_k and last_k.

namespace weir::inline v0 {

/// At most `most` values, in place.
template <class T, std::size_t most>
class Sequence {
 public:
  using value_type = T;

  [[nodiscard]] constexpr std::size_t size() const { return size_; }
  [[nodiscard]] constexpr bool empty() const { return size_ == 0; }
  [[nodiscard]] constexpr const T& operator[](std::size_t i) const { return values_[i]; }
  [[nodiscard]] constexpr const T* begin() const { return values_.data(); }
  [[nodiscard]] constexpr const T* end() const { return values_.data() + size_; }

  /// Puts x before the i-th value. If there are `most` values already, the last one falls out.
  template <class U>
  constexpr void insert(std::size_t i, const U& x) {
    std::size_t last = most - 1;  // said so that compilers see that it is in the array
    if (size_ < most) last = size_++;
    for (; last > i; --last) values_[last] = std::move(values_[last - 1]);
    values_[last] = x;
  }
  /// Nothing if there is no i-th value.
  constexpr void erase(std::size_t i) {
    if (i >= size_) return;
    --size_;
    for (; i < size_ && i + 1 < most; ++i) values_[i] = std::move(values_[i + 1]);
    values_[i] = T{};
  }
  constexpr void erase_front() { erase(0); }

  void archive(Archive& ar) requires(Archivable<T>) {
    ar(size_);
    if (size_ > most) {
      size_ = 0;
      ar.fail("a list is longer than it may be");
    }
    for (std::size_t i = 0; i < size_; ++i) ar(values_[i]);
  }
  [[nodiscard]] static constexpr std::uint64_t archive_layout() { return detail::layout_of<T>() + most; }

  friend constexpr bool operator==(const Sequence& a, const Sequence& b) {
    if (a.size_ != b.size_) return false;
    for (std::size_t i = 0; i < a.size_; ++i)
      if (!(a[i] == b[i])) return false;
    return true;
  }

 private:
  std::array<T, most> values_{};
  std::uint32_t size_ = 0;
};

}  // namespace weir::inline v0
