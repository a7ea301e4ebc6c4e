// What the launcher and the guard say to each other. Both are trusted; no subject can reach this socket.
#pragma once

#include <atomic>
#include <cstdint>

#include "wire/limits.hpp"

namespace sluice::guard {

/// Descriptors that the launcher gives the guard process, by number.
inline constexpr int kControlFd = 3;      ///< SOCK_SEQPACKET: Event up, Command down; its end ends the guard
inline constexpr int kTableFd = 4;        ///< encoded table::RunTable, whole file
inline constexpr int kStatisticsFd = 5;   ///< writable memory of sizeof(Statistics)
inline constexpr int kFirstListenFd = 6;  ///< one listening SOCK_SEQPACKET socket per subject, in table order
/// After those: the file of each flow that spills, in table order, at least Flow::spill_bytes long.

/// argv[1 + k] is the host user id, decimal, that the processes of subject k have in the guard's user namespace.

/// Exit codes of the guard process.
inline constexpr int kExitDone = 0;
inline constexpr int kExitSetup = 2;  ///< could not start: the last Event says why

enum class Misbehaviour : std::uint32_t {
  none = 0,
  bad_greeting,       ///< first packet is not a Hello, or a second packet came
  rank_out_of_range,  ///< claims a rank that the subject does not have
  rank_taken,         ///< claims a rank that is connected
  wrong_job_size,     ///< its host MPI job has another size than the policy says
  foreign_process,    ///< connects as another subject's user
  too_many_connections,
  unknown_frame_kind,
  oversized_fragment,  ///< payload over the bound or past the end of the ring
  unknown_capability,  ///< capability index that names nothing
  broken_message,      ///< fragments that do not add up to their message
  oversized_message,
  cursor_backwards,  ///< a receiver takes back a release
  cursor_ahead,      ///< a receiver releases segments it was never given
};

/// Short text for people: "claims a rank that is connected".
const char* describe(Misbehaviour misbehaviour) noexcept;

enum class EventKind : std::uint32_t {
  ready = 1,     ///< every mailbox and thread is there
  setup_failed,  ///< the guard cannot start; `text` says why; it exits
  rank_up,       ///< `rank` has connected
  rank_ended,    ///< `rank` has ended and all that it sent is in the mailboxes
  misbehaved,    ///< `subject` did `misbehaviour`; the guard ignores it from now on; the launcher ends it
  queue_full,    ///< `flow` can keep no more; the launcher ends the receiving `subject`; `text` says why, or is empty
  events_lost,   ///< `flow` events were not reported, because the launcher did not take them
};

struct Event {
  EventKind kind;
  std::uint32_t subject;
  std::uint32_t rank;  ///< world rank, where one is concerned
  std::uint32_t flow;  ///< flow index, where one is concerned
  Misbehaviour misbehaviour;
  char text[108];  ///< zero-terminated
};

Event make_event(EventKind kind, std::uint32_t subject) noexcept;

/// `world_rank` is kNoRank where no rank is known.
Event misbehaved(std::uint32_t subject, std::uint32_t world_rank, Misbehaviour misbehaviour) noexcept;

inline constexpr std::uint32_t kNoRank = 0xffffffff;

enum class CommandKind : std::uint32_t {
  subject_ended = 1,  ///< every process of `subject` is gone: tell its receivers
};

struct Command {
  CommandKind kind;
  std::uint32_t subject;
};

/// Figures for the operator's live view and the audit log. Written by the guard, read by the launcher.
struct Statistics {
  /// Counters of what a subject tried in vain. The guard only ever adds up; the launcher looks now and then.
  struct Subject {
    alignas(wire::kCacheLine) std::atomic<std::uint64_t> denied;  ///< calls that its library refused, says its library
    std::atomic<std::uint32_t> denied_rank;                       ///< world rank that one of them named, or kNoRank
    std::atomic<std::uint64_t> turned_away;  ///< connections of another user to its socket, by the guard's own count
  };
  struct Flow {
    alignas(wire::kCacheLine) std::atomic<std::uint64_t> messages;  ///< whole messages put into mailboxes
    std::atomic<std::uint64_t> bytes;                               ///< their payload
    alignas(
        wire::kCacheLine) std::atomic<std::uint64_t> segments_in_use;  ///< backlog, in segments, first ones not counted
    std::atomic<std::uint64_t> overflow;  ///< messages dropped, or bytes spilled, since the start
  };
  static constexpr std::uint32_t kMaxFlows = wire::kMaxSubjects * (wire::kMaxSubjects - 1);
  Flow flow[kMaxFlows];
  Subject subject[wire::kMaxSubjects];
};

}  // namespace sluice::guard
