#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

// Rolling features by brute force: keeps every record and looks at all of them for each read. Needs nothing of weir; instants
// are integers, and sums of them are made in 128 bits.

namespace rolling {

__extension__ typedef __int128 Wide;
using Ticks = std::int64_t;

inline constexpr Ticks no_time = INT64_MIN;
inline constexpr Ticks for_ever = INT64_MAX;

enum class Kind { exact, tail, pre_cut, records, lifetime };

struct Window {
  Kind kind = Kind::tail;
  Ticks size = 1;
  Ticks hop = 1;
  std::uint32_t records = 0;
  bool includes_asking = false;
};

struct Config {
  Ticks bound = 0;  // of the trailing watermark
  Ticks time_travel = 0;
  Ticks retain = for_ever;
  std::vector<Window> windows;
};

struct Totals {
  std::int64_t count = 0;
  std::int64_t sum = 0;
  std::int64_t min = 0;
  std::int64_t max = 0;
  std::int64_t first = 0;
  std::int64_t last = 0;

  friend bool operator==(const Totals&, const Totals&) = default;
};

struct Part {
  Totals totals;
  Ticks low = 0;
  Ticks high = 0;
  bool is_whole = true;
};

struct Answer {
  std::vector<Part> parts;  // per window
  bool is_there = false;
  bool is_past = false;  // before what is settled
  Ticks event_time = no_time;
};

struct Judged {
  std::uint32_t hit = 0;
  std::uint32_t missed = 0;
};

class Model {
 public:
  explicit Model(Config config) : config_(std::move(config)) {}

  /// What becomes of a record; `{0, 0}` if it is not late.
  Judged push(std::int64_t key, Ticks at, std::int64_t value);
  [[nodiscard]] Answer read(std::int64_t key, Ticks as_of) const;
  [[nodiscard]] Ticks watermark() const { return watermark_; }
  [[nodiscard]] Ticks newest() const { return newest_; }

 private:
  struct Record {
    Ticks at;
    std::int64_t value;
  };
  using Records = std::vector<Record>;
  struct Known {
    Records settled;
    Records pending;
  };

  [[nodiscard]] Ticks settled() const;
  [[nodiscard]] bool begins_anew(Ticks last, Ticks at) const;
  [[nodiscard]] Judged judge(const Known& known, Ticks at) const;
  void move_to(Ticks watermark);
  [[nodiscard]] Records visible(const Known& known, Ticks as_of, Ticks end) const;
  [[nodiscard]] Part part(const Window& window, const Records& records, Ticks end) const;

  Config config_;
  std::map<std::int64_t, Known> keys_;
  Ticks watermark_ = no_time;
  Ticks newest_ = no_time;
};

}  // namespace rolling
