#pragma once

#include <cstddef>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include <weir/weir.hpp>

#include "support/versus.hpp"

/// \file
/// Our side of a case: a pipeline built through the public API, and nothing else.

namespace bench {

/// A pipeline with one source that takes `Record`s.
template <class Record>
class Ours {
 public:
  Ours(weir::Graph graph, weir::Source<Record> source)
      : source_(std::move(source)), pipeline_(built(std::move(graph))) {}

  void push(const Record& record) { pipeline_.push(source_, record); }
  void push(std::span<const Record> records) { pipeline_.push(source_, records); }
  void advance(weir::EventTime watermark) { check(pipeline_.advance(source_, watermark)); }
  void finish() { check(pipeline_.finish()); }
  [[nodiscard]] const weir::OperatorStats& stats(std::string_view name) const {
    return pipeline_.stats(name);
  }

 private:
  static void check(const absl::Status& status) {
    if (status.ok()) return;
    std::cerr << status << '\n';
    std::abort();
  }
  static weir::Pipeline built(weir::Graph graph) {
    absl::StatusOr<weir::Pipeline> pipeline = std::move(graph).build();
    check(pipeline.status());
    return *std::move(pipeline);
  }

  weir::Source<Record> source_;
  weir::Pipeline pipeline_;
};

/// Ours over a stream: `wire(source, sink)` declares the pipeline behind the source.
template <class Record, class Wire>
[[nodiscard]] Contender ours(std::shared_ptr<Stream<Record>> stream,
                             std::type_identity_t<weir::WatermarkRule<Record>> rule, Wire&& wire,
                             std::size_t batch = 256) {
  auto tally = std::make_shared<Tally>();
  weir::Graph graph{"bench"};
  weir::Source<Record> source = graph.source<Record>("events", {.time = &Record::at, .watermark = rule});
  std::forward<Wire>(wire)(source, TallySink{*tally});
  auto operation = std::make_shared<Ours<Record>>(std::move(graph), source);
  return contender(std::move(stream), std::move(operation), std::move(tally), batch);
}

}  // namespace bench
