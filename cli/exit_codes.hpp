// Exit codes of the policy commands; docs/policy.md lists them. `run` and `doctor` have their own, see there.
#pragma once

namespace sluice::cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitDenied = 1;    ///< explain: the flow is denied
inline constexpr int kExitUsage = 2;     ///< wrong arguments
inline constexpr int kExitMistakes = 3;  ///< the policy has mistakes
inline constexpr int kExitMissing = 4;   ///< a file or tool is missing, or cannot be read or written

}  // namespace sluice::cli
