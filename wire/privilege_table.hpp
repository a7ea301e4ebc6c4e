// The privilege control table of one subject, as the guard hands it to each of the subject's ranks.
//
// It holds only what the static policy says. Flat, so that C code without a parser can read it:
//
//   PrivilegeTable | SubjectEntry[subject_count]
//                  | DecisionEntry to[subject_count]    (this subject -> each)
//                  | DecisionEntry from[subject_count]  (each -> this subject)
//                  | std::uint32_t capability[rank_count]   (kNoCapability inside the subject and without a flow)
//                  | InflowEntry[inflow_count]
//                  | std::uint8_t allowed[subject_count * subject_count]  (row: from)
//                  | char lattice[lattice_bytes]  (zero-terminated: LEVEL/LEVEL//COMPARTMENT/COMPARTMENT, lowest first)
#pragma once

#include <cstdint>

#include "wire/limits.hpp"

namespace sluice::wire {

inline constexpr std::uint32_t kTableMagic = 0x534c5430;  // "SLT0"
inline constexpr std::uint32_t kNoCapability = 0xffffffff;

inline constexpr std::size_t kNameBytes = 64;
inline constexpr std::size_t kLabelBytes = 256;
inline constexpr std::size_t kReasonBytes = 240;
inline constexpr std::size_t kHintBytes = 240;
/// Room for 256 levels and 64 compartments.
inline constexpr std::size_t kLatticeBytes = std::size_t{21} * 1024;

struct PrivilegeTable {
  std::uint32_t magic;
  std::uint32_t version;  ///< kProtocolVersion
  std::uint32_t total_bytes;
  std::uint32_t self;  ///< index of the subject that this table is for
  std::uint32_t subject_count;
  std::uint32_t rank_count;
  std::uint32_t inflow_count;
  std::uint32_t lattice_bytes;
};

struct SubjectEntry {
  char name[kNameBytes];    ///< zero-terminated
  char label[kLabelBytes];  ///< zero-terminated, banner style: SECRET//IMG
  std::uint32_t first_rank;
  std::uint32_t rank_count;
};

/// Why one subject may or may not send to another. Both texts derive from the policy alone.
struct DecisionEntry {
  std::uint32_t allowed;      ///< 1 or 0
  std::uint32_t path;         ///< of the flow if there is one: kPathRelay or kPathShared (wire/shared_path.hpp)
  std::uint32_t policy_line;  ///< line of the flow if there is one, else of the `flows:` key; 1-based
  char reason[kReasonBytes];  ///< one sentence with both labels and the failing coordinate, zero-terminated
  char hint[kHintBytes];      ///< the smallest change that would allow it, zero-terminated
};

struct InflowEntry {
  std::uint32_t source_subject;
  std::uint32_t segment_count;  ///< of the flow's mailbox memory
};

static_assert(sizeof(PrivilegeTable) == 32 && sizeof(InflowEntry) == 8);

}  // namespace sluice::wire
