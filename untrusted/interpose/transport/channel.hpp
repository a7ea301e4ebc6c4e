// What travels within one communicator: the lowest bits of the context id in a frame.
#pragma once

#include <cstdint>

#include "wire/frame.hpp"
#include "wire/shared_path.hpp"

namespace sluice::interpose {

enum class Channel : std::uint64_t {
  point_to_point = 0,
  synchronous = 1,      ///< matched as point-to-point, and acknowledged to the sender when it is
  acknowledgement = 2,  ///< of a synchronous send; above the channel stands its number instead of a communicator
  collective = 3,       ///< this library's own messages
  partitioned = 4,
  path = wire::kPathChannel,  ///< a wire::PathNote between the ends of a shared path
};

inline constexpr std::uint64_t kChannelMask = (std::uint64_t{1} << wire::kChannelBits) - 1;

inline Channel channel_of(std::uint64_t context) noexcept { return static_cast<Channel>(context & kChannelMask); }

}  // namespace sluice::interpose
