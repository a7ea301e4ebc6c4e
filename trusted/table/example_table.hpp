// A table for tests: three subjects of the world and one apart, two flows up.
#pragma once

#include "trusted/table/table.hpp"

namespace sluice::table {

inline RunTable example_table() {
  RunTable table;
  table.lattice = "LOW/MID/HIGH//A/B";
  table.subjects = {{"low", "LOW", 0, 2, true},
                    {"apart", "LOW", 6, 4, false},
                    {"mid", "MID//A", 2, 3, true},
                    {"high", "HIGH//A/B", 5, 1, true}};
  table.flows = {{0, 2, std::uint64_t{4} << 20, WhenFull::stop_receiver, 0, Path::relay, 21, ""},
                 {0, 3, std::uint64_t{1} << 20, WhenFull::stop_receiver, 0, Path::relay, 22, ""},
                 {3, 0, std::uint64_t{1} << 20, WhenFull::stop_receiver, 0, Path::relay, 23, "release"}};
  for (std::uint32_t from = 0; from < 4; ++from) {
    for (std::uint32_t to = 0; to < 4; ++to) {
      table.decisions.push_back({from == to, 20, "no flow is listed", from == to ? "" : "list one"});
    }
  }
  for (const Flow& flow : table.flows)
    table.decisions[flow.from * 4 + flow.to] = {true, flow.policy_line, "listed", ""};
  return table;
}

}  // namespace sluice::table
