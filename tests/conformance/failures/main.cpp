#include <cstdio>

#include "../../effort.hpp"
#include "../corpus.hpp"
#include "../isolate.hpp"
#include "breaking.hpp"
#include "failures.hpp"

/// \file
/// weir_test_conformance_failures DIR...: every case below each DIR, with a failure at every point; at a few of them if
/// WEIR_EFFORT is quick.

namespace {

using namespace conformance;

constexpr std::uint64_t few = 5;  // of each kind in each script

}  // namespace

int main(int count, char** arguments) {
  const std::uint64_t most = effort() == "quick" ? few : never;
  Report report;
  const Corpus corpus{.places = {arguments + 1, arguments + count}};
  const auto judge_it = [&](const Case& read) {
    return in_own_process([&] { return judge_failures(read, most); });
  };
  if (!judge_all(corpus, judge_it, report)) return 2;
  return report.has_failures() ? 1 : 0;
}
