#include "story.hpp"

#include <weir/testing/script.hpp>

#include <string>
#include <vector>

#include "catch.hpp"

// Hand-written cases for the oracle itself; most are cases of the shared corpus, named after them.

using namespace story;  // NOLINT(google-build-using-namespace): a vocabulary made for these cases

TEST_CASE("tumbling/negative-timestamps-offset-3: windows before 1970 are floored") {
  Config config = tumbling(7);
  config.windows.offset = 3;
  Story story{config};
  Ticks value = 1;
  for (const Ticks time : {-10, -9, -3, -2, -1, 1, 2, 3, 9, 10}) {
    story.push(time, value);
    value *= 2;
  }
  story.reach(-5).reach(2).reach(9).reach(16);
  CHECK(story.rows() == Lines{"0 [-11,-4) 2/3 on_time#0!", "0 [-4,3) 5/124 on_time#0!",
                              "0 [3,10) 2/384 on_time#0!", "0 [10,17) 1/512 on_time#0!"});
}

TEST_CASE("tumbling/numeric-aggregates: first and last go by time, then by arrival") {
  Story story{tumbling(1000)};
  story.push(500, 7).push(100, -2).push(900, 4).push(100, 5).push(900, 6).reach(999);
  const Row row = story.run().rows.at(0);
  CHECK(row.count == 5);
  CHECK(row.sum == 20);
  CHECK(row.min == -2);
  CHECK(row.max == 7);
  CHECK(row.first == -2);
  CHECK(row.last == 6);
  CHECK(row.as_of == 1000);
}

TEST_CASE("sliding/size-10-slide-3: a record is in three or four windows") {
  Story story{sliding(10, 3)};
  story.push(11, 1).push(-1, 2).push(5, 4).reach(100);
  CHECK(story.rows() == Lines{"0 [-9,1) 1/2 on_time#0!", "0 [-6,4) 1/2 on_time#0!", "0 [-3,7) 2/6 on_time#0!",
                              "0 [0,10) 1/4 on_time#0!", "0 [3,13) 2/5 on_time#0!", "0 [6,16) 1/1 on_time#0!",
                              "0 [9,19) 1/1 on_time#0!"});
}

TEST_CASE("sliding/slide-larger-than-size: records in the gaps are unassigned, not late") {
  Story story{sliding(3, 10)};
  for (const Ticks time : {1, 2, 3, 5, 9, 10, 11, 100}) story.push(time, time);
  story.reach(1000);
  CHECK(story.rows() ==
        Lines{"0 [0,3) 2/3 on_time#0!", "0 [10,13) 2/21 on_time#0!", "0 [100,103) 1/100 on_time#0!"});
  CHECK(story.run().counters.unassigned == 3);
  CHECK(story.run().late.empty());
}

TEST_CASE("sliding/partially-late: the open windows take the record, and it is reported once") {
  Story story{sliding(3000, 1000)};
  story.push(3999).reach(3999).push(3500).reach(5999);
  CHECK(story.rows() == Lines{"0 [1000,4000) 1/1 on_time#0!", "0 [2000,5000) 2/2 on_time#0!",
                              "0 [3000,6000) 2/2 on_time#0!"});
  const Outcome result = story.run();
  CHECK(result.counters.partially_late == 1);
  CHECK(result.late == std::vector<oracle::LateNotice>{{0, 3500, 1, 2, 1, 4000}});
}

TEST_CASE("tumbling/cumulative-steps: a cumulating window fires at each of its steps") {
  Config config = sliding(9, 3);
  config.windows.kind = Kind::cumulating;
  Story story{config};
  story.push(1).push(4).push(4).reach(8);
  CHECK(story.rows() == Lines{"0 [0,3) 1/1 on_time#0!", "0 [0,6) 3/3 on_time#0!", "0 [0,9) 3/3 on_time#0!"});
}

TEST_CASE("lateness/boundary-of-cleanup: a window takes records until the watermark reaches end plus grace") {
  Story story{tumbling(2000, 100)};
  story.push(1000).reach(1999).reach(2098).push(1500).reach(2099).push(1600).reach(5000);
  CHECK(story.rows() == Lines{"0 [0,2000) 1/1 on_time#0", "0 [0,2000) 2/2 late#1"});
  CHECK(story.run().counters.late_whole == 1);
}

TEST_CASE("session/bridge-three-dynamic: a bridge joins two sessions, a touch the third") {
  Story story{with_gaps_of_records()};
  const Ticks moves[][3] = {{0, 1, 3}, {5, 2, 3}, {10, 4, 3}, {8, 8, 2}, {3, 16, 2}};
  for (const auto& [time, value, gap] : moves)
    story.push(Record{.key = 0, .time = time, .value = value, .gap = gap});
  story.reach(12);
  CHECK(story.rows() == Lines{"0 [0,13) 5/31 on_time#0!"});
}

TEST_CASE("session/bridge-two: records out of order bridge sessions that must not touch") {
  Config config = session(10);
  config.windows.touching_separate = true;
  Story story{config};
  for (const Ticks time : {1, 15, 30, 100, 101, 95, 22, 10}) story.push(time, time);
  story.reach(500);
  CHECK(story.rows() == Lines{"0 [1,40) 5/78 on_time#0!", "0 [95,111) 3/296 on_time#0!"});
}

TEST_CASE("session/exact-gap: touching decides about records exactly one gap apart") {
  Config config = session(10);
  CHECK(Story{config}.push(0).push(10).push(21).reach(30).rows() ==
        Lines{"0 [0,20) 2/2 on_time#0!", "0 [21,31) 1/1 on_time#0!"});
  config.windows.touching_separate = true;
  CHECK(Story{config}.push(0).push(10).reach(30).rows() ==
        Lines{"0 [0,10) 1/1 on_time#0!", "0 [10,20) 1/1 on_time#0!"});
}

TEST_CASE("session/reopened-after-close: a record near a closed session starts a new one") {
  CHECK(Story{session(5)}.push(0).reach(5).push(3).reach(7).rows() ==
        Lines{"0 [0,5) 1/1 on_time#0!", "0 [3,8) 1/1 on_time#0!"});
}

TEST_CASE(
    "lateness/session-huge-lateness-accumulating: a merge may fire late, or move the end and fire on time "
    "again") {
  Story story{session(3000, 10000)};
  story.push(1000).reach(1999).push(2000).reach(4998).push(4500).push(8500).reach(7400).push(7000).reach(
      11501);
  story.push(11600).reach(14600).push(10000).push(14500).reach(20000).reach(100000);
  CHECK(story.rows() == Lines{"0 [1000,11500) 5/5 on_time#0", "0 [11600,14600) 1/1 on_time#0",
                              "0 [1000,14600) 7/7 late#1", "0 [1000,17500) 8/8 on_time#2"});
}

TEST_CASE("lateness/session-late-merge-discarding: a late record is judged after merging") {
  Config config = session(3000, 10);
  config.windows.panes = oracle::Accumulation::discarding;
  Story story{config};
  story.push(11600).reach(14600).push(10000).push(14500).reach(20000);
  CHECK(story.rows() == Lines{"0 [11600,14600) 1/1 on_time#0", "0 [10000,14600) 1/1 late#1",
                              "0 [10000,17500) 1/1 on_time#2"});
  config.windows.judged_before_merging = true;
  CHECK(Story{config}.push(11600).reach(14600).push(10000).run().counters.late_whole == 1);
}

TEST_CASE(
    "a retracting merge takes back the absorbed sessions, oldest first, then the survivor before its next "
    "pane") {
  Config config = session(3, 100);
  config.windows.panes = oracle::Accumulation::retracting;
  Story story{config};
  story.push(0).push(5).push(10).reach(14).push(Record{.time = 2, .value = 1}).push(7);
  CHECK(story.rows() == Lines{"0 [0,3) 1/1 on_time#0", "0 [5,8) 1/1 on_time#0", "0 [10,13) 1/1 on_time#0",
                              "-0 [5,8) 1/1 on_time#0", "-0 [0,3) 1/1 on_time#0", "0 [0,8) 3/3 late#1",
                              "-0 [10,13) 1/1 on_time#0", "-0 [0,8) 3/3 late#1", "0 [0,13) 5/5 late#2"});
}

TEST_CASE("caps of sessions: a record that does not fit starts its own session") {
  Config config = session(5);
  config.windows.longest = 6;
  CHECK(Story{config}.push(0).push(4).push(8).push(6).reach(100).rows() ==
        Lines{"0 [0,11) 3/3 on_time#0!", "0 [8,13) 1/1 on_time#0!"});
  config = session(5);
  config.windows.most_records = 2;
  CHECK(Story{config}.push(0).push(1).push(2).push(3).reach(100).rows() ==
        Lines{"0 [0,6) 2/2 on_time#0!", "0 [2,8) 2/2 on_time#0!"});
  config = session(5);
  config.windows.ends_at_marker = true;
  CHECK(Story{config}
            .push(0)
            .push(Record{.time = 1, .value = 2, .marker = true})
            .push(2, 4)
            .reach(100)
            .rows() == Lines{"0 [0,6) 2/3 on_time#0!", "0 [2,7) 1/4 on_time#0!"});
}

TEST_CASE("trigger/beam-early-ontime-final: early panes, the end, and a final pane for what was held") {
  Config config = tumbling(1000, 5000);
  config.windows.panes = oracle::Accumulation::discarding;
  config.windows.emit.after = 2;
  config.windows.emit.late = oracle::LateFiring::hold;
  config.windows.emit.final_pane = oracle::FinalPane::if_new;
  Story story{config};
  story.push(100).push(200).push(500).reach(999).push(750).push(250).finish();
  CHECK(story.rows() ==
        Lines{"0 [0,1000) 2/2 early#0", "0 [0,1000) 1/1 on_time#1", "0 [0,1000) 2/2 late#2!"});
}

TEST_CASE("trigger/beam-empty-panes-always: empty panes at the end and at the close") {
  Config config = tumbling(10, 100);
  config.windows.panes = oracle::Accumulation::discarding;
  config.windows.emit.after = 2;
  config.windows.emit.also_if_empty = true;
  config.windows.emit.final_pane = oracle::FinalPane::always;
  CHECK(Story{config}.push(1).push(2).reach(49).reach(149).rows() ==
        Lines{"0 [0,10) 2/2 early#0", "0 [0,10) 0/0 on_time#1", "0 [0,10) 0/0 late#2!"});
}

TEST_CASE("trigger/beam-window-closed-after-ontime: closing for good ignores the grace") {
  Config config = sliding(100, 30, 1000);
  config.windows.emit.late = oracle::LateFiring::close;
  Story story{config};
  story.push(23, 10).push(40, 12).reach(69).push(60, 14).reach(129).push(40, 16);
  CHECK(story.rows() == Lines{"0 [-60,40) 1/10 on_time#0!", "0 [-30,70) 2/22 on_time#0!",
                              "0 [0,100) 3/36 on_time#0!", "0 [30,130) 2/26 on_time#0!"});
  CHECK(story.run().counters.windows_missed == 4);
}

TEST_CASE("trigger/count-on-tumbling: leftovers are dropped and counted") {
  Config config = tumbling(1000);
  config.windows.emit.at_close = false;
  config.windows.emit.after = 3;
  Story story{config};
  story.push(1, 1)
      .push(1001, 1)
      .push(2, 2)
      .push(3, 4)
      .push(4, 8)
      .push(1002, 2)
      .reach(999)
      .push(1003, 4)
      .reach(1999);
  CHECK(story.rows() == Lines{"0 [0,1000) 3/7 early#0", "0 [1000,2000) 3/7 early#0"});
  CHECK(story.run().counters.unemitted == 1);
}

TEST_CASE("count/trigger-on-session: counts of merged sessions add up") {
  Config config = session(3000);
  config.windows.emit.at_close = false;
  config.windows.emit.after = 4;
  config.windows.panes = oracle::Accumulation::discarding;
  Story story{config};
  for (const Ticks time : {10, 1000, 2500, 6000, 6500, 7000, 4500}) story.push(time);
  CHECK(story.rows() == Lines{"0 [10,10000) 7/7 early#0"});
}

TEST_CASE("trigger/continuous-merge-keeps-earliest: early panes at multiples, then at the end") {
  Config config = session(10);
  config.windows.emit.every = 5;
  Story story{config};
  story.push(0, 1).push(12, 2).push(8, 4).reach(4).reach(5).reach(12).reach(16).reach(30);
  CHECK(story.rows() == Lines{"0 [0,22) 3/7 early#0", "0 [0,22) 3/7 early#1", "0 [0,22) 3/7 early#2",
                              "0 [0,22) 3/7 early#3", "0 [0,22) 3/7 on_time#4!"});
}

TEST_CASE("trigger/beam-global-drain: a lifetime window closes at finish") {
  Config config;
  config.windows.kind = Kind::lifetime;
  config.windows.emit.at_close = false;
  config.windows.emit.after = 3;
  config.windows.emit.final_pane = oracle::FinalPane::if_new;
  config.windows.panes = oracle::Accumulation::discarding;
  Story story{config};
  for (Ticks time = 0; time < 5; ++time) story.push(time, time);
  const std::vector<Row> rows = story.finish().run().rows;
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].timing == Timing::early);
  CHECK(rows[1].timing == Timing::on_time);
  CHECK(rows[1].sum == 7);
  CHECK(rows[1].is_final);
}

TEST_CASE("count/sliding: full windows come when all their records arrived, partial ones at every step") {
  Story full{count(5, 3, false)};
  for (Ticks i = 1; i <= 11; ++i) full.push(0, i);
  CHECK(full.rows() ==
        Lines{"0 [0,1) 5/15 on_time#0!", "0 [0,1) 5/30 on_time#0!", "0 [0,1) 5/45 on_time#0!"});
  Story partial{count(4, 2, true)};
  for (Ticks i = 1; i <= 6; ++i) partial.push(i, 1);
  CHECK(partial.rows() ==
        Lines{"0 [1,3) 2/2 on_time#0!", "0 [1,5) 4/4 on_time#0!", "0 [3,7) 4/4 on_time#0!"});
}

TEST_CASE("emit_empty: so many empty windows after the last that holds records, then silence") {
  Config config = tumbling(10);
  config.windows.emit_empty = 2;
  CHECK(Story{config}.push(1).push(55).reach(100).rows() ==
        Lines{"0 [0,10) 1/1 on_time#0!", "0 [10,20) 0/0 on_time#0!", "0 [20,30) 0/0 on_time#0!",
              "0 [50,60) 1/1 on_time#0!", "0 [60,70) 0/0 on_time#0!", "0 [70,80) 0/0 on_time#0!"});
}

TEST_CASE("extreme: bounds saturate, no-time is rejected, finish fires everything once") {
  Config config = tumbling(1000, 2000);
  Story story{config};
  story.push(oracle::end_of_time - 1750)
      .push(oracle::no_time)
      .push(oracle::no_time + 1)
      .finish()
      .finish()
      .push(0);
  const Outcome result = story.run();
  REQUIRE(result.rows.size() == 2);
  CHECK(result.rows[0].start == oracle::no_time);
  CHECK(result.rows[1].end - result.rows[1].start == 1000);
  CHECK(result.counters.rejected == 1);
  CHECK(result.counters.refused == 1);
}

TEST_CASE("watermark-merge/resume-and-realign: a returning channel is not counted until it caught up") {
  Config config = tumbling(1);
  config.source.channels = 3;
  Story story{config};
  story.reach(10, 0)
      .reach(7, 1)
      .reach(3, 2)
      .act(Action::set_idle, 2)
      .act(Action::set_active, 2)
      .reach(5, 2)
      .reach(9, 2);
  story.reach(12, 1);
  const Ticks none = oracle::no_time;
  CHECK(story.watermarks() == std::vector<Ticks>{none, none, 4, 8, 8, 8, 8, 10});
}

TEST_CASE("watermark-merge/all-idle-flushes-maximum, also when idleness is decided by the tick") {
  Config config = tumbling(1);
  config.source.channels = 2;
  config.source.idle_after = 5;
  Story story{config};
  story.reach(10, 0)
      .reach(3, 1)
      .tick(0)
      .push(Record{.time = 4}, 0)
      .tick(4)
      .tick(5)
      .push(Record{.time = 20}, 1);
  CHECK(story.watermarks() == std::vector<Ticks>{oracle::no_time, 4, 4, 4, 4, 11, 11});
}

TEST_CASE("guards: records of the future and jumps are kept but do not move the watermark") {
  Config config = tumbling(10);
  config.source.rule = oracle::WatermarkRule::trailing;
  config.source.max_future_skew = 3;
  config.source.max_jump = 4;
  Story story{config};
  story.push(1).tick(5).push(9).push(8).push(5).finish();
  CHECK(story.watermarks() == std::vector<Ticks>{1, 1, 1, 1, 5, oracle::end_of_time});
  CHECK(story.run().counters.future == 1);
  CHECK(story.run().counters.jumped == 1);
  CHECK(story.rows() == Lines{"0 [0,10) 4/4 on_time#0!"});
}

TEST_CASE("a shrunk script still fails and is small") {
  const auto has_late_notice = [](const Script& script) {
    return !oracle::Oracle().run(script).late.empty();
  };
  std::uint64_t seed = 5;
  while (!has_late_notice(oracle::random_script(seed))) ++seed;
  const Script shrunk = oracle::shrink(oracle::random_script(seed), has_late_notice);
  CHECK(has_late_notice(shrunk));
  CHECK(shrunk.steps.size() <= 3);
  CHECK(oracle::to_text(shrunk).find("seed " + std::to_string(seed)) == 0);
}

TEST_CASE("a seed always gives the same script") {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    CHECK(oracle::to_text(oracle::random_script(seed)) == oracle::to_text(oracle::random_script(seed)));
  }
}

TEST_CASE("order: keys of windows alone on their panes come by first touch") {
  CHECK(Story{tumbling(10)}.push(5, 1, 1).push(2, 2, 0).push(3, 4, 1).reach(9).rows() ==
        Lines{"1 [0,10) 2/5 on_time#0!", "0 [0,10) 1/2 on_time#0!"});
}

TEST_CASE("order: keys of overlapping windows keep their place while they have rows: new ones come by pane") {
  Story story{sliding(4, 2)};
  story.push(3, 1, 1).push(2, 2, 2).push(1, 4, 3).push(5, 8, 3).push(7, 16, 1).reach(20);
  CHECK(story.rows() == Lines{"3 [-2,2) 1/4 on_time#0!", "3 [0,4) 1/4 on_time#0!", "1 [0,4) 1/1 on_time#0!",
                              "2 [0,4) 1/2 on_time#0!", "3 [2,6) 1/8 on_time#0!", "1 [2,6) 1/1 on_time#0!",
                              "2 [2,6) 1/2 on_time#0!", "3 [4,8) 1/8 on_time#0!", "1 [4,8) 1/16 on_time#0!",
                              "1 [6,10) 1/16 on_time#0!"});
}
