#include "snapshot_format.hpp"

#include <algorithm>
#include <functional>

#include <weir/base/description.hpp>
#include <weir/flow/definition.hpp>
#include <weir/flow/node.hpp>

namespace weir::inline v0::detail {

namespace {

constexpr std::size_t piece_bytes = std::size_t{64} << 10;
constexpr std::size_t read_at_first = std::size_t{16} << 10;
constexpr std::size_t read_at_once = std::size_t{1} << 20;

std::uint64_t checksum(std::string_view bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

void archive_kind(Archive& archive, KeptState::Kind& kind) {
  archive(kind);
  if (kind > KeptState::Kind::own_keys) archive.fail("an operator keeps its state in no known way");
}

void archive_header(Archive& archive, SnapshotHeader& header) {
  archive(header.pipeline, header.definition, header.positions, header.is_increment, header.key_groups,
          header.groups, header.is_finished);
  std::size_t count = header.operators.size();
  constexpr std::size_t least_entry_bytes = 5 * sizeof(std::uint64_t) + 1;
  archive.size(count, least_entry_bytes);
  if (archive.is_loading()) {
    header.operators.clear();
    header.operators.reserve(count);
  }
  for (std::size_t i = 0; i < count && archive.is_good(); ++i) {
    if (archive.is_loading()) header.operators.emplace_back();
    HeaderEntry& entry = header.operators[i];
    archive(entry.name, entry.kind, entry.keys, entry.definition, entry.layout);
    archive_kind(archive, entry.kept);
  }
  archive(header.shared);
}

}  // namespace

std::pair<std::uint32_t, std::uint32_t> rank_of(std::uint32_t node, std::uint32_t group) {
  return {node, group + 1};  // the operator as a whole comes first: its number is the greatest there is
}

SectionHash section_hash(std::string_view content) {
  const XXH128_hash_t hash = XXH3_128bits(content.data(), content.size());
  return {hash.low64, hash.high64};
}

bool SnapshotHeader::is_sound() const {
  const bool is_power = key_groups >= 1 && key_groups <= 32768 && (key_groups & (key_groups - 1)) == 0;
  const bool is_ascending =
      std::adjacent_find(groups.begin(), groups.end(), std::greater_equal<>{}) == groups.end();
  std::vector<std::string_view> names;
  names.reserve(operators.size());
  for (const HeaderEntry& one : operators) names.push_back(one.name);
  std::sort(names.begin(), names.end());
  const bool has_unique_names = std::adjacent_find(names.begin(), names.end()) == names.end();
  return is_power && is_ascending && (groups.empty() || groups.back() < key_groups) && has_unique_names;
}

namespace {

/// The node that owns the keys of which another one keeps something: the `key_by` that leads to it.
std::string owner_of(const Wiring& wiring, const Node& node) {
  const Node* one = &node;
  while (one->kept().kind != KeptState::Kind::own_keys) {
    const std::vector<std::size_t>& inputs = wiring.inputs(*one);
    if (inputs.empty()) return {};
    one = wiring.nodes()[inputs.front()].get();
  }
  return one->name();
}

}  // namespace

HeaderEntry entry_of(const Wiring& wiring, const Node& node) {
  Description out;
  out.begin_object();
  out.text("kind", node.stats().kind);
  if (!node.definition().empty()) out.text("definition", node.definition());
  node.describe(out);
  out.end();
  const KeptState kept = node.kept();
  return {.name = node.name(),
          .kind = node.stats().kind,
          .keys = kept.kind == KeptState::Kind::by_key ? owner_of(wiring, node) : std::string(),
          .definition = fingerprint_of(out.str()),
          .layout = kept.layout,
          .kept = kept.kind};
}

std::uint64_t fingerprint_of(const std::vector<HeaderEntry>& operators) {
  std::uint64_t all = 0;
  for (const HeaderEntry& one : operators) all = checksum(one.name, all ^ one.definition);
  return all;
}

void SnapshotWriter::put(std::string_view bytes) {
  while (!bytes.empty() && status_.ok()) {
    if (piece_.empty() && bytes.size() >= piece_bytes) {
      status_ = sink_(bytes.substr(0, piece_bytes));
      bytes.remove_prefix(piece_bytes);
      continue;
    }
    const std::size_t taken = std::min(bytes.size(), piece_bytes - piece_.size());
    piece_.append(bytes.substr(0, taken));
    bytes.remove_prefix(taken);
    if (piece_.size() == piece_bytes) hand_over();
  }
}

void SnapshotWriter::hand_over() {
  if (status_.ok() && !piece_.empty()) status_ = sink_(piece_);
  piece_.clear();
}

void SnapshotWriter::header(SnapshotHeader& header) {
  Archive content;
  archive_header(content, header);
  Archive frame;
  frame.raw(const_cast<char*>(snapshot_magic.data()), snapshot_magic.size());
  frame.write(snapshot_format);
  frame.write(static_cast<std::uint64_t>(content.written().size()));
  chain_ = checksum(content.written(), checksum(frame.written(), 0));
  put(frame.written());
  put(content.written());
  Archive sum;
  sum(chain_);
  put(sum.written());
}

void SnapshotWriter::section(std::uint32_t node, std::uint32_t group, std::string_view content) {
  Archive same;
  if (base_ != nullptr && is_in_base({.node = node, .group = group, .bytes = content.size()}, content, same))
    return put_section(node, group, as_in_base, same.written());
  put_section(node, group, content.size(), content);
}

bool SnapshotWriter::is_in_base(const SectionHead& head, std::string_view content, Archive& same) {
  const auto& sections = base_->sections;
  while (next_in_base_ < sections.size() &&
         rank_of(sections[next_in_base_].of, sections[next_in_base_].group) < rank_of(head.node, head.group))
    ++next_in_base_;
  if (next_in_base_ == sections.size()) return false;
  const SnapshotInfo::Section& before = sections[next_in_base_];
  const SectionHash hash = section_hash(content);
  same.write(head.bytes);
  same.write(hash);
  return before.of == head.node && before.group == head.group && before.bytes == head.bytes &&
         before.hash == hash;
}

void SnapshotWriter::put_section(std::uint32_t node, std::uint32_t group, std::uint64_t bytes,
                                 std::string_view content) {
  Archive head;
  head.write(node);
  head.write(group);
  head.write(bytes);
  chain_ = checksum(content, checksum(head.written(), chain_));
  ++sections_;
  put(head.written());
  put(content);
  Archive sum;
  sum(chain_);
  put(sum.written());
}

absl::Status SnapshotWriter::finish() {
  Archive trailer;
  trailer.write(end_of_sections);
  trailer.write(of_whole);
  trailer(sections_);
  const std::uint64_t last = checksum(trailer.written(), chain_);
  trailer.write(last);
  put(trailer.written());
  hand_over();
  return status_;
}

absl::Status SnapshotReader::damaged(std::string_view why) const {
  const std::string whose = read_operator_ == nullptr ? "" : read_operator_->name + ": ";
  return absl::DataLossError(whose + "the snapshot is damaged at offset " + std::to_string(offset_) + ": " +
                             std::string(why));
}

namespace {

/// Makes room for `size` bytes, or as many more as are there already, but not for more than `most`.
void make_room(std::string& bytes, std::size_t size, std::uint64_t most) {
  if (size <= bytes.capacity()) return;
  std::string larger;  // a string that grows takes twice what it had
  larger.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(most, std::max(size, 2 * bytes.size()))));
  larger.append(bytes);
  bytes.swap(larger);
}

}  // namespace

absl::Status SnapshotReader::fill(std::string& out, std::uint64_t bytes) {
  out.clear();
  while (out.size() < bytes) {
    // Memory is taken as bytes come, whatever length was promised.
    const std::size_t begin = out.size();
    const std::size_t most = std::clamp(begin, read_at_first, read_at_once);
    const auto asked = static_cast<std::size_t>(std::min<std::uint64_t>(bytes - begin, most));
    make_room(out, begin + asked, bytes);
    out.resize(begin + asked);
    const absl::StatusOr<std::size_t> got = source_(std::span(out.data() + begin, out.size() - begin));
    if (!got.ok()) return got.status();
    if (*got > out.size() - begin)
      return absl::InvalidArgumentError("a snapshot's source gave more bytes than it was asked for");
    out.resize(begin + *got);
    offset_ += *got;
    if (*got == 0) return damaged("it ends before all of it is there");
  }
  return absl::OkStatus();
}

absl::Status SnapshotReader::header(SnapshotHeader& header) {
  std::string frame;
  if (absl::Status status = fill(frame, snapshot_magic.size() + 12); !status.ok()) return status;
  if (!std::string_view(frame).starts_with(snapshot_magic)) {
    return absl::InvalidArgumentError("this is no snapshot of weir: it does not begin with WEIRSNAP");
  }
  Archive head(std::string_view(frame).substr(snapshot_magic.size()));
  std::uint64_t bytes = 0;
  head(format_, bytes);
  if (format_ != snapshot_format) {
    return absl::UnimplementedError("the snapshot has format " + std::to_string(format_) +
                                    ", and this weir reads format " + std::to_string(snapshot_format) +
                                    "; read it with the weir that wrote it");
  }
  if (absl::Status status = fill(content_, bytes); !status.ok()) return status;
  std::string sum;
  if (absl::Status status = fill(sum, sizeof(std::uint64_t)); !status.ok()) return status;
  chain_ = checksum(content_, checksum(frame, 0));
  std::uint64_t stored = 0;
  Archive stored_sum(sum);
  stored_sum(stored);
  if (stored != chain_) return damaged("the checksum of the header is wrong");
  Archive in(content_);
  archive_header(in, header);
  if (!in.is_good()) return damaged("the header: " + in.reason());
  if (in.left() != 0 || !header.is_sound()) return damaged("the header makes no sense");
  is_increment_ = header.is_increment;
  header_ = &header;
  return absl::OkStatus();
}

absl::Status SnapshotReader::next(SectionHead& head) {
  std::string raw;
  if (absl::Status status = fill(raw, 16); !status.ok()) return status;
  Archive in(raw);
  in(head.node, head.group, head.bytes);
  if (head.node == end_of_sections) return end(head, raw);
  // Each operator has a section: a number that skips some is itself what is damaged.
  const std::uint32_t last = has_section_ ? last_.node : 0;
  const bool is_next = head.node == last || (has_section_ && head.node == last + 1);
  if (is_next && head.node < header_->operators.size()) read_operator_ = &header_->operators[head.node];
  absl::Status status = read_section(head, raw);
  read_operator_ = nullptr;
  return status;
}

absl::Status SnapshotReader::read_section(SectionHead& head, std::string_view raw) {
  content_at_ = offset_;
  head.has_content = head.bytes != as_in_base;
  if (!head.has_content && !is_increment_) return damaged("a section refers to a base, and there is none");
  constexpr std::size_t same_bytes = sizeof(std::uint64_t) + sizeof(SectionHash);
  if (absl::Status status = fill(content_, head.has_content ? head.bytes : same_bytes); !status.ok())
    return status;
  std::string sum;
  if (absl::Status status = fill(sum, sizeof(std::uint64_t)); !status.ok()) return status;
  chain_ = checksum(content_, checksum(raw, chain_));
  std::uint64_t stored = 0;
  Archive stored_sum(sum);
  stored_sum(stored);
  if (stored != chain_) return damaged("the checksum of a section is wrong");
  if (!head.has_content) {
    Archive same(content_);
    same(head.bytes, hash_);
  }
  if (has_section_ && rank_of(head.node, head.group) <= rank_of(last_.node, last_.group))
    return damaged("sections are not in their order");
  has_section_ = true;
  last_ = head;
  ++sections_;
  return absl::OkStatus();
}

absl::Status SnapshotReader::end(const SectionHead& head, std::string_view raw) {
  std::string sum;
  if (absl::Status status = fill(sum, sizeof(std::uint64_t)); !status.ok()) return status;
  std::uint64_t stored = 0;
  Archive in(sum);
  in(stored);
  if (stored != checksum(raw, chain_) || head.bytes != sections_ || head.group != of_whole)
    return damaged("the end is not the end of what came before");
  char more = 0;
  const absl::StatusOr<std::size_t> got = source_(std::span(&more, 1));
  if (!got.ok()) return got.status();
  if (*got != 0) return damaged("something follows behind the end");
  return absl::OkStatus();
}

}  // namespace weir::inline v0::detail
