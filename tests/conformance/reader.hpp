#pragma once

#include <filesystem>
#include <string>

#include <simdjson.h>

#include "case.hpp"

/// \file
/// From a file of the corpus to a `Case`.

namespace conformance {

/// One JSON file. The head (id, tags) can be read without understanding the body, which skipped cases need.
class CaseFile {
 public:
  /// Parses the file; `error()` says why it could not be.
  explicit CaseFile(const std::filesystem::path& path);

  /// Whether the file is a case at all: it has an operator and steps.
  [[nodiscard]] bool is_case() const { return is_case_; }
  [[nodiscard]] const std::string& error() const { return error_; }

  /// Id, semantics and tags; `fallback_id` where the file states none.
  [[nodiscard]] Case head(const std::string& fallback_id);
  /// Adds operator, steps and final checks to what `head` returned.
  void read_body(Case& result);

 private:
  simdjson::dom::parser parser_;
  simdjson::dom::object root_;
  bool is_case_ = false;
  std::string error_;
};

}  // namespace conformance
