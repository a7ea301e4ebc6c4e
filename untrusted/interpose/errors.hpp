// Error classes, codes and texts of this library.
#pragma once

#include <cstdint>
#include <string>

#include "untrusted/interpose/host_mpi.hpp"

namespace sluice::interpose {

/// What a refused function works on; chooses the hint.
enum class RefusedKind {
  communicator,
  group,
  file,
  window,
  topology,
  process,
};

/// Creates the error classes. Once, after the host's MPI_Init.
void create_error_classes();

/// MPIX_ERR_FLOW, MPIX_ERR_ENDED and MPIX_ERR_MISSED; MPI_ERR_OTHER before MPI_Init.
int flow_class() noexcept;
int ended_class() noexcept;
int missed_class() noexcept;

/// An error code of class MPIX_ERR_FLOW with this text. The same text has the same code.
int flow_error(const std::string& text);

/// An error code of class MPIX_ERR_ENDED: nothing can complete a receive from `source`, a world rank or kAnySource.
int ended_error(std::int32_t source);

/// An error code of class MPIX_ERR_ENDED: a message that a collective operation needs did not come as it should.
int incomplete_error();

/// An error code of class MPIX_ERR_MISSED: the queue had no room for the message of `source`, a world rank.
int missed_error(std::int32_t source);

/// Calls the error handler of `comm` and returns `code`. Never call it with the layer locked.
int raise(MPI_Comm comm, int code);

/// Refuses `function` on a communicator that spans subjects: MPIX_ERR_FLOW.
int refuse(const char* function, RefusedKind kind, MPI_Comm comm);

/// Refuses `function` with a reason of its own: MPIX_ERR_FLOW. `line` is the policy's, 0 if none is concerned.
/// `short_hint` stands in for a hint that is too long for the host MPI.
int refuse_because(const char* function, const std::string& reason, MPI_Comm comm, std::uint32_t line = 0,
                   const std::string& hint = {}, const std::string& short_hint = {});

/// Refuses to send to, or receive from, a world rank: MPIX_ERR_FLOW with the policy's reason, line and hint.
int refuse_send(const char* function, std::uint32_t world_rank, MPI_Comm comm);
int refuse_receive(const char* function, std::uint32_t world_rank, MPI_Comm comm);

/// "ingest (UNCLASSIFIED)"
std::string describe_subject(std::uint32_t subject);

/// Ends the subject's job with a message on stderr.
[[noreturn]] void die(const std::string& text);

}  // namespace sluice::interpose
