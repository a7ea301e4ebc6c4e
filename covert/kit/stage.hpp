// One run of both roles in one setting.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "covert/probe/schedule.hpp"
#include "covert/statistics/decoder.hpp"

namespace sluice::covert {

/// Where the two roles run: `control` is the positive control, outside of any sandbox, with every hole open; `flow` two
/// subjects with a flow from low to high; `apart` two subjects without any.
enum class Setting : std::uint8_t { control, flow, apart };
inline constexpr Setting kSettings[] = {Setting::control, Setting::flow, Setting::apart};

const char* name_of(Setting setting);

/// What the runs need to know.
struct Equipment {
  std::string sluice;         ///< the program
  std::string probe;          ///< the other program
  std::string folder;         ///< of this campaign; everything is made in it
  std::string mpi = "mpich";  ///< host MPI of both subjects
};

struct Result {
  std::string problem;                           ///< why there is no result at all, for the user; else empty
  std::map<std::string, std::string> low_ready;  ///< by means: why this role could not prepare it; empty if it could
  std::map<std::string, std::string> high_ready;
  std::map<std::string, Observations> observed;  ///< by means
  std::map<std::string, std::string> low_done;   ///< by means that this role has come through to the end
  std::map<std::string, std::string> high_done;
  std::string said;  ///< the end of what the run said
};

/// Runs both roles through the items and waits for them, or until `interrupted` says so. `seed`: of the secret.
Result perform(const Equipment& equipment, Setting setting, const std::vector<Item>& items, std::uint64_t seed,
               const volatile bool& interrupted);

}  // namespace sluice::covert
