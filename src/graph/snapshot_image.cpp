#include <weir/graph/snapshot.hpp>

#include <utility>

#include "snapshot_format.hpp"

// What can be done with a snapshot without its pipeline: looking into it, writing a frozen one, putting an increment on its base.

namespace weir::inline v0 {

absl::StatusOr<SnapshotInfo> inspect(SnapshotSource source) {
  detail::SnapshotReader reader(source);
  detail::SnapshotHeader header;
  if (absl::Status status = reader.header(header); !status.ok()) return status;
  SnapshotInfo info{.format = reader.format(),
                    .pipeline = header.pipeline,
                    .definition = header.definition,
                    .positions = header.positions,
                    .is_increment = header.is_increment,
                    .key_groups = header.key_groups,
                    .groups = header.groups,
                    .is_finished = header.is_finished};
  for (const detail::HeaderEntry& entry : header.operators) {
    info.operators.push_back({.name = entry.name,
                              .kind = entry.kind,
                              .definition = entry.definition,
                              .layout = entry.layout,
                              .kept = entry.kept});
  }
  detail::SectionHead head;
  while (true) {
    if (absl::Status status = reader.next(head); !status.ok()) return status;
    if (head.node == detail::end_of_sections) return info;
    if (head.node >= info.operators.size())
      return absl::DataLossError(
          "the snapshot has a section of an operator that it does not name, at offset " +
          std::to_string(reader.offset()));
    SnapshotInfo::Operator& of = info.operators[head.node];
    of.bytes += head.bytes;
    info.sections.push_back(
        {.of = head.node, .group = head.group, .bytes = head.bytes, .hash = reader.hash()});
    if (!head.has_content) continue;
    Archive content(reader.content());
    if (head.group == detail::of_whole) {
      content(of.watermark);
    } else if (of.kept == KeptState::Kind::own_keys) {
      std::uint64_t keys = 0;
      content(keys);
      of.keys += keys;
    }
  }
}

absl::StatusOr<SnapshotInfo> inspect(std::string_view snapshot) {
  return detail::read_bytes(snapshot, [](SnapshotSource source) { return inspect(source); });
}

absl::Status FrozenSnapshot::write(SnapshotSink sink) const {
  detail::SnapshotWriter writer(sink, frozen_->base ? &*frozen_->base : nullptr);
  detail::SnapshotHeader header = frozen_->header;
  writer.header(header);
  for (const auto& section : frozen_->sections) {
    if (!writer.is_good()) break;
    writer.section(section.node, section.group, section.content);
  }
  return writer.finish();
}

absl::Status FrozenSnapshot::write(std::string& image) const {
  return detail::write_bytes(image, [this](SnapshotSink sink) { return write(sink); });
}

std::uint64_t FrozenSnapshot::size_bytes() const noexcept {
  std::uint64_t bytes = 0;
  for (const auto& section : frozen_->sections) bytes += sizeof(section) + section.content.capacity();
  return bytes;
}

absl::Status combine(SnapshotSource base, SnapshotSource increment, SnapshotSink sink) {
  detail::SnapshotReader old_reader(base);
  detail::SnapshotReader reader(increment);
  detail::SnapshotHeader old_header;
  detail::SnapshotHeader header;
  if (absl::Status status = old_reader.header(old_header); !status.ok()) return status;
  if (absl::Status status = reader.header(header); !status.ok()) return status;
  if (old_header.is_increment)
    return absl::FailedPreconditionError("the base is an increment, too; combine it with its own base first");
  if (!header.is_increment)
    return absl::FailedPreconditionError("the increment is none: it is a whole snapshot and needs no base");
  header.is_increment = false;
  detail::SnapshotWriter writer(sink);
  writer.header(header);
  detail::SectionHead before;
  if (absl::Status status = old_reader.next(before); !status.ok()) return status;
  detail::SectionHead head;
  while (writer.is_good()) {
    if (absl::Status status = reader.next(head); !status.ok()) return status;
    if (head.node == detail::end_of_sections) break;
    if (head.has_content) {
      writer.section(head.node, head.group, reader.content());
      continue;
    }
    while (before.node != detail::end_of_sections &&
           detail::rank_of(before.node, before.group) < detail::rank_of(head.node, head.group)) {
      if (absl::Status status = old_reader.next(before); !status.ok()) return status;
    }
    if (before.node != head.node || before.group != head.group || old_reader.hash() != reader.hash())
      return absl::FailedPreconditionError("the increment was written with another base");
    writer.section(head.node, head.group, old_reader.content());
  }
  while (before.node != detail::end_of_sections) {  // all of the base has to be whole
    if (absl::Status status = old_reader.next(before); !status.ok()) return status;
  }
  return writer.finish();
}

absl::StatusOr<std::string> combine(std::string_view base, std::string_view increment) {
  std::string image;
  const absl::Status status = detail::write_bytes(image, [&](SnapshotSink sink) {
    return detail::read_bytes(base, [&](SnapshotSource old_bytes) {
      return detail::read_bytes(increment,
                                [&](SnapshotSource bytes) { return combine(old_bytes, bytes, sink); });
    });
  });
  if (!status.ok()) return status;
  return image;
}

}  // namespace weir::inline v0
