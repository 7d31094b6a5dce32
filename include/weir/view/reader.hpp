#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include <weir/base/assert.hpp>
#include <weir/state/key.hpp>
#include <weir/time/instant.hpp>
#include <weir/view/lookup.hpp>
#include <weir/view/view_spec.hpp>
#include <weir/window/window.hpp>

/// \file
/// Reader: the rows of a view on a thread that is not the pipeline's.

namespace weir::inline v0 {

namespace detail {

/// How far a view has come, for other threads. Each part is that of the end of some call, and of no earlier one than at the load
/// before; who loads a watermark finds the rows that were published before it.
class SharedKnown {
 public:
  void store(const Known& known) noexcept {
    until_.store(known.until, std::memory_order_release);
    now_.store(known.now.value_or(never), std::memory_order_release);
    watermark_.store(known.watermark, std::memory_order_release);
  }
  [[nodiscard]] Known load() const noexcept {
    Known known{.until = until_.load(std::memory_order_acquire),
                .watermark = watermark_.load(std::memory_order_acquire)};
    if (const WallTime now = now_.load(std::memory_order_acquire); now != never) known.now = now;
    return known;
  }

 private:
  static constexpr WallTime never = WallTime::min();
  static_assert(std::atomic<EventTime>::is_always_lock_free && std::atomic<WallTime>::is_always_lock_free);

  std::atomic<EventTime> until_{no_time};
  std::atomic<EventTime> watermark_{no_time};
  std::atomic<WallTime> now_{never};
};

/// What a view and its readers own together, beside the rows.
template <class Row>
struct ViewShare {
  ViewSpec spec;
  std::uint64_t definition = 0;
  std::optional<Row> fallback;
  SharedKnown known;
  std::shared_ptr<const std::atomic<bool>> is_refused;  // the pipeline can do nothing any more
};

/// The published rows of a view, as one reader has them. Fills in what belongs to the row, and its status: `fresh`,
/// `incomplete`, `missing` or `closed`.
template <class KeyType, class Row>
class RowSource {
 public:
  RowSource() = default;
  RowSource(const RowSource&) = delete;
  RowSource& operator=(const RowSource&) = delete;
  virtual ~RowSource() = default;

  virtual void read(KeyView<KeyType> key, Lookup<Row>& out) const = 0;
  virtual void read_all(std::span<const BatchKey<KeyType>> keys, Lookup<Row>* out) const = 0;
};

/// What a reader says of a key without a row.
template <class Row>
struct Nobody {
  Row row{};  // of no records
  std::size_t windows = 0;
  Duration ahead{};  // how far windows reach beyond the instant of a read
};

}  // namespace detail

/// Reads the rows that a view publishes, on any thread. Made by `pipeline.reader(view)`; outlives the pipeline.
///
/// A row is that of the end of one call of the host: whole, with `as_of` where the stream's knowledge ended then. What a read
/// asks for as `as_of` decides from where the row's age is counted, and not what it describes. Without it that is where the
/// stream's knowledge ends now. `serve_previous` is the same as `serve_stale`, for the row is that of its knowledge's end. Hooks of the
/// view are not called.
///
/// Time:    lookup: constant, whatever the pipeline and other readers do; no lock, no wait, no allocation but what copying the row takes
/// Memory:  some 700 bytes, and a row
/// Errors:  `refused` once the pipeline is poisoned, `closed` once it is destroyed
/// Threads: one at a time for each reader; any number of readers
template <class KeyT, class RowT>
class Reader {
 public:
  using KeyType = KeyT;
  using Row = RowT;
  using Result = Lookup<Row>;
  using Spec = LookupSpec;
  using KeyView = detail::KeyView<KeyType>;
  using BatchKey = detail::BatchKey<KeyType>;

  /// A reader of nothing: every read says `closed`.
  Reader() = default;
  Reader(std::shared_ptr<const detail::ViewShare<Row>> share,
         std::unique_ptr<const detail::RowSource<KeyType, Row>> rows, detail::Nobody<Row> nobody)
      : share_(std::move(share)), rows_(std::move(rows)), nobody_(std::move(nobody)) {}

  /// The row of a key, and what it is worth.
  [[nodiscard]] Lookup<Row> lookup(KeyView key, const LookupSpec& spec = {}) {
    Lookup<Row> result;
    lookup(key, spec, result);
    return result;
  }
  /// The same into a result that the caller keeps, which saves making one.
  void lookup(KeyView key, const LookupSpec& spec, Lookup<Row>& result) {
    if (rows_ == nullptr) return close(result);
    // Before the row: nothing that is known at this watermark can be missing from it.
    const detail::Known known = share_->known.load();
    rows_->read(key, result);
    serve(spec, known, result);
  }
  /// The rows of many keys, in their order, for less than one by one; `results` has room for as many as there are keys. Each
  /// row is whole; those of different keys may be of different calls of the host.
  void lookup_all(std::span<const BatchKey> keys, const LookupSpec& spec, std::span<Lookup<Row>> results) {
    WEIR_ASSERT(results.size() >= keys.size(), "lookup_all needs room for a result per key");
    if (rows_ == nullptr) {
      for (std::size_t i = 0; i < keys.size(); ++i) close(results[i]);
      return;
    }
    const detail::Known known = share_->known.load();
    rows_->read_all(keys, results.data());
    for (std::size_t i = 0; i < keys.size(); ++i) serve(spec, known, results[i]);
  }
  /// What this reader was asked, and what it gave.
  [[nodiscard]] const ViewStats& stats() const noexcept { return stats_; }

 private:
  static void close(Lookup<Row>& out) {
    out = {};
    out.status = ReadStatus::closed;
  }
  /// What a row, or none, is worth at the instant that was asked for.
  void serve(const LookupSpec& asked, const detail::Known& known, Lookup<Row>& out) {
    if (out.status == ReadStatus::closed) [[unlikely]] { return close(out); }
    if (share_->is_refused->load(std::memory_order_acquire)) [[unlikely]] {
      out = {};  // says `refused`
      return;
    }
    if (out.status == ReadStatus::missing) miss(known, out);
    const ViewSpec& spec = share_->spec;
    out.definition = share_->definition;
    out.watermark = known.watermark;
    out.age = detail::age_at(known.instant(asked.as_of), out.known_until);
    if (out.status == ReadStatus::missing) {
      if (share_->fallback) detail::put_fallback(*share_->fallback, out);
    } else if (detail::is_of_key(out.status) && detail::is_stale(spec, asked, out.age)) {
      detail::withhold(detail::policy_of(spec, asked), share_->fallback, out);
    }
    detail::count_read(stats_, out.status, out.age);
    if (spec.freshness_goal && out.age >= *spec.freshness_goal) [[unlikely]]
      ++stats_.breaches;
  }
  void miss(const detail::Known& known, Lookup<Row>& out) const {
    out.value = nobody_.row;
    out.as_of = out.known_until = known.until;
    out.event_time = no_time;
    out.computed_at = known.now;
    out.version = out.overflowed = 0;
    out.window_count = nobody_.windows;
    const EventTime end = later(known.until, nobody_.ahead);
    std::fill_n(out.windows.begin(), nobody_.windows, Window{end, end});
  }

  std::shared_ptr<const detail::ViewShare<Row>> share_;
  std::unique_ptr<const detail::RowSource<KeyType, Row>> rows_;
  detail::Nobody<Row> nobody_;
  ViewStats stats_;
};

}  // namespace weir::inline v0
