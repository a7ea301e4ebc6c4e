// How a rank's output leaves its sandbox: the places that the launcher makes there and sluice-rank uses.
#pragma once

#include <string>

namespace sluice::wire {

/// The program that mpiexec starts for each rank: takes the rank's outputs, then becomes the image.
inline constexpr char kRankProgramPath[] = "/run/sluice/rank";

/// Holds the named pipes `RANK.out` and `RANK.err` of every rank of the subject.
inline constexpr char kOutputFolder[] = "/run/sluice/output";

/// Name of a rank's pipe in that folder; `stream` is "out" or "err".
inline std::string output_name(const std::string& rank, const char* stream) { return rank + "." + stream; }

}  // namespace sluice::wire
