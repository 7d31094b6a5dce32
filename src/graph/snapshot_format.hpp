#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <weir/graph/snapshot.hpp>
#include <weir/state/archive.hpp>

/// \file
/// The frame of a snapshot: header, sections, trailer, and their checksums. See docs/snapshot_format.md.

namespace weir::inline v0::detail {

inline constexpr std::string_view snapshot_magic = "WEIRSNAP";
inline constexpr std::uint32_t snapshot_format = 1;
inline constexpr std::uint32_t of_whole = 0xFFFFFFFF;  // the group of a section of an operator as a whole
inline constexpr std::uint64_t as_in_base =
    ~std::uint64_t{0};  // the length of a section that an increment leaves out
inline constexpr std::uint32_t end_of_sections = 0xFFFFFFFF;

/// What the header says of an operator.
struct HeaderEntry {
  std::string name;
  std::string kind;
  std::string keys;  // the operator whose keys it keeps something of; empty if it keeps nothing of keys
  std::uint64_t definition = 0;
  std::uint64_t layout = 0;
  KeptState::Kind kept = KeptState::Kind::nothing;
};

struct SnapshotHeader {
  std::string pipeline;
  std::uint64_t definition = 0;
  std::string positions;
  bool is_increment = false;
  std::uint32_t key_groups = 0;
  std::vector<std::uint32_t> groups = {};  // ascending
  bool is_finished = false;
  std::vector<HeaderEntry> operators = {};
  std::string shared = {};  // what the operators share

  /// Of the groups the highest is below their number, and each is there once. Each operator has a name of its own.
  [[nodiscard]] bool is_sound() const;
};

/// What an operator of a pipeline is in a snapshot.
[[nodiscard]] HeaderEntry entry_of(const Wiring& wiring, const Node& node);
/// The fingerprint of all operators together.
[[nodiscard]] std::uint64_t fingerprint_of(const std::vector<HeaderEntry>& operators);

using SectionHash = std::array<std::uint64_t, 2>;
/// By which an increment knows that a section has not changed.
[[nodiscard]] SectionHash section_hash(std::string_view content);
/// Where a section stands among all of a snapshot.
[[nodiscard]] std::pair<std::uint32_t, std::uint32_t> rank_of(std::uint32_t node, std::uint32_t group);

/// Calls `read` with a source of bytes that lie in memory.
template <class Read>
auto read_bytes(std::string_view bytes, Read&& read) {
  const auto source = [&bytes](std::span<char> buffer) -> absl::StatusOr<std::size_t> {
    const std::size_t taken = bytes.copy(buffer.data(), buffer.size());
    bytes.remove_prefix(taken);
    return taken;
  };
  return read(SnapshotSource(source));
}

/// Calls `write` with a sink that puts all pieces into one string, which is empty after an error.
template <class Write>
absl::Status write_bytes(std::string& image, Write&& write) {
  image.clear();
  const auto sink = [&image](std::string_view piece) {
    image.append(piece);
    return absl::OkStatus();
  };
  absl::Status status = write(SnapshotSink(sink));
  if (!status.ok()) image.clear();
  return status;
}

struct SectionHead {
  std::uint32_t node = 0;
  std::uint32_t group = 0;
  std::uint64_t bytes = 0;
  bool has_content = true;  // false: it is as in the base
};

/// Where the sections of a snapshot go.
class SectionTaker {
 public:
  SectionTaker() = default;
  SectionTaker(const SectionTaker&) = delete;
  SectionTaker& operator=(const SectionTaker&) = delete;
  virtual ~SectionTaker() = default;
  virtual void section(std::uint32_t node, std::uint32_t group, std::string_view content) = 0;
  [[nodiscard]] virtual bool is_good() const noexcept = 0;
};

/// Keeps the sections of a snapshot.
struct Frozen final : SectionTaker {
  struct Section {
    std::uint32_t node;
    std::uint32_t group;
    std::string content;
  };

  void section(std::uint32_t node, std::uint32_t group, std::string_view content) override {
    sections.push_back({node, group, std::string(content)});
  }
  [[nodiscard]] bool is_good() const noexcept override { return true; }

  SnapshotHeader header;
  std::optional<SnapshotInfo> base;
  std::vector<Section> sections;
};

/// Gives a snapshot to a sink piece by piece.
class SnapshotWriter final : public SectionTaker {
 public:
  /// Sections that are as in the base, if there is one, are left out.
  explicit SnapshotWriter(SnapshotSink sink, const SnapshotInfo* base = nullptr) : sink_(sink), base_(base) {}

  void header(SnapshotHeader& header);
  void section(std::uint32_t node, std::uint32_t group, std::string_view content) override;
  /// The end. What became of it all.
  [[nodiscard]] absl::Status finish();
  [[nodiscard]] bool is_good() const noexcept override { return status_.ok(); }

 private:
  [[nodiscard]] bool is_in_base(const SectionHead& head, std::string_view content, Archive& same);
  void put_section(std::uint32_t node, std::uint32_t group, std::uint64_t bytes, std::string_view content);
  void put(std::string_view bytes);
  void hand_over();

  SnapshotSink sink_;
  const SnapshotInfo* base_;
  std::size_t next_in_base_ = 0;
  std::string piece_;
  absl::Status status_;
  std::uint64_t sections_ = 0;
  std::uint64_t chain_ = 0;  // of the checksums so far
};

/// Takes a snapshot from a source piece by piece. Nothing is given out before its checksum was right.
class SnapshotReader {
 public:
  explicit SnapshotReader(SnapshotSource source) : source_(source) {}

  /// The header, which outlives the reading.
  [[nodiscard]] absl::Status header(SnapshotHeader& header);
  /// The next section; its node is `end_of_sections` behind the last one.
  [[nodiscard]] absl::Status next(SectionHead& head);
  /// Of the section that `next` gave. Valid until the next call.
  [[nodiscard]] const std::string& content() const noexcept { return content_; }
  /// The hash of its content, also if that is in the base.
  [[nodiscard]] SectionHash hash() const { return last_.has_content ? section_hash(content_) : hash_; }
  /// Where the content begins in the snapshot.
  [[nodiscard]] std::uint64_t content_at() const noexcept { return content_at_; }
  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }
  [[nodiscard]] std::uint32_t format() const noexcept { return format_; }

 private:
  [[nodiscard]] absl::Status fill(std::string& out, std::uint64_t bytes);
  [[nodiscard]] absl::Status damaged(std::string_view why) const;
  [[nodiscard]] absl::Status read_section(SectionHead& head, std::string_view raw);
  [[nodiscard]] absl::Status end(const SectionHead& head, std::string_view raw);

  SnapshotSource source_;
  std::string content_;
  std::uint64_t content_at_ = 0;
  std::uint64_t offset_ = 0;
  std::uint32_t format_ = 0;
  std::uint64_t sections_ = 0;
  std::uint64_t chain_ = 0;
  bool has_section_ = false;
  bool is_increment_ = false;
  const SnapshotHeader* header_ = nullptr;      // once it is known to be right
  const HeaderEntry* read_operator_ = nullptr;  // whose section is read, if that is known
  SectionHash hash_{};
  SectionHead last_;
};

}  // namespace weir::inline v0::detail
