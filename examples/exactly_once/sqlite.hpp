#pragma once

#include <concepts>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <sqlite3.h>

/// A database. What goes wrong in it ends the process: one that may be killed anywhere may as well stop anywhere.
class Database {
 public:
  explicit Database(const std::string& path, const char* schema = "") {
    check(sqlite3_open(path.c_str(), &database_));
    check(sqlite3_exec(database_, schema, nullptr, nullptr, nullptr));
  }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database() { sqlite3_close(database_); }

  void check(int code) const {
    if (code == SQLITE_OK) return;
    std::fprintf(stderr, "SQLite: %s\n", sqlite3_errmsg(database_));
    std::exit(EXIT_FAILURE);
  }
  [[nodiscard]] sqlite3* get() const { return database_; }

 private:
  sqlite3* database_ = nullptr;
};

/// Bytes that are no text.
struct Blob {
  std::string_view bytes;
};

/// A statement that is prepared once and run many times.
class Statement {
 public:
  Statement(const Database& database, const char* sql) : database_(database) {
    check(sqlite3_prepare_v2(database.get(), sql, -1, &statement_, nullptr));
  }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement() { sqlite3_finalize(statement_); }

  /// Runs it to its end; how many rows it has changed.
  template <class... Value>
  int run(const Value&... values) {
    int place = 0;
    (bind(++place, values), ...);
    while (next()) {}
    return sqlite3_changes(database_.get());
  }
  /// Goes to the next row of the result; false behind the last.
  bool next() {
    if (sqlite3_step(statement_) == SQLITE_ROW) return true;
    check(sqlite3_reset(statement_));
    return false;
  }
  [[nodiscard]] std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  [[nodiscard]] std::string_view bytes(int column) const {
    const auto* begin = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    return {begin, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
  }

 private:
  void check(int code) const { database_.check(code); }
  void bind(int place, std::integral auto value) {
    check(sqlite3_bind_int64(statement_, place, static_cast<sqlite3_int64>(value)));
  }
  void bind(int place, double value) { check(sqlite3_bind_double(statement_, place, value)); }
  // Without a destructor SQLite makes no copy: what is bound outlives the run.
  void bind(int place, std::string_view text) {
    check(sqlite3_bind_text(statement_, place, text.data(), static_cast<int>(text.size()), nullptr));
  }
  void bind(int place, Blob blob) {
    check(sqlite3_bind_blob(statement_, place, blob.bytes.data(), static_cast<int>(blob.bytes.size()), nullptr));
  }

  const Database& database_;
  sqlite3_stmt* statement_ = nullptr;
};
