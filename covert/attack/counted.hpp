// Things that are counted and give out: how a sender uses them up, and a receiver notices.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "covert/attack/attack.hpp"

namespace sluice::covert {

/// For bit 1 the high role takes all there is, at most `most`; for bit 0 it gives a few of them back.
struct Counted {
  std::function<std::string()> prepare;            ///< may be empty
  std::function<bool()> take;                      ///< high: one more; false if there are no more
  std::function<void()> give;                      ///< high: the last one back
  std::function<void(std::vector<double>&)> look;  ///< low: appends what it sees, always as many values
  int most = 1;                                    ///< that the high role takes
  bool unprivileged = true;                        ///< without capabilities, which lift limits
};
std::unique_ptr<Attack> counted(Counted means);

}  // namespace sluice::covert
