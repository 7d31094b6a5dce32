#include "breaking.hpp"

#include <new>

#include "../../reliability/heap.hpp"

namespace conformance {

void Breaking::call(const weir::Pipeline* pipeline, const std::function<void()>& into_weir) {
  if (has_thrown_ || (has_failed_ && !is_persistent_)) return into_weir();
  try {
    return attempt(into_weir);
  } catch (const std::bad_alloc&) {
    has_failed_ = true;
    has_thrown_ = true;
    if (pipeline != nullptr && !pipeline->status().ok()) throw;
  } catch (const Thrown&) {
    has_thrown_ = true;
    throw;
  }
  into_weir();
}

void Breaking::attempt(const std::function<void()>& into_weir) {
  const heap::Failing failing(allocations_left_, is_persistent_);
  into_weir();
  allocations_left_ = heap::Failing::left();
  has_failed_ |= heap::Failing::has_failed();
}

void Breaking::visit() {
  if (callbacks_++ != callback_) return;
  has_failed_ = true;
  throw Thrown{};
}

}  // namespace conformance
