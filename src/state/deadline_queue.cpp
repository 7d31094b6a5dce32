#include <weir/state/deadline_queue.hpp>

#include <bit>
#include <numeric>
#include <utility>

#include <weir/state/recycled_map.hpp>
#include <weir/state/session_store.hpp>

namespace weir::inline v0::detail {

template <class Entry>
struct DeadlineQueue<Entry>::Lists {
  StateVector<Near> added;  // a heap
  RecycledMap<std::int64_t, StateVector<Entry>> far;
  Pool<Chunk> chunks;
  StateVector<Near> sorted;
  StateVector<std::size_t> parts;  // of the bucket that is opened: where each ends in near_
};

namespace {

constexpr auto is_later = [](const auto& a, const auto& b) { return b < a; };

}  // namespace

template <class Entry>
DeadlineQueue<Entry>::DeadlineQueue(Duration granularity) : lists_(new Lists) {
  const auto least_one = static_cast<std::uint64_t>(std::max<std::int64_t>(1, granularity.count()));
  shift_ = static_cast<int>(std::bit_width(least_one)) - 1;
}

template <class Entry>
DeadlineQueue<Entry>::~DeadlineQueue() = default;

template <class Entry>
void DeadlineQueue<Entry>::clear() {
  const MemoryScope memory(near_.get_allocator().memory());
  *lists_ = Lists{};
  near_ = StateVector<Near>{};  // braces alone would keep its memory
  opening_ = StateVector<Entry>{};
  near_at_ = near_end_ = size_ = 0;
  opened_ = INT64_MIN;
  added_ = nullptr;
  wheel_ = {};
  occupied_ = {};
  is_waiting_ = false;
}

template <class Entry>
EventTime DeadlineQueue<Entry>::earliest() const noexcept {
  if (const Near* next = nearest(); next != nullptr) return next->deadline;
  return is_waiting_ ? std::max(start_of(first_), event_time(INT64_MIN + 1)) : end_of_time;
}

template <class Entry>
std::size_t DeadlineQueue<Entry>::size_bytes() const noexcept {
  std::size_t total =
      lists_->chunks.size_bytes() +
      (near_.capacity() + lists_->sorted.capacity() + lists_->added.capacity()) * sizeof(Near) +
      opening_.capacity() * sizeof(Entry) + lists_->parts.capacity() * sizeof(std::size_t);
  lists_->far.for_each(
      [&total](const StateVector<Entry>& bucket) { total += bucket.capacity() * sizeof(Entry); });
  return total;
}

template <class Entry>
void DeadlineQueue<Entry>::insert_added(EventTime deadline, Entry entry) {
  StateVector<Near>& added = lists_->added;
  added.push_back({deadline, entry});
  std::push_heap(added.begin(), added.end(), is_later);
  added_ = &added.front();
}

template <class Entry>
void DeadlineQueue<Entry>::drop_added() {
  StateVector<Near>& added = lists_->added;
  std::pop_heap(added.begin(), added.end(), is_later);
  added.pop_back();
  if (added.empty()) added_ = nullptr;
}

template <class Entry>
void DeadlineQueue<Entry>::add_far(std::int64_t bucket, Entry entry) {
  lists_->far.at(bucket).push_back(entry);
}

template <class Entry>
void DeadlineQueue<Entry>::add_chunk(Bucket& bucket) {
  Chunk* chunk = lists_->chunks.make();
  chunk->next = bucket.chunk;
  bucket = {.chunk = chunk, .size = 0};
}

template <class Entry>
void DeadlineQueue<Entry>::take_first() {
  opening_.clear();
  if (is_on_wheel(first_)) {
    const std::size_t spoke = static_cast<std::size_t>(first_) % spokes;
    take_all(wheel_[spoke]);
    occupied_[spoke / 64] &= ~(std::uint64_t{1} << spoke % 64);
  }
  if (auto& far = lists_->far; !far.is_empty() && far.first_key() == first_) {
    StateVector<Entry>& bucket = far.first();
    opening_.insert(opening_.end(), bucket.begin(), bucket.end());
    bucket.clear();
    far.drop_first();
  }
  opened_ = first_;
  find_first();
}

template <class Entry>
void DeadlineQueue<Entry>::reserve_near() {
  near_at_ = 0;
  near_end_ = 0;
  if (near_.size() < opening_.size()) near_.resize(opening_.size());
}

template <class Entry>
void DeadlineQueue<Entry>::take_all(Bucket& bucket) {
  for (; bucket.chunk != nullptr; bucket.size = Chunk::most) {
    const Entry* entries = bucket.chunk->entries.data();
    opening_.insert(opening_.end(), entries, entries + bucket.size);
    lists_->chunks.destroy(std::exchange(bucket.chunk, bucket.chunk->next));
  }
}

template <class Entry>
void DeadlineQueue<Entry>::find_first() {
  const std::size_t from = (static_cast<std::size_t>(opened_) + 1) % spokes;
  is_waiting_ = !lists_->far.is_empty();
  if (is_waiting_) first_ = lists_->far.first_key();
  // The word of `from` is looked at twice: its end, then its start.
  for (std::size_t i = 0; i <= spokes / 64; ++i) {
    std::uint64_t found = occupied_[(from / 64 + i) % (spokes / 64)];
    if (i == 0) found &= ~std::uint64_t{0} << from % 64;
    if (found == 0) continue;
    const std::size_t spoke = (from / 64 + i) * 64 + static_cast<std::size_t>(std::countr_zero(found));
    const std::int64_t bucket = opened_ + 1 + static_cast<std::int64_t>((spoke - from) % spokes);
    first_ = is_waiting_ ? std::min(first_, bucket) : bucket;
    is_waiting_ = true;
    return;
  }
}

/// Spreads the entries over about as many parts of the bucket as there are entries, and sorts within the parts.
template <class Entry>
void DeadlineQueue<Entry>::sort_near() {
  if (near_end_ < 64) return std::sort(near_.begin(), near_.begin() + static_cast<std::ptrdiff_t>(near_end_));
  StateVector<std::size_t>& parts = lists_->parts;
  StateVector<Near>& sorted = lists_->sorted;
  const int bits = std::min(shift_, static_cast<int>(std::bit_width(near_end_)));
  const auto part_of = [start = start_of(opened_), dropped = shift_ - bits](const Near& one) {
    return static_cast<std::size_t>(one.deadline < start ? 0 : (one.deadline - start).count()) >> dropped;
  };
  parts.assign((std::size_t{1} << bits) + 1, 0);
  for (std::size_t i = 0; i < near_end_; ++i) ++parts[part_of(near_[i]) + 1];
  std::partial_sum(parts.begin(), parts.end(), parts.begin());
  if (sorted.size() < near_.size()) sorted.resize(near_.size());
  for (std::size_t i = 0; i < near_end_; ++i) sorted[parts[part_of(near_[i])]++] = near_[i];
  near_.swap(sorted);
  std::size_t from = 0;
  for (std::size_t part = 0; from < near_end_; from = parts[part++]) {
    if (parts[part] - from > 1) std::sort(&near_[from], &near_[parts[part] - 1] + 1);
  }
}

template class DeadlineQueue<Slot>;
template class DeadlineQueue<SlotTimer>;
template class DeadlineQueue<SessionDeadline>;

}  // namespace weir::inline v0::detail
