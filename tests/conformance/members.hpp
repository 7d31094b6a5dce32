#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include <simdjson.h>

#include "case.hpp"

/// \file
/// Reads the members of one JSON object with simdjson's DOM, in the subset that 3.0 and 4.x share.

namespace conformance {

/// The members of one object. Nothing throws: the first thing that is wrong stays in `error`.
class Members {
 public:
  Members(simdjson::dom::object object, std::string where, std::string& error)
      : object_(object), where_(std::move(where)), error_(&error) {}

  [[nodiscard]] bool has(std::string_view name) const;
  [[nodiscard]] bool is_null(std::string_view name) const;
  [[nodiscard]] bool is_text(std::string_view name) const;

  [[nodiscard]] std::int64_t whole(std::string_view name) const;
  [[nodiscard]] std::int64_t whole_or(std::string_view name, std::int64_t fallback) const;
  [[nodiscard]] std::string text(std::string_view name) const;
  [[nodiscard]] std::string text_or(std::string_view name, std::string fallback) const;
  [[nodiscard]] bool flag_or(std::string_view name, bool fallback) const;
  [[nodiscard]] Value value(std::string_view name) const;
  /// Whatever it is, as JSON without spaces.
  [[nodiscard]] std::string json(std::string_view name) const;
  [[nodiscard]] Members object(std::string_view name) const;
  [[nodiscard]] simdjson::dom::array array(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> texts(std::string_view name) const;
  [[nodiscard]] simdjson::dom::object raw() const { return object_; }

  /// Refuses members that this runner would otherwise silently ignore.
  void allow_only(std::initializer_list<std::string_view> names) const;
  void fail(const std::string& what) const;
  [[nodiscard]] const std::string& where() const { return where_; }
  [[nodiscard]] bool failed() const { return !error_->empty(); }
  [[nodiscard]] std::string& error() const { return *error_; }

 private:
  template <class Type>
  [[nodiscard]] Type get(std::string_view name, const char* kind) const;

  simdjson::dom::object object_;
  std::string where_;
  std::string* error_;
};

}  // namespace conformance
