#pragma once

#include "rig.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include <weir/testing/oracle.hpp>
#include <weir/testing/script.hpp>

// The same script through weir and through the oracle, and what differs.

namespace rig {

template <class Line>
std::string difference(const char* what, const std::vector<Line>& expected, const std::vector<Line>& actual) {
  std::string text;
  for (std::size_t i = 0; i < std::max(expected.size(), actual.size()); ++i) {
    if (i < expected.size() && i < actual.size() && expected[i] == actual[i]) continue;
    text += std::string(what) + " " + std::to_string(i) + "\n";
    text += "  oracle " + (i < expected.size() ? to_text(expected[i]) : std::string("nothing")) + "\n";
    text += "  weir   " + (i < actual.size() ? to_text(actual[i]) : std::string("nothing")) + "\n";
    break;
  }
  return text;
}

inline std::string difference(const std::vector<oracle::Mark>& expected,
                              const std::vector<oracle::Mark>& actual) {
  for (std::size_t i = 0; i < std::min(expected.size(), actual.size()); ++i) {
    if (expected[i] == actual[i]) continue;
    const auto text = [](const oracle::Mark& mark) {
      return "rows " + std::to_string(mark.rows) + ", late " + std::to_string(mark.late) + ", W " +
             (mark.watermark == oracle::no_time ? std::string("none") : std::to_string(mark.watermark));
    };
    return "after step " + std::to_string(i) + "\n  oracle " + text(expected[i]) + "\n  weir   " +
           text(actual[i]) + "\n";
  }
  return "";
}

/// How a script is played that is not said otherwise.
inline constexpr std::array both_modes{Mode::one_by_one, Mode::in_batches};

inline const char* name(Mode mode) {
  return mode == Mode::one_by_one   ? "one by one"
         : mode == Mode::in_batches ? "in batches"
                                    : "restored after every step";
}

/// Both implementations, side by side.
class Comparison {
 public:
  /// One record at a time and in batches, or as is said, weir gives what the oracle gives.
  bool agrees(const oracle::Script& script, std::span<const Mode> modes = both_modes) {
    const oracle::Outcome& expected = oracle_.run(script);
    for (const Mode mode : modes) {
      if (!(rig_.run(script, mode) == expected) || !rig_.error().empty()) return false;
    }
    return true;
  }
  /// Sharing panes with other windows changes no row of either.
  bool agrees_when_shared(const oracle::Script& script, const oracle::WindowConfig& others) {
    return differences_when_shared(script, others).empty();
  }
  std::string differences_when_shared(oracle::Script script, oracle::WindowConfig others) {
    const std::array<Rows, 2> actual = rig_.run_shared(script, others);
    if (!rig_.error().empty()) return "error: " + rig_.error() + "\n";
    oracle::WindowConfig& windows = script.config.windows;
    windows.shared_pane = others.shared_pane = shared_pane(windows, others);
    std::string text = difference("row", oracle_.run(script).rows, actual[0]);
    windows = others;
    return text + difference("row of the others", oracle_.run(script).rows, actual[1]);
  }
  /// What differs; empty if nothing does.
  std::string differences(const oracle::Script& script, std::span<const Mode> modes = both_modes) {
    const oracle::Outcome& expected = oracle_.run(script);
    std::string text;
    for (const Mode mode : modes) {
      const oracle::Outcome& actual = rig_.run(script, mode);
      if (rig_.error().empty() && actual == expected) continue;
      text += "-- " + std::string(name(mode)) + "\n";
      if (!rig_.error().empty()) text += "error: " + rig_.error() + "\n";
      text += difference("row", expected.rows, actual.rows) +
              difference("late notice", expected.late, actual.late);
      text += difference(expected.marks, actual.marks);
      if (!(expected.counters == actual.counters)) {
        text += "oracle " + to_text(expected.counters) + "\nweir   " + to_text(actual.counters) + "\n";
      }
    }
    return text;
  }
  [[nodiscard]] const oracle::Reached& reached() const { return oracle_.reached(); }

 private:
  /// The widest pane that divides all bounds of both.
  static oracle::Ticks shared_pane(const oracle::WindowConfig& a, const oracle::WindowConfig& b) {
    const oracle::Ticks width = std::gcd(std::gcd(a.size, step(a)), std::gcd(b.size, step(b)));
    return std::gcd(width, a.offset - b.offset);
  }
  static oracle::Ticks step(const oracle::WindowConfig& w) {
    return w.kind == oracle::Kind::tumbling ? w.size : w.every;
  }

  oracle::Oracle oracle_;
  Rig rig_;
};

}  // namespace rig
