// What one rank does in one collective operation: messages to and from other ranks, and work between them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "untrusted/interpose/collective/participants.hpp"
#include "untrusted/interpose/layer.hpp"

namespace sluice::interpose {

/// Rounds of transfers; each round starts when the one before is complete. Built by the functions of this folder, then
/// moved on by progress() until it is done. Messages inside the subject go through the host MPI on the communicator's
/// hidden duplicate, those to other subjects through the transmit ring; a message to a subject without a flow from
/// here ends the process.
///
/// Every rank of a collective knows beforehand who sends it how many bytes, so a message of another length tells that
/// its sender could not do its part. A schedule that has failed goes on to take what is sent to it, and sends such
/// messages: so nobody waits for ever, and each whose result is missing gets an error.
///
/// All of it with the layer locked.
class Schedule {
 public:
  /// `tag`: the same at all ranks of the operation, and different in operations that run at the same time.
  Schedule(VirtualComm& comm, int tag);
  Schedule(const Schedule&) = delete;
  Schedule& operator=(const Schedule&) = delete;
  ~Schedule() = default;

  // Ranks are meant as they are counted among the participants.

  [[nodiscard]] SubjectMap& map() const noexcept { return among_->map; }
  [[nodiscard]] int rank() const noexcept { return among_->rank; }
  [[nodiscard]] int size() const noexcept { return among_->size(); }

  /// What is added from now on is done by these: at first by everyone in the communicator.
  void among(Participants& participants) noexcept { among_ = &participants; }

  // Building. What is added between two wait() starts together.

  /// Sends `bytes` bytes, which stay where they are until the round is complete.
  void send(int rank, const std::byte* data, std::uint64_t bytes) {
    add(true, rank, const_cast<std::byte*>(data), bytes);
  }
  /// Receives exactly `bytes` bytes.
  void receive(int rank, std::byte* data, std::uint64_t bytes) { add(false, rank, data, bytes); }
  /// What is added from now on starts when all that was added before is complete.
  void wait() { open_ = false; }
  /// Work on what was received. Skipped when the schedule has failed. Returns an MPI error.
  void then(std::function<int()> work);
  /// Adds to the schedule, at this place, what cannot be known before. Called even when the schedule has failed.
  void extend(std::function<void()> build);
  /// Memory that lives as long as the schedule. Fails the schedule and returns null where there is none.
  std::byte* scratch(std::uint64_t bytes);
  /// The same, all zero.
  std::byte* zeroed_scratch(std::uint64_t bytes);
  /// A mark for recycle_scratch().
  [[nodiscard]] std::size_t scratch_mark() const noexcept { return next_scratch_; }
  /// From here on scratch() gives the memory again that it has given since `mark`: what is added from now on starts
  /// when all that was added before is complete, and needs nothing of what is there.
  void recycle_scratch(std::size_t mark) noexcept {
    wait();
    next_scratch_ = mark;
  }
  /// Remembers the first error; MPI_SUCCESS changes nothing.
  void fail(int error) noexcept;

  // Running.

  /// Goes as far as it can without waiting. Returns whether anything moved.
  bool advance();
  [[nodiscard]] bool done() const noexcept { return rounds_.empty(); }
  [[nodiscard]] bool failed() const noexcept { return error_ != MPI_SUCCESS; }
  /// The operation's result: MPI_SUCCESS or the first error.
  [[nodiscard]] int error() const noexcept { return error_; }

 private:
  struct Transfer {
    bool sends;
    std::int32_t world_rank;
    std::int32_t host_rank;  ///< -1 of another subject
    std::byte* data;
    std::uint64_t bytes;
  };
  struct Round {
    std::function<int()> work;
    std::function<void()> build;
    std::vector<Transfer> transfers;
    bool started = false;
  };
  struct Scratch {
    std::unique_ptr<std::byte[]> memory;
    std::uint64_t bytes;
  };
  struct HostTransfer {
    MPI_Request request = MPI_REQUEST_NULL;
    bool receives = false;
    std::uint64_t expected = 0;
  };

  void add(bool sends, int rank, std::byte* data, std::uint64_t bytes);
  void start(Round& round);
  void extend_now(const Round& round);
  void start_receive(const Transfer& transfer);
  void start_send(const Transfer& transfer);
  void write(const Transfer& transfer);
  bool finish_round();
  void finish_host(const HostTransfer& transfer, int error, const MPI_Status& status);
  void finish_remote(const Receive& receive);
  void check_length(std::uint64_t expected, std::uint64_t length);

  VirtualComm& comm_;
  Participants* among_;
  int tag_;
  int error_ = MPI_SUCCESS;
  bool open_ = false;  ///< the last round takes more transfers
  std::deque<Round> rounds_;
  std::vector<HostTransfer> host_;  ///< of the round that runs
  std::deque<Receive> remote_;      ///< likewise; their addresses are in queues
  std::size_t settled_ = 0;         ///< how many of them are complete
  std::vector<Scratch> scratch_;
  std::size_t next_scratch_ = 0;  ///< the first that scratch() may give out
};

/// Flows between the subjects of everyone in `comm`.
inline SubjectMap& subject_map_of(VirtualComm& comm) { return everyone(comm).map; }

/// Tag of the next collective on `comm`: every rank counts alike, as all call collectives in the same order.
int next_tag(VirtualComm& comm) noexcept;
/// The same for persistent requests, which all ranks make in the same order.
int next_persistent_tag(VirtualComm& comm) noexcept;

}  // namespace sluice::interpose
