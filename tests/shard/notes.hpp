#pragma once

#include <cstdint>

#include <weir/weir.hpp>

/// \file
/// A small stream, and what a pipeline of a shard of it is made of.

namespace shard {

struct Note {
  std::uint64_t key = 0;
  weir::EventTime at{};
};
struct Count {
  std::int64_t n = 0;
};
struct Notes {
  weir::Source<Note> notes;
  weir::View<std::uint64_t, Count> counts;
};

}  // namespace shard
