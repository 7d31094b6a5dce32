#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <weir/weir.hpp>

#include "csv.hpp"
#include "fuse.hpp"
#include "log.hpp"
#include "shop.hpp"
#include "store.hpp"

inline constexpr std::size_t records_per_batch = 256;
inline constexpr std::size_t records_per_snapshot = 5000;

// [region resume]
/// Gives the pipeline the state that was stored, and the log the position where that state ends.
inline absl::Status resume(weir::Pipeline& pipeline, LogReader& log, Store& store) {
  const std::string image = store.snapshot();
  if (image.empty()) return absl::OkStatus();  // none yet: from the beginning
  if (absl::Status restored = pipeline.restore(image); !restored.ok()) return restored;
  std::uint64_t position = 0;
  if (!support::read_integer(weir::inspect(image)->positions, position) || !log.seek(position)) {
    return absl::DataLossError("the log ends before the snapshot");
  }
  return absl::OkStatus();
}
// [end]

/// Fills a batch as far as the log goes, and says what stands behind it.
inline Frame read_batch(LogReader& log, std::vector<Payment>& batch, Fuse& fuse) {
  batch.clear();
  Payment payment;
  while (batch.size() < records_per_batch) {
    if (const Frame frame = log.next(payment); frame != Frame::record) return frame;
    fuse.at(Place::record);
    batch.push_back(payment);
  }
  return Frame::record;
}

/// A host with other things to do comes back to the log after them.
inline void wait_for_more(Fuse& fuse) {
  fuse.at_tail();
  std::this_thread::sleep_for(1ms);
}

// [region work]
/// Goes on from what is stored until the stream ends. May be killed anywhere, and begun again.
inline absl::Status work(LogReader& log, Store& store, Fuse& fuse) {
  std::vector<Emitted> rows;  // what came out and is not stored yet
  absl::StatusOr<Shop> shop = build_shop(rows);
  if (!shop.ok()) return shop.status();
  absl::Status status = resume(shop->pipeline, log, store);

  std::vector<Payment> batch;
  std::size_t since_snapshot = 0;
  while (status.ok()) {
    const Frame next = read_batch(log, batch, fuse);
    shop->pipeline.push(shop->payments, batch);
    if (next == Frame::end) status = shop->pipeline.finish();

    // First the rows, then the state that will not emit them again. In the other order a crash between them loses rows.
    if (status.ok()) status = store.write(rows);
    rows.clear();
    since_snapshot += batch.size();
    if (status.ok() && since_snapshot >= records_per_snapshot) {
      status = store.keep(shop->pipeline, log.position());
      since_snapshot = 0;
    }

    if (next == Frame::end) return status;
    if (next == Frame::damaged) return absl::DataLossError("the log is damaged");
    if (next == Frame::tail) wait_for_more(fuse);
  }
  return status;
}
// [end]
