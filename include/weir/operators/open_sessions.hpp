#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include <weir/flow/batch.hpp>
#include <weir/flow/node_archive.hpp>
#include <weir/operators/readable.hpp>
#include <weir/state/session_store.hpp>
#include <weir/window/session_span.hpp>

namespace weir::inline v0::detail {

/// Makes a session operator readable: the session so far of a key, as it lies.
template <class NodeType, class KeyType, class Row>
class OpenSessions : public Readable<KeyType, Row> {
 public:
  [[nodiscard]] std::size_t windows() const override { return 1; }
  [[nodiscard]] EventTime known_until() const override {
    const EventTime known_end = newest_ == no_time ? no_time : later(newest_, Duration{1});
    return std::max(node().last_watermark(), known_end);
  }
  void know(EventTime until) override { newest_ = std::max(newest_, earlier(until, Duration{1})); }
  [[nodiscard]] EventTime read_watermark() const override { return node().watermark(); }

  [[nodiscard]] Slot find(KeyView<KeyType> key) const override {
    const Slot slot = node().emitter().dictionary().find(key);
    return slot != no_slot && node().holds(slot) ? slot : no_slot;
  }
  [[nodiscard]] const StoredKey<KeyType>* key_of(Slot slot) const override {
    return node().holds(slot) ? &node().emitter().dictionary().key(slot) : nullptr;
  }
  void read_slot(Slot slot, EventTime as_of, Reading<Row>& out) override {
    out = {.known_until = known_until(), .covered = out.covered};
    out.covered[0] = {as_of, as_of};
    if (slot == no_slot) return;
    const auto* session = open_session(slot, as_of);
    if (session == nullptr) return;
    out.is_there = true;
    out.is_whole = session->last < as_of;  // else it has records that are not in the past
    out.event_time = session->last;
    out.version = session->id;
    out.covered[0] = {session->first, later(session->last, Duration{1})};
    node().emitter().aggregator().result(session->state, {session->first, as_of}, out.row, out.overflowed);
  }

  bool erase(KeyView<KeyType> key) override {
    const Slot slot = find(key);
    if (slot == no_slot) return false;
    const OwnedMemory::Scope memory(node().value_memory());
    end_all(slot);
    return true;
  }

 protected:
  /// Forgets the sessions of a key that has some.
  void end_all(Slot slot) {
    std::vector<SessionPlace> places;
    node().store().for_each(slot, [&places](SessionPlace place) { places.push_back(place); });
    this->drop(node().emitter().dictionary().key(slot));
    for (const SessionPlace place : places) node().store().erase(place);
  }
  void archive_newest(NodeArchive& out) { out.most(newest_); }
  template <class Record>
  void note(const Batch<Record>& batch) {
    for (std::size_t i = 0; i < batch.size; ++i) newest_ = std::max(newest_, batch.times[i]);
    if (!this->is_attached()) return;
    for (std::size_t i = 0; i < batch.size; ++i) this->touch(batch.slots[i]);
  }
  /// A session of this slot is not kept any more.
  void note_end(Slot slot) {
    if (!this->is_attached()) return;
    if (node().store().is_empty(slot)) {
      this->drop(node().emitter().dictionary().key(slot));
    } else {
      this->touch(slot);
    }
  }

 private:
  [[nodiscard]] NodeType& node() const noexcept {
    return const_cast<NodeType&>(static_cast<const NodeType&>(*this));
  }
  /// The newest session of a key that began before `as_of` and that a record then would join; null if there is none.
  [[nodiscard]] const auto* open_session(Slot slot, EventTime as_of) const {
    auto& store = node().store();
    decltype(store.only(slot)) open = nullptr;
    const SessionSpan asked{.first = as_of, .last = as_of, .end = {.at = later(as_of, Duration{1})}};
    store.visit_backwards(slot, earlier(as_of, Duration{1}), [&](SessionPlace place) {
      auto& session = store[place];
      const bool is_open = asked.touches(node().span_of(session), node().touching());
      if (is_open && (open == nullptr || session.first > open->first)) open = &session;
      return open == nullptr;
    });
    return std::as_const(open);
  }

  EventTime newest_ = no_time;
};

}  // namespace weir::inline v0::detail
