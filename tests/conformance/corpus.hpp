#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "report.hpp"
#include "runner.hpp"

/// \file
/// The case files below some directories.

namespace conformance {

using Judge = std::function<Verdict(const Case&)>;

struct Corpus {
  std::vector<std::filesystem::path> places;
};

/// Judges every case that is not skipped. False, and a line on stderr, if there is none or a place cannot be read.
[[nodiscard]] bool judge_all(const Corpus& corpus, const Judge& judge_it, Report& report);

}  // namespace conformance
