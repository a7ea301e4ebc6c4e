#include "trusted/guard/control.hpp"

#include <cstring>

namespace sluice::guard {

const char* describe(Misbehaviour misbehaviour) noexcept {
  switch (misbehaviour) {
    case Misbehaviour::none:
      return "nothing";
    case Misbehaviour::bad_greeting:
      return "sent something that is no greeting on the guard's socket";
    case Misbehaviour::rank_out_of_range:
      return "claimed a rank that the subject does not have";
    case Misbehaviour::rank_taken:
      return "claimed a rank that has connected already";
    case Misbehaviour::wrong_job_size:
      return "started a host MPI job of another size than the policy's";
    case Misbehaviour::foreign_process:
      return "connected as another subject's user";
    case Misbehaviour::too_many_connections:
      return "opened more connections than it has ranks";
    case Misbehaviour::unknown_frame_kind:
      return "wrote a frame of unknown kind";
    case Misbehaviour::oversized_fragment:
      return "wrote a fragment longer than the bound or the ring";
    case Misbehaviour::unknown_capability:
      return "used a capability index that names nothing";
    case Misbehaviour::broken_message:
      return "wrote fragments that do not add up to their message";
    case Misbehaviour::oversized_message:
      return "announced a message longer than any may be";
    case Misbehaviour::cursor_backwards:
      return "took back the release of mailbox memory";
    case Misbehaviour::cursor_ahead:
      return "released mailbox memory that it was never given";
  }
  return "misbehaved";
}

Event make_event(EventKind kind, std::uint32_t subject) noexcept {
  Event event{};
  event.kind = kind;
  event.subject = subject;
  return event;
}

Event misbehaved(std::uint32_t subject, std::uint32_t world_rank, Misbehaviour misbehaviour) noexcept {
  Event event = make_event(EventKind::misbehaved, subject);
  event.rank = world_rank;
  event.misbehaviour = misbehaviour;
  std::strncpy(event.text, describe(misbehaviour), sizeof event.text - 1);
  return event;
}

}  // namespace sluice::guard
