#pragma once

#include <iterator>
#include <map>
#include <memory>
#include <utility>

#include <weir/state/memory.hpp>

namespace weir::inline v0::detail {

/// An ordered map whose first entries are taken out and whose memory is used again, values' buffers included.
///
/// Time:    O(log n); no allocation once as many entries were in use as ever will be
template <class Key, class Value>
class RecycledMap {
  using Map = std::map<Key, Value, std::less<Key>, StateAllocator<std::pair<const Key, Value>>>;

 public:
  [[nodiscard]] bool is_empty() const noexcept { return map_.empty(); }
  [[nodiscard]] const Key& first_key() const noexcept { return map_.begin()->first; }
  [[nodiscard]] Value& first() noexcept { return map_.begin()->second; }

  /// The value of a key. A new one is as `drop_first` left it: the owner clears values, and so keeps their buffers.
  Value& at(const Key& key, bool& is_new) {
    const auto place = map_.lower_bound(key);
    is_new = place == map_.end() || key < place->first;
    if (!is_new) return place->second;
    if (spares_.empty()) return map_.emplace_hint(place, key, empty_value())->second;
    auto node = std::move(spares_.back());
    spares_.pop_back();
    node.key() = key;
    return map_.insert(place, std::move(node))->second;
  }
  Value& at(const Key& key) {
    bool is_new = false;
    return at(key, is_new);
  }
  void drop_first() {
    if (spares_.size() == spares_.capacity()) spares_.reserve(2 * spares_.capacity() + 4);
    spares_.push_back(map_.extract(map_.begin()));
  }

  /// Calls `visit(key, value)` for each entry.
  template <class Visit>
  void for_each_entry(Visit&& visit) {
    for (auto& [key, value] : map_) visit(key, value);
  }
  /// Drops the entries for which `is_meant(key, value)` holds, which may change the value.
  template <class IsMeant>
  void drop_if(IsMeant&& is_meant) {
    for (auto at = map_.begin(); at != map_.end();)
      at = is_meant(at->first, at->second) ? map_.erase(at) : std::next(at);
  }
  /// Calls `visit(value)` for each value, also those that wait to be used again.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const auto& [key, value] : map_) visit(value);
    for (const auto& spare : spares_) visit(spare.mapped());
  }
  /// Without what the values own.
  [[nodiscard]] std::size_t size_bytes() const noexcept {
    constexpr std::size_t links = 4 * sizeof(void*);
    return (map_.size() + spares_.size()) * (sizeof(typename Map::value_type) + links) +
           spares_.capacity() * sizeof(typename Map::node_type);
  }

 private:
  [[nodiscard]] Value empty_value() const {
    if constexpr (std::uses_allocator_v<Value, typename Map::allocator_type>) {
      return Value(map_.get_allocator());
    } else {
      return Value{};
    }
  }

  Map map_;
  StateVector<typename Map::node_type> spares_;
};

}  // namespace weir::inline v0::detail
