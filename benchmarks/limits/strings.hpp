#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <weir/base/hash.hpp>  // xxhash, inlined

#include <weir/time/instant.hpp>
#include <weir/window/window.hpp>

#include "limits/tables.hpp"
#include "support/events.hpp"
#include "support/tally.hpp"

/// \file
/// Tumbling count and sum with text keys by hand: XXH3, then the whole key compared.
///
/// Two forms. `pool`: the slot knows where the bytes lie (two lines per record). `inlined`: a key of at most
/// 23 bytes lies in the slot itself, like a short string, and longer ones in the pool (one line per record).

namespace bench::limit {

/// Bytes of the keys, never moved.
class KeyPool {
 public:
  const char* add(std::string_view key) {
    if (left_ < key.size()) {
      left_ = std::max<std::size_t>(std::size_t{1} << 22, key.size());
      chunks_.emplace_back(left_);
      next_ = chunks_.back().data();
    }
    std::memcpy(next_, key.data(), key.size());
    left_ -= key.size();
    return std::exchange(next_, next_ + key.size());
  }

 private:
  std::vector<Buffer<char>> chunks_;
  char* next_ = nullptr;
  std::size_t left_ = 0;
};

struct alignas(64) PooledKey {
  std::uint64_t hash;  ///< 0: empty
  const char* bytes;
  std::uint32_t length;
  std::uint32_t epoch;
  std::uint32_t count;
  double sum;

  std::string_view key() const { return {bytes, length}; }
  bool is(std::string_view wanted, std::uint64_t h) const {
    return hash == h && length == wanted.size() && std::memcmp(bytes, wanted.data(), wanted.size()) == 0;
  }
  bool is_empty() const { return hash == 0; }
  void set(std::string_view wanted, std::uint64_t h, KeyPool& pool) {
    hash = h;
    length = static_cast<std::uint32_t>(wanted.size());
    bytes = pool.add(wanted);
  }
};

struct alignas(64) InlinedKey {
  char bytes[24];        ///< the key itself, or the address of its bytes
  std::uint64_t length;  ///< plus 1; 0: empty
  std::uint32_t epoch;
  std::uint32_t count;
  double sum;

  const char* pooled() const {
    const char* at = nullptr;
    std::memcpy(&at, bytes, sizeof at);
    return at;
  }
  std::string_view key() const { return {length - 1 <= sizeof bytes ? bytes : pooled(), length - 1}; }
  bool is(std::string_view wanted, std::uint64_t) const {
    if (length != wanted.size() + 1) return false;
    if (wanted.size() - 8 <= 8) {  // 8 to 16 bytes: two words that may overlap
      const auto word = [](const char* at) {
        std::uint64_t w = 0;
        std::memcpy(&w, at, 8);
        return w;
      };
      const std::size_t tail = wanted.size() - 8;
      return ((word(bytes) ^ word(wanted.data())) | (word(bytes + tail) ^ word(wanted.data() + tail))) == 0;
    }
    return std::memcmp(key().data(), wanted.data(), wanted.size()) == 0;
  }
  bool is_empty() const { return length == 0; }
  void set(std::string_view wanted, std::uint64_t, KeyPool& pool) {
    length = wanted.size() + 1;
    if (wanted.size() <= sizeof bytes) {
      std::memcpy(bytes, wanted.data(), wanted.size());
    } else {
      const char* at = pool.add(wanted);
      std::memcpy(bytes, &at, sizeof at);
    }
  }
};

template <class Slot, class Sink>
class TumblingByName {
 public:
  TumblingByName(std::size_t keys, weir::Duration size, Sink sink)
      : slots_(std::bit_ceil(keys * 2)),
        mask_(slots_.size() - 1),
        touched_(keys),
        size_(size.count()),
        sink_(std::move(sink)) {}

  std::size_t push(std::span<const NamedEvent> batch) {
    std::size_t taken = 0;
    std::uint64_t hash[256];
    const auto start = [&](std::size_t i) {
      hash[i] = XXH3_64bits(batch[i].name.data(), batch[i].name.size()) | 1;
      __builtin_prefetch(&slots_[(hash[i] >> 1) & mask_], 1, 3);
    };
    const auto reach = [&]([[maybe_unused]] std::size_t i) {
      if constexpr (requires(Slot slot) { slot.hash; }) {
        __builtin_prefetch(slots_[(hash[i] >> 1) & mask_].bytes, 0, 3);
      }
    };
    const std::size_t n = batch.size();
    for (std::size_t i = 0; i < std::min(2 * ahead, n); ++i) start(i);
    for (std::size_t i = 0; i < std::min(ahead, n); ++i) reach(i);
    for (std::size_t i = 0; i < n; ++i) {
      if (i + 2 * ahead < n) start(i + 2 * ahead);
      if (i + ahead < n) reach(i + ahead);
      taken += apply(batch[i], at(batch[i].name, hash[i]));
    }
    return taken;
  }

  void finish() { fire(); }

 private:
  Slot& at(std::string_view name, std::uint64_t hash) {
    for (std::uint64_t i = (hash >> 1) & mask_;; i = (i + 1) & mask_) {
      Slot& slot = slots_[i];
      if (slot.is(name, hash)) [[likely]]
        return slot;
      if (slot.is_empty()) {
        slot.set(name, hash, pool_);
        return slot;
      }
    }
  }

  bool apply(const NamedEvent& event, Slot& slot) {
    const std::int64_t at = weir::ticks(event.at);
    if (static_cast<std::uint64_t>(at - start_) >= static_cast<std::uint64_t>(size_)) [[unlikely]] {
      if (!roll(at)) return false;
    }
    watermark_ = std::max(watermark_, at);
    if (slot.epoch != epoch_) {
      slot.epoch = epoch_;
      slot.count = 1;
      slot.sum = event.value;
      touched_[touched_count_++] = &slot;
    } else {
      ++slot.count;
      slot.sum += event.value;
    }
    return true;
  }

  [[gnu::noinline]] bool roll(std::int64_t at) {
    if (at < start_) return false;
    watermark_ = at;
    fire();
    ++epoch_;
    start_ = at - weir::floor_mod(at, size_);
    return true;
  }

  void fire() {
    const weir::Window window{weir::event_time(start_), weir::event_time(start_ + size_)};
    for (std::size_t i = 0; i < touched_count_; ++i) {
      if (i + ahead < touched_count_) __builtin_prefetch(touched_[i + ahead], 0, 3);
      const Slot& slot = *touched_[i];
      sink_(weir::Windowed<std::string_view, CountSum>{.key = slot.key(),
                                                       .window = window,
                                                       .value = {slot.count, slot.sum},
                                                       .pane = {.is_final = true},
                                                       .as_of = window.end,
                                                       .watermark = weir::event_time(watermark_)});
    }
    touched_count_ = 0;
  }

  Buffer<Slot> slots_;
  std::uint64_t mask_;
  KeyPool pool_;
  Buffer<Slot*> touched_;
  std::size_t touched_count_ = 0;
  std::int64_t size_;
  std::int64_t start_ = 0;
  std::int64_t watermark_ = 0;
  std::uint32_t epoch_ = 1;
  Sink sink_;
};

}  // namespace bench::limit
