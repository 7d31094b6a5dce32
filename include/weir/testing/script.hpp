#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <weir/testing/oracle.hpp>

/// \file
/// Random scripts for the oracle: made from a seed, printed as text, shrunk while they fail.

namespace weir::inline v0::testing::oracle {

/// The same numbers on every machine (splitmix64, Steele, Lea and Flood 2014).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  [[nodiscard]] std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
    return mixed ^ (mixed >> 31U);
  }
  /// In [0, limit); limit > 0.
  [[nodiscard]] std::uint64_t below(std::uint64_t limit) { return next() % limit; }
  /// In [least, most]; most - least must fit int64.
  [[nodiscard]] Ticks between(Ticks least, Ticks most) {
    return least + static_cast<Ticks>(below(static_cast<std::uint64_t>(most - least) + 1));
  }
  [[nodiscard]] bool chance(std::uint32_t percent) { return below(100) < percent; }

 private:
  std::uint64_t state_;
};

/// What a script is made of: two thirds tiny, one sixth extreme, one sixth long.
enum class Domain : std::uint8_t {
  tiny,     ///< times -6 to 12, sizes 1 to 5, 2 keys, up to 12 records
  extreme,  ///< times at the ends of int64, sizes up to its whole range
  long_,    ///< up to 200 records that move on
};

[[nodiscard]] Domain domain_of(std::uint64_t seed);

/// The script of a seed. Swarm style: each script leaves out a random set of features, so that rare ones
/// meet.
///
/// Never built: early panes by event time of which one step of W would pass more than some hundreds.
[[nodiscard]] Script random_script(std::uint64_t seed);
/// The same, into buffers that are used again.
void random_script(std::uint64_t seed, Script& script);

/// Everything a reader needs to follow the script by hand.
[[nodiscard]] std::string to_text(const Config& config);
[[nodiscard]] std::string to_text(const Script& script);
[[nodiscard]] std::string to_text(const Row& row);
[[nodiscard]] std::string to_text(const LateNotice& notice);
[[nodiscard]] std::string to_text(const Counters& counters);

/// Scripts that have one thing less: steps, records of a batch, or an option. Largest cuts first.
[[nodiscard]] std::vector<Script> smaller(const Script& script);

/// The smallest script found for which `fails(script)` still holds. It must hold for `script`.
template <class Fails>
[[nodiscard]] Script shrink(Script script, Fails fails) {
  for (bool is_smaller = true; is_smaller;) {
    is_smaller = false;
    for (Script& candidate : smaller(script)) {
      if (!fails(std::as_const(candidate))) continue;
      script = std::move(candidate);
      is_smaller = true;
      break;
    }
  }
  return script;
}

}  // namespace weir::inline v0::testing::oracle
