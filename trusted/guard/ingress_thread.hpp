// A thread that runs the ingress of one subject, or of several that share it (trusted/guard/ingress_groups.hpp).
#pragma once

#include <poll.h>

#include <chrono>
#include <optional>
#include <vector>

#include "trusted/guard/ingress.hpp"
#include "trusted/guard/outflows.hpp"
#include "trusted/guard/reply_predictor.hpp"

namespace sluice::guard {

class IngressThread {
 public:
  explicit IngressThread(std::vector<Ingress*> members) : members_(std::move(members)), replies_(members_.size()) {}

  /// Thread body: returns when all its subjects have ended and their receivers have been told.
  void run() noexcept;

 private:
  [[nodiscard]] bool drain_once() noexcept;
  [[nodiscard]] bool all_stopped() const noexcept;
  void ring_all(Clock::time_point now) noexcept;
  void rest() noexcept;
  void sleep() noexcept;
  /// Serves what has come on sockets, waiting for at most `limit` (negative: for ever). Whether anything had.
  bool look_at_sockets(std::chrono::milliseconds limit) noexcept;

  std::vector<Ingress*> members_;
  ReplyPredictor replies_;
  std::optional<Clock::time_point> idle_since_;  // first pass that found nothing; none while frames arrive
  Clock::time_point looked_at_sockets_{};
};

}  // namespace sluice::guard
