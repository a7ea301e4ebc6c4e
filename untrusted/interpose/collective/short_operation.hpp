// One collective of few bytes, carried out while it is called: messages and work of one rank without a schedule.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "untrusted/interpose/collective/schedule.hpp"
#include "untrusted/interpose/transport/waiting.hpp"

namespace sluice::interpose {

/// Takes part in the next collective of an intracommunicator. Its messages are those of a Schedule, so
/// that other ranks may have one; and a failure is told to others in the same way. Holds the layer's lock, but for the
/// time of waiting.
class ShortOperation {
 public:
  ShortOperation(VirtualComm& comm, Relation relation, int root);
  ShortOperation(const ShortOperation&) = delete;
  ShortOperation& operator=(const ShortOperation&) = delete;
  ~ShortOperation();

  [[nodiscard]] bool legal() const noexcept { return legal_; }
  /// All ranks.
  [[nodiscard]] Participants& among() const noexcept { return among_; }

  /// From here on it takes part. Precondition of all that follows.
  void join();

  /// What is added up to run() is moved at the same time.
  void receive(int rank, std::byte* data, std::uint64_t bytes) { add(false, rank, data, bytes); }
  void send(int rank, const std::byte* data, std::uint64_t bytes) {
    add(true, rank, const_cast<std::byte*>(data), bytes);
  }
  /// Waits until all that was added is complete.
  void run();

  /// Remembers the first error; MPI_SUCCESS changes nothing.
  void fail(int error) noexcept { failure_.add(error); }
  [[nodiscard]] bool failed() const noexcept { return failure_.failed(); }

  /// Its result, for which the communicator's error handler has been called. Nothing may be called after it.
  int finish();

 private:
  void add(bool sends, int rank, std::byte* data, std::uint64_t bytes);
  void pause(Waiter& waiter);

  std::unique_lock<std::mutex> lock_;
  VirtualComm& comm_;
  Participants& among_;
  bool legal_;
  Failure failure_;
  std::unique_ptr<Schedule::Memory> memory_;
  std::optional<Transfers> transfers_;
};

}  // namespace sluice::interpose
