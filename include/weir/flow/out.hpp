#pragma once

#include <utility>

#include <weir/flow/batch.hpp>

/// \file
/// Out: the only way in which a custom operator emits.

namespace weir::inline v0 {

/// One output port of a custom operator; which one is its place among the parameters of `process`.
template <class Record>
class Out {
 public:
  explicit Out(Outbox<Record>& box) : box_(&box) {}

  /// Emits with the time of the record (or timer) being processed.
  void emit(const Record& record) { box_->push(record, time_, slot_); }
  void emit(Record&& record) { box_->push(std::move(record), time_, slot_); }
  /// Emits with a time of its own.
  void emit_at(EventTime time, Record record) { box_->push(std::move(record), time, slot_); }

  /// For the node that owns the port: whose time and key the next records take.
  void stand_at(EventTime time, Slot slot) noexcept {
    time_ = time;
    slot_ = slot;
  }

 private:
  Outbox<Record>* box_;
  EventTime time_ = no_time;
  Slot slot_ = no_slot;
};

}  // namespace weir::inline v0
