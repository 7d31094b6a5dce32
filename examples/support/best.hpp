#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

namespace support {

/// Remembers, for each key, the row that scored highest; among equals the first.
template <class Key, class Row>
class Best {
 public:
  void offer(const Key& key, std::int64_t score, const Row& row) {
    const auto [at, is_new] = best_.try_emplace(key, Scored{score, row});
    if (!is_new && score > at->second.score) at->second = {score, row};
  }

  /// The `count` highest rows, highest first; equal scores in the order of their keys.
  [[nodiscard]] std::vector<Row> top(std::size_t count) const {
    std::vector<std::pair<Key, Scored>> all(best_.begin(), best_.end());
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
      return a.second.score != b.second.score ? a.second.score > b.second.score : a.first < b.first;
    });
    std::vector<Row> rows;
    for (std::size_t at = 0; at < std::min(count, all.size()); ++at) rows.push_back(all[at].second.row);
    return rows;
  }

 private:
  struct Scored {
    std::int64_t score;
    Row row;
  };
  std::unordered_map<Key, Scored> best_;
};

}  // namespace support
