// The named pipes that a subject's ranks write their output to.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "trusted/base/fd.hpp"
#include "trusted/base/result.hpp"
#include "trusted/sandbox/problem.hpp"

namespace sluice::launcher {

/// The launcher's end of one rank's pipes. Opened for reading and writing, without waiting: so a rank can always open
/// its own end, and that a rank closes its end, or ends, does not end the pipe.
struct RankPipes {
  Fd out;
  Fd err;
};

/// Makes `folder` (mode 0755) and in it the pipes of `ranks` ranks (mode 0600), owned by `owner` if one is given.
Result<std::vector<RankPipes>, sandbox::Problem> make_rank_pipes(const std::string& folder, std::uint32_t ranks,
                                                                 std::optional<uid_t> owner);

}  // namespace sluice::launcher
