#pragma once

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <string_view>

/// Where a worker can be made to die.
enum class Place : std::uint8_t {
  nowhere,
  record,  ///< it has read a record
  row,     ///< it has written a row, and not committed it
  piece,   ///< it has written a piece of a snapshot, and not committed it
  commit,  ///< it has written all of a transaction, and not committed it
  kept,    ///< it has stored a snapshot
};
inline constexpr std::array<std::string_view, 6> place_names{"nowhere", "record", "row",
                                                             "piece",   "commit", "kept"};

/// Kills its own process, without a warning, when that comes to a place for the n-th time.
class Fuse {
 public:
  Fuse(Place place, std::uint64_t times) : place_(place), left_(times) {}

  void at(Place place) {
    if (place == place_ && --left_ == 0) std::raise(SIGKILL);
  }
  /// There is nothing more to come to: here, then.
  void at_tail() {
    if (place_ != Place::nowhere) std::raise(SIGKILL);
  }

 private:
  Place place_;
  std::uint64_t left_;
};
