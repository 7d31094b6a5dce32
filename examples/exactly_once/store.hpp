#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <absl/status/status.h>

#include <weir/weir.hpp>

#include "fuse.hpp"
#include "shop.hpp"
#include "sqlite.hpp"

/// WAL: a commit is one write at the end of a file, and whoever reads the results does not hold the worker up.
///
/// A process that is killed loses nothing that it has committed, whatever `synchronous` says: by then the bytes are the
/// system's. With NORMAL a machine that loses its power may lose the last commits. That is no worse than an earlier
/// crash, because results and snapshot are in one database: no snapshot outlives the results before it. FULL loses
/// none. It is needed if the two are in different places, or if somebody acts upon a result as soon as it is there.
inline constexpr const char* schema = R"(
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS results (
    token BLOB PRIMARY KEY,
    operator TEXT, customer INTEGER, starts INTEGER, ends INTEGER, pane INTEGER, is_retraction INTEGER,
    timing INTEGER, as_of INTEGER, watermark INTEGER, lines INTEGER, milli_gbp INTEGER, deviation REAL,
    again INTEGER  -- how often the row has come again
  ) WITHOUT ROWID;
  CREATE VIEW IF NOT EXISTS content AS SELECT token, operator, customer, starts, ends, pane, is_retraction,
    timing, as_of, watermark, lines, milli_gbp, deviation FROM results;
  CREATE TABLE IF NOT EXISTS snapshot (piece INTEGER PRIMARY KEY, bytes BLOB);
  CREATE TABLE IF NOT EXISTS snapshots_taken (position INTEGER, bytes INTEGER);
)";

/// Changes nothing if there is a row with this token and another content.
inline constexpr const char* insert_row = R"(
  INSERT INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)
  ON CONFLICT (token) DO UPDATE SET again = again + 1
  WHERE (timing, as_of, watermark, lines, milli_gbp, deviation) IS
        (excluded.timing, excluded.as_of, excluded.watermark,
         excluded.lines, excluded.milli_gbp, excluded.deviation)
)";

/// Results, and the newest snapshot.
class Store {
 public:
  Store(const std::string& path, Fuse& fuse) : database_(path, schema), fuse_(fuse) {}

  /// The snapshot; empty if there is none yet.
  [[nodiscard]] std::string snapshot() {
    std::string image;
    while (pieces_.next()) image += pieces_.bytes(0);
    return image;
  }

  // [region write]
  /// Stores rows under their tokens. One that is there already has come again, and is the same.
  [[nodiscard]] absl::Status write(std::span<const Emitted> rows) {
    begin_.run();
    for (const auto& [by, row] : rows) {
      const std::string token = weir::emission_token(by, row);
      const int changed = insert_.run(
          Blob{token}, by, row.key, ticks(row.window.start), ticks(row.window.end), row.pane.index,
          row.pane.is_retraction, static_cast<int>(row.pane.timing), ticks(row.as_of), ticks(row.watermark),
          row.value.lines, row.value.milli_gbp, row.value.deviation);
      if (changed != 1) return absl::DataLossError("a row has come again with another content");
      fuse_.at(Place::row);
    }
    fuse_.at(Place::commit);
    commit_.run();
    return absl::OkStatus();
  }
  // [end]

  // [region keep]
  /// Puts the state, which has the log up to `position`, in place of the one before: all of it or nothing.
  [[nodiscard]] absl::Status keep(weir::Pipeline& pipeline, std::uint64_t position) {
    begin_.run();
    clear_.run();
    std::size_t pieces = 0, size = 0;
    const std::string positions = std::to_string(position);
    absl::Status kept = pipeline.snapshot({.positions = positions}, [&](std::string_view bytes) {
      add_piece_.run(pieces++, Blob{bytes});
      size += bytes.size();
      fuse_.at(Place::piece);
      return absl::OkStatus();
    });
    if (!kept.ok()) return kept;
    note_.run(position, size);
    fuse_.at(Place::commit);
    commit_.run();
    fuse_.at(Place::kept);
    return absl::OkStatus();
  }
  // [end]

 private:
  Database database_;
  Fuse& fuse_;
  Statement begin_{database_, "BEGIN IMMEDIATE"};
  Statement commit_{database_, "COMMIT"};
  Statement insert_{database_, insert_row};
  Statement clear_{database_, "DELETE FROM snapshot"};
  Statement add_piece_{database_, "INSERT INTO snapshot VALUES (?, ?)"};
  Statement note_{database_, "INSERT INTO snapshots_taken VALUES (?, ?)"};
  Statement pieces_{database_, "SELECT bytes FROM snapshot ORDER BY piece"};
};
