// The oracle and its scripts, for docs/guides/testing.md.
#include <cstdio>
#include <string>

#include <weir/testing/oracle.hpp>
#include <weir/testing/script.hpp>

#include "expect.hpp"

namespace {

namespace oracle = weir::testing::oracle;

void one_script() {
  // [region oracle]
  oracle::Script script;
  script.config.windows = {.kind = oracle::Kind::tumbling, .size = 10, .grace = 5};
  script.records = {{.key = 1, .time = 3, .value = 7}, {.key = 1, .time = 9, .value = 1}};
  script.steps = {{.action = oracle::Action::push, .first = 0, .count = 1},
                  {.action = oracle::Action::advance, .at = 10},
                  {.action = oracle::Action::push, .first = 1, .count = 1},
                  {.action = oracle::Action::finish}};

  oracle::Oracle naive;
  const oracle::Outcome& expected = naive.run(script);
  support::expect(expected.rows.size() == 2);  // on time with the first record, late with both
  support::expect(expected.rows[0].sum == 7 && expected.rows[1].sum == 8);
  // [end]
}

void random_scripts() {
  oracle::Oracle naive;
  // [region random]
  const oracle::Script script = oracle::random_script(42);  // the same on every machine
  const std::string text = oracle::to_text(script);         // everything a reader needs to follow it by hand
  // [end]
  support::expect(!text.empty());

  // [region shrink]
  const auto fails = [&naive](const oracle::Script& candidate) {
    return naive.run(candidate).counters.ingested > 0;
  };
  const oracle::Script smallest = oracle::shrink(script, fails);  // must hold for `script`
  // [end]
  support::expect(fails(smallest) && smallest.records.size() <= script.records.size());
}

}  // namespace

int main() {
  one_script();
  random_scripts();
}
