// System calls that a subject was denied, counted while it runs.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

#include "trusted/base/fd.hpp"

namespace sluice::launcher {

/// Of one subject. Its calls are answered by a thread that serves no other, so how long one takes says nothing of
/// anybody else but that processors are shared. However often it tries, the log has a line a second at most.
class RefusedCalls {
 public:
  /// `socket`: where the sandbox's first program sends its listener.
  explicit RefusedCalls(Fd socket);
  RefusedCalls(const RefusedCalls&) = delete;
  RefusedCalls& operator=(const RefusedCalls&) = delete;
  ~RefusedCalls();

  /// What came since the last call: how many, and the calls with how often each, "keyctl 2, ptrace 1". The most
  /// frequent first, a few of them.
  struct News {
    std::uint64_t times = 0;
    std::uint64_t total = 0;
    std::string calls;
  };
  News news();

 private:
  static constexpr std::size_t kNumbers = 512;  ///< of system calls; the last one stands for all from there on

  void listen();

  Fd socket_;
  Fd stop_;  ///< eventfd
  std::array<std::atomic<std::uint64_t>, kNumbers> counts_{};
  std::array<std::uint64_t, kNumbers> told_{};
  std::uint64_t total_ = 0;
  std::thread thread_;
};

}  // namespace sluice::launcher
