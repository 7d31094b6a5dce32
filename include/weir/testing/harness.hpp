#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <weir/base/assert.hpp>
#include <weir/weir.hpp>

/// \file
/// Harness: a graph on the bench. Push, move time, look at what came out.

namespace weir::inline v0::testing {

/// Runs a graph and remembers what its streams gave. Streams to look at are named with `watch` before the first push.
///
/// Errors: a graph that does not build, and calls that the pipeline refuses, are programmer errors here
class Harness {
 public:
  explicit Harness(Graph graph) : graph_(std::move(graph)) {}
  Harness(const Harness&) = delete;
  Harness& operator=(const Harness&) = delete;
  ~Harness() = default;

  /// Remembers every record of a stream from now on. Programmer error after the first push.
  template <class Handle>
  Harness& watch(const Handle& handle) {
    using Record = typename Handle::Record;
    WEIR_ASSERT(!pipeline_.has_value(), "watch() streams before the first push");
    auto records = std::make_unique<Recording<Record>>(&handle.port());
    auto* seen = &records->seen;
    handle | sink("watched #" + std::to_string(recordings_.size()),
                  [seen](const Record& record) { seen->push_back(record); });
    recordings_.push_back(std::move(records));
    return *this;
  }
  /// Everything a watched stream has given so far, in order.
  template <class Handle>
  [[nodiscard]] const std::vector<typename Handle::Record>& seen(const Handle& handle) const {
    for (const auto& recording : recordings_) {
      if (recording->port == &handle.port()) {
        return static_cast<const Recording<typename Handle::Record>&>(*recording).seen;
      }
    }
    WEIR_ASSERT(false, "seen() of a stream that is not watched; call watch(stream) before the first push");
  }
  /// The value of the newest row of a key that was not a retraction; nothing if there was none.
  template <class KeyType, class Row, class RecordType>
  [[nodiscard]] std::optional<Row> last(const Aggregated<KeyType, Row, RecordType>& rows,
                                        const std::type_identity_t<KeyType>& key) const {
    const auto& all = seen(rows);
    for (auto row = all.rbegin(); row != all.rend(); ++row) {
      if (row->key == key && !row->pane.is_retraction) return row->value;
    }
    return std::nullopt;
  }

  template <class Record>
  Admit push(const Source<Record>& source, const std::type_identity_t<Record>& record) {
    return pipeline().push(source, record);
  }
  template <class Record>
  Admitted push(const Source<Record>& source, std::span<const std::type_identity_t<Record>> records) {
    return pipeline().push(source, records);
  }
  template <class Record>
  Harness& watermark(const Source<Record>& source, EventTime watermark) {
    require(pipeline().advance(source, watermark));
    return *this;
  }
  Harness& tick(WallTime now) {
    require(pipeline().tick(now));
    return *this;
  }
  Harness& finish() {
    require(pipeline().finish());
    return *this;
  }
  [[nodiscard]] const OperatorStats& stats(std::string_view name) { return pipeline().stats(name); }

  /// The pipeline under test; the first call builds it.
  [[nodiscard]] Pipeline& pipeline() {
    if (!pipeline_.has_value()) {
      absl::StatusOr<Pipeline> built = std::move(graph_).build();
      require(built.status());
      pipeline_.emplace(*std::move(built));
    }
    return *pipeline_;
  }

 private:
  struct RecordingBase {
    explicit RecordingBase(const void* of) : port(of) {}
    virtual ~RecordingBase() = default;
    const void* port;
  };
  template <class Record>
  struct Recording final : RecordingBase {
    using RecordingBase::RecordingBase;
    std::vector<Record> seen;
  };
  static void require(const absl::Status& status) { WEIR_ASSERT(status.ok(), status.ToString().c_str()); }

  Graph graph_;
  std::optional<Pipeline> pipeline_;
  std::vector<std::unique_ptr<RecordingBase>> recordings_;
};

}  // namespace weir::inline v0::testing
