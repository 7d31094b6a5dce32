#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include <weir/weir.hpp>

// A pipeline with every operator, for billions of records: what comes out is counted and hashed, not kept.

namespace soak {

struct Event {
  std::uint64_t id = 0;
  std::uint64_t user = 0;
  std::uint32_t shop = 0;
  std::uint32_t kind = 0;  // 0 is noise, 1 counts twice, 2 ends a session
  double amount = 0;       // a whole number, so that sums are exact in any order
  weir::EventTime at{};
};

/// What came out of one end of the pipeline.
struct End {
  std::uint64_t rows = 0;
  std::uint64_t records = 0;  // that these rows say they hold
  std::uint64_t hash = 0;     // of all rows, in their order
  friend bool operator==(const End&, const End&) = default;

  void add(std::uint64_t word) { hash = (hash ^ word) * 0x9E3779B97F4A7C15 + (hash >> 29); }
};

enum class At : std::uint8_t {
  minute,
  minute_late,
  both_small,
  both_small_late,
  both_large,
  sliding,
  sliding_late,
  many_panes,
  many_panes_late,
  cumulating,
  cumulating_late,
  early,
  early_late,
  updates,
  updates_late,
  held,
  held_late,
  counted,
  counted_late,
  visits,
  visits_late,
  capped,
  capped_late,
  velocity,
  velocity_late,
  since_ever,
  since_ever_late,
  crowd,
  crowd_late,
  features_late,
  rolling_late,
  silence,
  remembered,
  by_clock,
  numbers,
  once_late,
  seen,
  first_by_clock,
  looked_up,
  count_
};

struct Tally {
  std::array<End, static_cast<std::size_t>(At::count_)> ends{};
  [[nodiscard]] End& operator[](At at) { return ends[static_cast<std::size_t>(at)]; }
  [[nodiscard]] const End& operator[](At at) const { return ends[static_cast<std::size_t>(at)]; }
  friend bool operator==(const Tally&, const Tally&) = default;
};

struct Thrown {};

/// Called from everywhere in the code of the user; throws once, at the visit that was asked for.
struct Fault {
  std::uint64_t visits_left = 0;  // 0: never
  void visit() {
    if (visits_left != 0 && --visits_left == 0) throw Thrown{};
  }
};
inline Fault fault;

/// Its `doubled` is twice its `count`: a row that is torn says otherwise.
struct Hot {
  std::int64_t count = 0;
  double doubled = 0;
  std::int64_t count_long = 0;
  double amount_long = 0;
};
struct Rolling {
  std::int64_t exact = 0;
  std::int64_t three = 0;
  std::int64_t ever = 0;
  double amount = 0;
  std::uint64_t shops = 0;
  std::optional<double> least;
};
struct Visit {
  std::int64_t records = 0;
  double amount = 0;
};

using HotView = weir::View<std::uint64_t, Hot>;

class Town {
 public:
  static constexpr std::size_t channels = 4;

  /// `tally` must outlive it.
  Town(std::uint64_t hash_seed, Tally& tally);
  Town(const Town&) = delete;
  Town& operator=(const Town&) = delete;

  [[nodiscard]] weir::Pipeline& pipeline() { return *pipeline_; }
  [[nodiscard]] weir::Admitted push(std::size_t channel, std::span<const Event> events) {
    return pipeline_->push(events_->channel(channel), events);
  }
  [[nodiscard]] weir::Admitted push_other(std::span<const Event> events) {
    return pipeline_->push(*others_, events);
  }
  [[nodiscard]] bool advance_other(weir::EventTime watermark) {
    return pipeline_->advance(*others_, watermark).ok();
  }
  [[nodiscard]] bool set_idle(std::size_t channel) {
    return pipeline_->set_idle(events_->channel(channel)).ok();
  }
  /// Asks all views for a key, and writes down what they say.
  void look(std::uint64_t user, weir::EventTime as_of);
  [[nodiscard]] HotView::Reader reader() { return pipeline_->reader(*hot_).value(); }

  /// The conservation law of each operator and between them, with so many records pushed; empty, or what is broken.
  [[nodiscard]] std::string broken_law(std::uint64_t events, std::uint64_t others);
  /// The same once the streams have ended: nothing is open any more.
  [[nodiscard]] std::string broken_end();

 private:
  Tally& tally_;
  std::optional<weir::Pipeline> pipeline_;
  std::optional<weir::Source<Event>> events_, others_;
  std::optional<HotView> hot_;
  std::optional<weir::View<std::string, Rolling>> rolling_;
  std::optional<weir::View<std::string, Visit>> latest_, visits_;
};

/// Which text stands for a user.
[[nodiscard]] std::string_view name_of(std::uint64_t user);

}  // namespace soak
