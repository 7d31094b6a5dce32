#pragma once

#include <cstddef>
#include <cstdint>
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

/// What goes into a snapshot.
struct SnapshotSpec {
  /// Bytes of the host that belong to this state: offsets of its input, as a rule. `inspect` gives them back.
  std::string_view positions = {};
  /// Only these key groups; empty: all.
  std::vector<std::uint32_t> groups = {};
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
    std::uint64_t keys = 0;   ///< of an operator that owns keys
    std::uint64_t bytes = 0;  ///< of its sections
  };
  std::uint32_t format = 0;
  std::string pipeline;
  std::uint64_t definition = 0;  ///< the fingerprint of all operators
  std::string positions;
  std::uint32_t key_groups = 0;            ///< how many there are
  std::vector<std::uint32_t> groups = {};  ///< those that are in it
  bool is_finished = false;                ///< the streams had ended
  std::vector<Operator> operators = {};    ///< in the order of their attachment
};

/// Reads what a snapshot says of itself and checks that all of it is there and whole.
/// Errors: DataLoss with the offset and the reason; Unimplemented for a format of a later weir
[[nodiscard]] absl::StatusOr<SnapshotInfo> inspect(std::string_view snapshot);

namespace detail {

/// A wiring with what a snapshot needs besides: see `Pipeline::snapshot` and `Pipeline::restore`.
[[nodiscard]] absl::Status write_snapshot(Wiring& wiring, bool is_finished, const SnapshotSpec& spec,
                                          SnapshotSink sink);
[[nodiscard]] absl::Status read_snapshot(Wiring& wiring, bool& is_finished, const RestoreSpec& spec,
                                         SnapshotSource source);
/// Forgets the keys of some groups everywhere.
[[nodiscard]] absl::Status drop_groups(Wiring& wiring, std::span<const std::uint32_t> groups);

}  // namespace detail

}  // namespace weir::inline v0
