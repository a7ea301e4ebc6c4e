// What a rank and the guard say to each other once, at start, over a SOCK_SEQPACKET Unix socket.
//
// The socket is bound into the subject's sandbox alone, so that it identifies the subject; the rank states which
// host rank it is. The guard answers with memory, by SCM_RIGHTS, or with a refusal. Nothing else is ever sent on the
// connection; its end tells each side that the other is gone.
#pragma once

#include <cstdint>

#include "wire/limits.hpp"
#include "wire/shared_path.hpp"

namespace sluice::wire {

inline constexpr std::uint32_t kGreetingMagic = 0x534c4331;  // "SLC1"
inline constexpr std::uint32_t kProtocolVersion = 3;

/// Path of the guard's socket inside every sandbox.
inline constexpr char kGuardSocketPath[] = "/run/sluice/guard";

/// First and only packet from a rank.
struct Hello {
  std::uint32_t magic;
  std::uint32_t version;
  std::uint32_t host_rank;  ///< rank in the subject's own host MPI job
  std::uint32_t host_size;  ///< size of that job; must equal the policy's `ranks`
};

enum class GreetingVerdict : std::uint32_t {
  welcome = 0,
  not_a_hello = 1,      ///< wrong size or magic
  wrong_version = 2,    ///< library and guard of different builds
  no_such_rank = 3,     ///< host_rank outside the subject
  wrong_size = 4,       ///< host_size is not the policy's
  rank_taken = 5,       ///< that rank has connected before
  foreign_process = 6,  ///< SO_PEERCRED names another subject's user
  guard_exhausted = 7,  ///< out of descriptors or memory
};

/// The guard's answer. With `welcome` these descriptors follow in this order:
///   0 privilege control table (wire/privilege_table.hpp), sealed, read-only
///   1 transmit area (wire/transmit.hpp)
///   2 doorbell eventfd of the subject's ingress
///   3 cursor page (wire/mailbox.hpp)
///   4 wake socket of this rank: readable when the guard has woken it; to be drained with recv and MSG_DONTWAIT
///   5.. mailbox memory of each inflow, read-only, in the order of the table's inflows
///   then, for each other subject in the table's order: rings and positions of a shared path to it (the positions
///   read-only), and of a shared path from it (the rings read-only); see wire/shared_path.hpp
struct Welcome {
  std::uint32_t magic;
  std::uint32_t version;
  GreetingVerdict verdict;
  std::uint32_t descriptors;  ///< how many came along
  std::uint64_t table_bytes;
};

inline constexpr std::uint32_t kFixedDescriptors = 5;
inline constexpr std::size_t kMostDescriptors = kFixedDescriptors + kMaxSubjects + kMaxSharedDescriptors;

}  // namespace sluice::wire
