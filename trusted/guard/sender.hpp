// One sending rank as its ingress sees it: its ring, its unfinished message, its life.
#pragma once

#include <cstdint>

#include "trusted/guard/control.hpp"
#include "trusted/guard/message_check.hpp"
#include "trusted/guard/outflows.hpp"
#include "trusted/ring/transmit_reader.hpp"

namespace sluice::guard {

class Sender {
 public:
  enum class Life {
    absent,   ///< has not connected
    up,       ///< connected
    closing,  ///< has closed its connection; its ring is being emptied
    ended,    ///< its receivers have been told
  };

  Sender(std::uint32_t world_rank, std::byte* transmit_area, std::uint32_t capabilities) noexcept
      : world_rank_(world_rank), reader_(transmit_area), check_(capabilities) {}

  [[nodiscard]] Life life() const noexcept { return life_; }
  [[nodiscard]] std::uint32_t world_rank() const noexcept { return world_rank_; }

  void connected() noexcept { life_ = Life::up; }
  /// The connection is closed, or every process of the subject is gone: what is in the ring still counts.
  void close() noexcept {
    if (life_ != Life::ended) life_ = Life::closing;
  }

  struct Progress {
    bool worked = false;  ///< at least one fragment was taken
    Misbehaviour misbehaviour = Misbehaviour::none;
  };

  /// Takes up to `budget` fragments out of the ring and delivers them.
  Progress drain(Outflows& outflows, std::uint32_t budget) noexcept;

  /// Empties the ring for the last time and tells the receivers. A process that is still there and goes on writing
  /// gains nothing: one ring's bytes are taken at most.
  Misbehaviour finish(Outflows& outflows) noexcept;

  /// Tells the receivers without looking at the ring again. After misbehaviour.
  void cut_off(Outflows& outflows) noexcept;

  void want_doorbell(bool wanted) noexcept { reader_.want_doorbell(wanted); }

  [[nodiscard]] ring::TransmitReader::Denials denials() const noexcept { return reader_.denials(); }

 private:
  std::uint32_t world_rank_;
  ring::TransmitReader reader_;
  MessageCheck check_;
  Life life_ = Life::absent;
};

}  // namespace sluice::guard
