#pragma once

#include <cstdio>
#include <initializer_list>

#include <weir/weir.hpp>

#include "golden.hpp"
#include "table.hpp"

namespace support {

/// The conservation law of a few sources and operators: each record that came in is in one of the columns.
inline void print_accounting(const weir::Pipeline& pipeline, Golden& golden,
                             std::initializer_list<const char*> names) {
  Table table("Accounting: ingested = applied + partially late + late + duplicate + rejected + unassigned",
              {"", "ingested", "applied", "partially late", "late", "duplicate", "rejected", "unassigned",
               "emitted"});
  for (const char* name : names) {
    const weir::OperatorStats& stats = pipeline.stats(name);
    table.add({name, grouped(stats.ingested), grouped(stats.applied), grouped(stats.partially_late),
               grouped(stats.late), grouped(stats.duplicate), grouped(stats.rejected),
               grouped(stats.unassigned), grouped(stats.emitted)});
    golden.check(std::string(name) + " balances", stats.conserves() ? 1 : 0, 1);
  }
  table.print();
}

}  // namespace support
