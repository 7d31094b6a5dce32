#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

#include <weir/state/column.hpp>

namespace weir::inline v0::detail {

/// Equal pieces of raw memory, reused and never given back before the pool ends.
class RawPool {
 public:
  explicit RawPool(std::size_t piece_bytes, std::size_t alignment, std::size_t least_pieces = 16);

  [[nodiscard]] void* take() {
    if (free_ != nullptr) {
      void* piece = free_;
      free_ = *static_cast<void**>(piece);
      return piece;
    }
    if (spare_ == 0) add_block();
    void* piece = next_;
    next_ += piece_bytes_;
    --spare_;
    return piece;
  }
  void give_back(void* piece) noexcept { free_ = new (piece) void*(free_); }
  [[nodiscard]] std::size_t piece_bytes() const noexcept { return piece_bytes_; }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return blocks_.size_bytes(); }

 private:
  void add_block();

  std::size_t piece_bytes_;
  std::size_t least_pieces_;  // that are made at a time
  BlockList blocks_;
  void* free_ = nullptr;
  std::byte* next_ = nullptr;
  std::size_t spare_ = 0;
  std::size_t taken_ = 0;
};

/// A pool of objects of one type.
template <class Object>
class Pool {
 public:
  [[nodiscard]] Object* make() {
    void* piece = raw_.take();
    return new (piece) Object();
  }
  void destroy(Object* object) noexcept {
    std::destroy_at(object);
    raw_.give_back(object);
  }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return raw_.size_bytes(); }

 private:
  RawPool raw_{sizeof(Object), alignof(Object)};
};

/// An object of a pool that has one owner, or none. The pool outlives it.
template <class Object>
class Pooled {
 public:
  Pooled() = default;
  explicit Pooled(Pool<Object>& pool) : pool_(&pool), object_(pool.make()) {}
  Pooled(const Pooled&) = delete;
  Pooled& operator=(const Pooled&) = delete;
  Pooled(Pooled&& other) noexcept : pool_(other.pool_), object_(std::exchange(other.object_, nullptr)) {}
  Pooled& operator=(Pooled&& other) noexcept {
    Pooled taken(std::move(other));
    std::swap(pool_, taken.pool_);
    std::swap(object_, taken.object_);
    return *this;
  }
  ~Pooled() {
    if (object_ != nullptr) pool_->destroy(object_);
  }

  [[nodiscard]] bool is_there() const noexcept { return object_ != nullptr; }
  [[nodiscard]] Object& operator*() const noexcept { return *object_; }
  [[nodiscard]] Object* operator->() const noexcept { return object_; }

 private:
  Pool<Object>* pool_ = nullptr;
  Object* object_ = nullptr;
};

}  // namespace weir::inline v0::detail
