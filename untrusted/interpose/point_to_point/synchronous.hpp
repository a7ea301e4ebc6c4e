// Synchronous sends to other subjects: complete when the receiver says that a receive has started to take the message.
//
// Sender and receiver number the synchronous messages from one to the other alike, so an acknowledgement is a message
// without bytes that carries a number. Both ways must be allowed; a message whose sender may not be answered gets none.
#pragma once

#include <cstdint>
#include <vector>

#include "untrusted/interpose/request/own_request.hpp"

namespace sluice::interpose {

/// A send that waits for its acknowledgement.
struct SynchronousSend : OwnRequest {
  explicit SynchronousSend(const OwnKind& what) noexcept : OwnRequest(what) {}
  std::uint64_t number = 0;
  Link<SynchronousSend> in_peer;
};

/// All of one rank.
class SynchronousSends {
 public:
  /// `ranks`: of the world.
  void attach(std::uint32_t ranks) { peers_.resize(ranks); }

  /// The last message written to `world_rank` was that of `send`, which settles when it has been received.
  /// Precondition: the layer is locked.
  void expect(SynchronousSend& send, std::uint32_t world_rank);

  /// Settles what has been acknowledged, or never will be, and acknowledges what this rank has received, as far as the
  /// ring has room. Returns whether anything moved. Precondition: locked, no message half written.
  bool advance();

 private:
  struct Peer {
    std::uint64_t sent = 0;
    List<SynchronousSend, &SynchronousSend::in_peer> waiting;
  };

  bool take_acknowledgements();
  bool give_up_on_ended();
  static bool write_acknowledgements();

  std::vector<Peer> peers_;     ///< by world rank
  std::size_t waiting_ = 0;     ///< sends of all of them
  std::size_t seen_ended_ = 0;  ///< ranks that had ended when last looked at
};

}  // namespace sluice::interpose
