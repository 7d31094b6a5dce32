#include <weir/weir.hpp>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "generator.hpp"
#include "reliability/heap.hpp"
#include "town.hpp"

// A day of a pipeline with every operator, with all that can go wrong: see docs/HACKING.md.
// Nothing of what is checked depends on the machine's clock; times are reported only.

namespace {

using namespace std::chrono_literals;
using soak::Event;
using soak::Generator;
using soak::Tally;
using soak::Thrown;
using soak::Town;

struct Options {
  std::uint64_t events_per_second = 50'000;
  double hours = 24;
  std::uint64_t seed = 1;
  std::uint64_t restore_minutes = 60;  // a new pipeline goes on from a snapshot so often
};

[[noreturn]] void die(const char* why, const char* what) {
  std::fprintf(stderr, "weir_soak: %s %s\n", why, what);
  std::fprintf(stderr, "weir_soak [--events-per-second N] [--hours H] [--seed N] [--restore-minutes N]\n");
  std::exit(2);
}

Options options_of(int count, char** words) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string name = words[i];
    if (i + 1 == count) die("an option without a value, or none of mine:", words[i]);
    char* end = nullptr;
    const double value = std::strtod(words[++i], &end);
    if (*end != '\0' || end == words[i] || !(value > 0) || value > 1e9) die("no number to use:", words[i]);
    const auto whole = static_cast<std::uint64_t>(value);
    if (name == "--events-per-second") {
      options.events_per_second = std::max<std::uint64_t>(whole, 1);
    } else if (name == "--hours") {
      options.hours = value;
    } else if (name == "--seed") {
      options.seed = whole;
    } else if (name == "--restore-minutes") {
      options.restore_minutes = std::max<std::uint64_t>(whole, 1);
    } else {
      die("no option of mine:", name.c_str());
    }
  }
  return options;
}

/// What the allocator keeps for later goes back to the system, so that what is resident is what is held.
void give_back() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// How long calls took, in steps of an eighth.
class Times {
 public:
  void add(std::uint64_t nanoseconds) {
    const auto top = static_cast<unsigned>(std::bit_width(nanoseconds | 8) - 4);
    ++counts_[std::min<std::size_t>(top * 8 + ((nanoseconds >> top) & 7), counts_.size() - 1)];
    ++all_;
  }
  /// Microseconds that so large a share of the calls did not exceed.
  [[nodiscard]] double at(double share) const {
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen != 0 && static_cast<double>(seen) >= share * static_cast<double>(all_))
        return static_cast<double>((9 + i % 8) << (i / 8)) / 1000;
    }
    return 0;
  }

 private:
  std::array<std::uint64_t, 400> counts_{};
  std::uint64_t all_ = 0;
};

/// Another thread that reads what the pipeline publishes, and goes on with the next pipeline.
class Readers {
 public:
  Readers() : thread_([this] { run(); }) {}
  Readers(const Readers&) = delete;
  Readers& operator=(const Readers&) = delete;
  ~Readers() {
    {
      const std::lock_guard lock(mutex_);
      is_over_ = true;
    }
    thread_.join();
  }
  void read(soak::HotView::Reader reader) {
    const std::lock_guard lock(mutex_);
    reader_ = std::move(reader);
  }
  /// Users from here on are read.
  void move_to(std::uint64_t first) {
    const std::lock_guard lock(mutex_);
    first_ = first;
  }
  [[nodiscard]] std::uint64_t reads() {
    const std::lock_guard lock(mutex_);
    return reads_;
  }
  [[nodiscard]] std::uint64_t found() {
    const std::lock_guard lock(mutex_);
    return found_;
  }
  [[nodiscard]] std::uint64_t torn() {
    const std::lock_guard lock(mutex_);
    return torn_;
  }

 private:
  void run() {
    weir::Lookup<soak::Hot> row;
    for (std::uint64_t user = 0;;) {
      {
        const std::lock_guard lock(mutex_);
        if (is_over_) return;
        for (int i = 0; i < 256; ++i, ++user) {
          reader_.lookup(first_ + user % 6000, {}, row);
          ++reads_;
          if (!row.has_value() || row.status == weir::ReadStatus::missing) continue;
          ++found_;
          if (row.value.doubled != 2 * static_cast<double>(row.value.count) ||
              row.value.count_long < row.value.count)
            ++torn_;
        }
      }
      std::this_thread::sleep_for(1ms);
    }
  }

  std::mutex mutex_;
  soak::HotView::Reader reader_;
  std::uint64_t first_ = 0;
  std::uint64_t reads_ = 0, found_ = 0, torn_ = 0;
  bool is_over_ = false;
  std::thread thread_;
};

/// Everything that a killed host would still have: a snapshot, and a log from there on, which is a generator here.
struct Saved {
  std::string image;
  weir::SnapshotInfo info;
  Generator generator;
  Tally tally;
};

class Soak {
 public:
  explicit Soak(const Options& options)
      : options_(options),
        faults_(options.seed ^ 0x5EED),
        generator_(options.seed, options.events_per_second),
        end_(weir::event_time(static_cast<std::int64_t>(options.hours * 3600e6))) {}

  bool run() {
    started_ = hour_started_ = seconds_now();
    start();
    save_whole();
    while (generator_.now() < end_) {
      if (generator_.minute() != minute_) begin_minute();
      if (armed_ != Armed::nothing && generator_.calls() >= armed_from_) {
        call_and_fail();
      } else {
        call();
      }
      if (has_promise_ && generator_.calls() == promised_calls_) {
        has_promise_ = false;
        if (!(tally_ == promised_)) violated("after a failure the same records did not give the same rows");
      }
    }
    if (!town_->pipeline().finish().ok()) violated("finish() was refused");
    check_law();
    if (const std::string broken = town_->broken_end(); !broken.empty()) violated(broken);
    report();
    return violations_ == 0;
  }

 private:
  enum class Armed : std::uint8_t { nothing, callback, allocation, kill };

  void violated(const std::string& what) {
    ++violations_;
    if (violations_ > 20) return;
    std::printf("VIOLATION at minute %llu, call %llu: %s\n", number(minute_), number(generator_.calls()),
                what.c_str());
    std::fflush(stdout);
  }
  static unsigned long long number(std::uint64_t value) { return value; }
  static double megabytes(std::int64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

  void start() { town_ = std::make_unique<Town>(faults_.next() | 1, tally_); }

  /// Makes a pipeline that goes on from what was saved.
  void recover() {
    town_.reset();
    generator_ = saved_.generator;
    tally_ = saved_.tally;
    start();
    if (const absl::Status status = town_->pipeline().restore(saved_.image); !status.ok()) {
      violated("a snapshot was not taken back: " + status.ToString());
      std::exit(1);
    }
    readers_.read(town_->reader());
  }

  void save_whole() {
    std::string image;
    const absl::Status status = town_->pipeline().snapshot({.positions = positions()}, image);
    if (!status.ok()) return violated("no snapshot: " + status.ToString());
    keep(std::move(image));
  }
  void keep(std::string image) {
    absl::StatusOr<weir::SnapshotInfo> info = weir::inspect(image);
    if (!info.ok()) return violated("a snapshot cannot be read: " + info.status().ToString());
    if (info->positions != positions()) violated("the positions of a snapshot are others");
    saved_ = {.image = std::move(image), .info = *std::move(info), .generator = generator_, .tally = tally_};
    ++snapshots_;
    largest_image_ = std::max(largest_image_, saved_.image.size());
  }
  void save_increment() {
    std::string increment;
    const absl::Status status =
        town_->pipeline().snapshot({.positions = positions(), .base = &saved_.info}, increment);
    if (!status.ok()) return violated("no increment: " + status.ToString());
    absl::StatusOr<std::string> image = weir::combine(saved_.image, increment);
    if (!image.ok()) return violated("an increment does not fit its base: " + image.status().ToString());
    ++increments_;
    keep(*std::move(image));
  }
  [[nodiscard]] std::string positions() const { return std::to_string(generator_.calls()); }

  /// A snapshot that the host cannot keep, or for which there is no memory.
  void fail_to_save() {
    const bool has_no_memory = minute_ % 2 == 0;
    ++failed_snapshots_;
    std::string image;
    try {
      if (has_no_memory) {
        const heap::Failing failing(faults_.next() % 400);
        static_cast<void>(town_->pipeline().snapshot({}, image));
        return;
      }
    } catch (const std::bad_alloc&) {
      if (!town_->pipeline().status().ok()) {
        ++poisoned_snapshots_;
        recover();
      }
      return;
    }
    std::size_t left = faults_.next() % (saved_.image.size() + 1);
    const absl::Status status = town_->pipeline().snapshot({}, [&left](std::string_view piece) {
      if (piece.size() > left) return absl::UnavailableError("full");
      left -= piece.size();
      return absl::OkStatus();
    });
    if (!status.ok() && status.message() != "full") violated("another error: " + status.ToString());
    if (!town_->pipeline().status().ok()) violated("a refused snapshot poisons");
  }

  void begin_minute() {
    const bool is_new = generator_.minute() > last_minute_;
    minute_ = generator_.minute();
    check_law();
    if (!is_new) return;  // it was here before a failure
    last_minute_ = minute_;
    ++minutes_;
    readers_.move_to(generator_.first_user());
    if (minutes_ % 5 == 3) {
      fail_to_save();
      if (minute_ != generator_.minute()) return;  // it was recovered
    }
    minutes_ % 6 == 0 ? save_whole() : save_increment();
    if (minutes_ % options_.restore_minutes == 0) {
      compare_with_whole();
      arm(Armed::kill);
    } else if (minutes_ % 7 == 1) {
      arm(Armed::callback);
    } else if (minutes_ % 7 == 4) {
      arm(Armed::allocation);
    }
    give_back();
    if (const auto resident = heap::resident_bytes()) note(resident_, megabytes(*resident));
    note(held_, megabytes(heap::live_bytes()));
    for (const std::string& name : town_->pipeline().names())
      note(said_[name], static_cast<double>(town_->pipeline().stats(name).state_bytes) / (1 << 20));
    if (minutes_ % 60 == 0) end_hour();
  }

  /// What was put together of increments is the snapshot as it would have been written whole, byte for byte.
  void compare_with_whole() {
    std::string whole;
    const absl::Status status = town_->pipeline().snapshot({.positions = positions()}, whole);
    if (!status.ok() || whole != saved_.image) violated("increments do not add up to the whole snapshot");
  }

  void arm(Armed armed) {
    armed_ = armed;
    armed_from_ = generator_.calls() + faults_.next() % (generator_.calls_per_minute() + 1);
    visits_ = 1 + faults_.next() % 5000;
  }

  void call() {
    const soak::Call call = generator_.next(events_);
    const double before = seconds_now();
    take(call);
    const auto took = static_cast<std::uint64_t>((seconds_now() - before) * 1e9);
    hour_times_.add(took);
    longest_ = std::max(longest_, took);
    ++calls_;
  }
  void take(const soak::Call& call) {
    bool is_ok = true;
    switch (call.kind) {
      case soak::Call::Kind::push:
        is_ok = town_->push(call.channel, events_).refused == 0;
        break;
      case soak::Call::Kind::push_other:
        is_ok = town_->push_other(events_).refused == 0;
        break;
      case soak::Call::Kind::advance:
        is_ok = town_->advance_other(call.at);
        break;
      case soak::Call::Kind::tick:
        is_ok = town_->pipeline().tick(weir::WallTime{weir::Duration{weir::ticks(call.at)}}).ok();
        break;
      case soak::Call::Kind::idle:
        is_ok = town_->set_idle(call.channel);
        break;
      case soak::Call::Kind::look:
        town_->look(call.user, call.at);
        break;
    }
    if (!is_ok) violated("a call was refused");
  }
  /// The same with something that fails; then all since the last snapshot is done again, and must give the same.
  void call_and_fail() {
    promised_ = tally_;
    promised_calls_ = generator_.calls();
    if (armed_ == Armed::kill) {
      ++restores_;
      return do_again();
    }
    const soak::Call call = generator_.next(events_);
    try {
      if (armed_ == Armed::callback) {
        if (soak::fault.visits_left == 0) soak::fault.visits_left = visits_;
        take(call);
      } else {
        const heap::Failing failing(faults_.next() % 3);
        take(call);
      }
      return;
    } catch (const Thrown&) { ++thrown_; } catch (const std::bad_alloc&) {
      ++no_memory_;
    }
    if (town_->pipeline().status().ok()) violated("a call threw, but the pipeline is not poisoned");
    if (town_->pipeline().tick(weir::WallTime{}).ok()) violated("a poisoned pipeline takes calls");
    do_again();
  }
  void do_again() {
    armed_ = Armed::nothing;
    soak::fault.visits_left = 0;
    has_promise_ = true;
    recover();
  }

  void check_law() {
    ++laws_;
    const std::string broken = town_->broken_law(generator_.events(), generator_.others());
    if (!broken.empty()) violated(broken);
  }

  void end_hour() {
    const double now = seconds_now();
    hours_.push_back(hour_times_);
    const std::uint64_t events = generator_.events() + generator_.others();
    std::printf(
        "hour %3llu: %11llu events, %6.0f thousand a second, %.1f MiB resident, %.1f MiB held, a call %.0f "
        "us, "
        "99.9%% within %.0f us, %llu restores, %llu failures\n",
        number(minutes_ / 60), number(events),
        static_cast<double>(events - hour_events_) / (now - hour_started_) / 1000,
        resident_.empty() ? 0 : resident_.back(), held_.back(), hour_times_.at(0.5), hour_times_.at(0.999),
        number(restores_), number(thrown_ + no_memory_));
    std::fflush(stdout);
    hour_times_ = {};
    hour_events_ = events;
    hour_started_ = now;
  }

  /// Of one minute. Has room for all of them from the first on, because the memory of the process is compared.
  void note(std::vector<double>& minutes, double value) {
    if (minutes.empty()) minutes.reserve(static_cast<std::size_t>(options_.hours * 60) + 1);
    minutes.push_back(value);
  }
  /// The mean over a quarter of the minutes: 0 is the first.
  static double quarter(const std::vector<double>& minutes, std::size_t which) {
    const std::size_t size = minutes.size() / 4;
    double sum = 0;
    for (std::size_t i = 0; i < size; ++i) sum += minutes[which * size + i];
    return sum / static_cast<double>(std::max<std::size_t>(size, 1));
  }
  void compare_quarters(const char* what, const std::vector<double>& minutes) {
    if (minutes.size() < 4) return;
    const double second = quarter(minutes, 1), last = quarter(minutes, 3);
    std::printf("%s: %.2f MiB in the second quarter, %.2f in the last: %+.2f %%\n", what, second, last,
                100 * (last / second - 1));
    // Before that, what is kept for long is not as full as it will be.
    if (minutes.size() >= 240 && last > 1.01 * second) violated(std::string(what) + " grows");
  }
  /// Which operators say that they hold more, or less, than they did.
  void compare_operators() {
    for (const auto& [name, minutes] : said_) {
      const double second = quarter(minutes, 1), last = quarter(minutes, 3);
      if (std::abs(last - second) > 0.01 * second && std::abs(last - second) > 0.01)
        std::printf("  %s: %.2f, %.2f, %.2f and %.2f MiB in the four quarters\n", name.c_str(),
                    quarter(minutes, 0), second, quarter(minutes, 2), last);
    }
  }
  void report() {
    const double took = seconds_now() - started_;
    const std::uint64_t events = generator_.events() + generator_.others();
    std::printf(
        "%llu events in %llu calls, %.1f simulated hours, seed %llu: %.0f s, %.0f thousand a second\n",
        number(events), number(calls_), static_cast<double>(weir::ticks(generator_.now())) / 3600e6,
        number(options_.seed), took, static_cast<double>(events) / took / 1000);
    std::printf(
        "%llu snapshots (%llu put together of increments, the largest %.1f MiB), %llu failed (%llu "
        "poisoned), "
        "%llu restores; %llu callbacks threw, %llu allocations failed; laws checked %llu times\n",
        number(snapshots_), number(increments_), static_cast<double>(largest_image_) / (1 << 20),
        number(failed_snapshots_), number(poisoned_snapshots_), number(restores_), number(thrown_),
        number(no_memory_), number(laws_));
    std::printf("readers: %llu reads, %llu rows, %llu torn\n", number(readers_.reads()),
                number(readers_.found()), number(readers_.torn()));
    for (const char* name : {"events", "once", "minute", "crowd keys", "early"}) {
      const weir::OperatorStats& stats = town_->pipeline().stats(name);
      std::printf(
          "%s: %llu ingested, %llu late, %llu partially, %llu duplicates, %llu rejected, %llu future, %llu "
          "evicted\n",
          name, number(stats.ingested), number(stats.late), number(stats.partially_late),
          number(stats.duplicate), number(stats.rejected), number(stats.future), number(stats.evicted));
    }
    if (resident_.empty()) std::printf("resident: the system does not say; not checked\n");
    compare_quarters("resident", resident_);
    compare_quarters("held", held_);
    compare_operators();
    if (readers_.torn() != 0) violated("rows were torn");
    // In minutes there may be no allocation that could fail, and no time for a reader.
    const bool has_all = minutes_ < 60 || (no_memory_ != 0 && poisoned_snapshots_ < failed_snapshots_ &&
                                           readers_.found() != 0);
    if (thrown_ == 0 || restores_ == 0 || increments_ == 0 || !has_all)
      violated("not everything that should go wrong did: give it more time");
    if (hours_.size() > 1)
      std::printf(
          "a call: 99.9 %% within %.0f us in the first hour, %.0f us in the last; the longest %.1f ms\n",
          hours_.front().at(0.999), hours_.back().at(0.999), static_cast<double>(longest_) / 1e6);
    std::printf("%llu violations\n", number(violations_));
  }

  const Options options_;
  soak::Rng faults_;  // goes on where everything else is done again
  Generator generator_;
  const weir::EventTime end_;
  Tally tally_;
  std::unique_ptr<Town> town_;
  Saved saved_{.image = {}, .info = {}, .generator = generator_, .tally = {}};
  Readers readers_;
  std::vector<Event> events_;

  Armed armed_ = Armed::nothing;
  std::uint64_t armed_from_ = 0, visits_ = 0;
  bool has_promise_ = false;
  std::uint64_t promised_calls_ = 0;
  Tally promised_;

  std::uint64_t minute_ = 0, last_minute_ = 0, minutes_ = 0;
  std::uint64_t calls_ = 0, laws_ = 0, violations_ = 0;
  std::uint64_t snapshots_ = 0, increments_ = 0, failed_snapshots_ = 0, poisoned_snapshots_ = 0,
                restores_ = 0;
  std::uint64_t thrown_ = 0, no_memory_ = 0;
  std::size_t largest_image_ = 0;
  Times hour_times_;
  std::vector<Times> hours_;
  std::uint64_t longest_ = 0;
  std::vector<double> resident_, held_;
  std::map<std::string, std::vector<double>> said_;  // by operator
  double started_ = 0, hour_started_ = 0;
  std::uint64_t hour_events_ = 0;
};

}  // namespace

int main(int count, char** words) {
  const Options options = options_of(count, words);
  return Soak(options).run() ? 0 : 1;
}
