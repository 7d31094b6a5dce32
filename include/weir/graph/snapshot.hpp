#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <weir/flow/node.hpp>
#include <weir/flow/node_archive.hpp>
#include <weir/time/instant.hpp>

/// \file
/// Snapshots: the whole state of a pipeline as bytes, and back. The format is in docs/snapshot_format.md.

namespace weir::inline v0 {

struct SnapshotInfo;

/// What goes into a snapshot.
struct SnapshotSpec {
  /// Bytes of the host that belong to this state: offsets of its input, as a rule. `inspect` gives them back.
  std::string_view positions = {};
  /// Only these key groups; empty: all.
  std::vector<std::uint32_t> groups = {};
  /// What `inspect` said of an earlier snapshot, or increment: then only what has changed since is written, an increment. `combine`
  /// makes a snapshot of the two. Looked at during the call only.
  const SnapshotInfo* base = nullptr;
};

/// What is taken from a snapshot, and what may differ from it. By default everything is taken and nothing may differ.
struct RestoreSpec {
  /// Only these key groups; empty: all that the snapshot has.
  std::vector<std::uint32_t> groups = {};
  /// Operators of the snapshot whose state is not wanted.
  std::vector<std::string> drop = {};
  /// Operators of the pipeline that begin without state.
  std::vector<std::string> start_empty = {};
  /// Operators that have another name now: {before, now}.
  std::vector<std::pair<std::string, std::string>> rename = {};
  /// Whether counters are taken too. Of the parts of one snapshot one should take them.
  bool counters = true;
};

/// Takes a piece of a snapshot, at most 64 KiB, and says whether it could keep it.
using SnapshotSink = absl::FunctionRef<absl::Status(std::string_view piece)>;
/// Fills a buffer as far as it can and says how far that was: 0 at the end.
using SnapshotSource = absl::FunctionRef<absl::StatusOr<std::size_t>(std::span<char> buffer)>;

/// What a snapshot says of itself, without the pipeline that wrote it.
struct SnapshotInfo {
  struct Operator {
    std::string name;
    std::string kind;
    std::uint64_t definition = 0;  ///< the fingerprint of what it computes
    std::uint64_t layout = 0;      ///< a number for how its state is written
    KeptState::Kind kept = KeptState::Kind::nothing;
    EventTime watermark = no_time;
    std::uint64_t keys = 0;   ///< of an operator that owns keys; of an increment, in the sections that it has
    std::uint64_t bytes = 0;  ///< of its sections
  };
  /// A part of the bytes: what an operator keeps as a whole, or of one key group.
  struct Section {
    std::uint32_t of = 0;     ///< the operator's place in `operators`
    std::uint32_t group = 0;  ///< the key group; the greatest number for the operator as a whole
    std::uint64_t bytes = 0;
    std::array<std::uint64_t, 2> hash = {};  ///< XXH3 of the content with 128 bits
  };
  std::uint32_t format = 0;
  std::string pipeline;
  std::uint64_t definition = 0;  ///< the fingerprint of all operators
  std::string positions;
  bool is_increment = false;               ///< it has only what is not in its base
  std::uint32_t key_groups = 0;            ///< how many there are
  std::vector<std::uint32_t> groups = {};  ///< those that are in it
  bool is_finished = false;                ///< the streams had ended
  std::vector<Operator> operators = {};    ///< in the order of their attachment
  std::vector<Section> sections = {};      ///< in their order, those of the base included
};

namespace detail {
struct Frozen;
}  // namespace detail

/// The state of a pipeline at one instant, which has nothing to do with the pipeline any more. See `Pipeline::begin_snapshot`.
///
/// Copies share the state. Any thread may write it, also several at once.
/// Memory:  as many bytes as it has, until the last copy is gone
class FrozenSnapshot {
 public:
  explicit FrozenSnapshot(std::shared_ptr<const detail::Frozen> frozen) : frozen_(std::move(frozen)) {}

  /// Hands the snapshot over, as `Pipeline::snapshot` would have.
  /// Errors: what the sink says
  [[nodiscard]] absl::Status write(SnapshotSink sink) const;
  /// The same into a string, which is empty after an error.
  [[nodiscard]] absl::Status write(std::string& image) const;
  /// How much memory the state takes.
  [[nodiscard]] std::uint64_t size_bytes() const noexcept;

 private:
  std::shared_ptr<const detail::Frozen> frozen_;
};

/// Reads what a snapshot says of itself and checks that all of it is there and whole.
/// Memory: one section, and what it gives
/// Errors: DataLoss with the offset, the reason and the operator, if that is known; Unimplemented for a format of a later weir; what
///         the source says
[[nodiscard]] absl::StatusOr<SnapshotInfo> inspect(SnapshotSource source);
/// The same of bytes in memory.
[[nodiscard]] absl::StatusOr<SnapshotInfo> inspect(std::string_view snapshot);

/// Makes a snapshot of one and an increment that was written with it as its base: byte for byte what would have been written
/// without a base. Reads and writes section by section.
/// Errors:  DataLoss for bytes that are damaged; FailedPrecondition if the base is another one, or the increment is none. What the
///          sink has taken until then is worthless
[[nodiscard]] absl::Status combine(SnapshotSource base, SnapshotSource increment, SnapshotSink sink);
/// The same in memory.
[[nodiscard]] absl::StatusOr<std::string> combine(std::string_view base, std::string_view increment);

namespace detail {

/// A wiring with what a snapshot needs besides: see `Pipeline::snapshot` and `Pipeline::restore`.
[[nodiscard]] absl::Status write_snapshot(Wiring& wiring, bool is_finished, const SnapshotSpec& spec,
                                          SnapshotSink sink);
[[nodiscard]] absl::StatusOr<FrozenSnapshot> freeze_snapshot(Wiring& wiring, bool is_finished,
                                                             const SnapshotSpec& spec);
[[nodiscard]] absl::Status read_snapshot(Wiring& wiring, bool& is_finished, const RestoreSpec& spec,
                                         SnapshotSource source);
/// A pipeline as it was before its first record. What it has restored since then can be taken back.
class FreshState {
 public:
  explicit FreshState(Wiring& wiring);
  void bring_back(Wiring& wiring, bool& is_finished) const;

 private:
  std::vector<std::string> wholes_;  // of its nodes
  std::string shared_;
};
/// Forgets the keys of some groups everywhere.
[[nodiscard]] absl::Status drop_groups(Wiring& wiring, std::span<const std::uint32_t> groups);

}  // namespace detail

}  // namespace weir::inline v0
