// What one rank does in one collective operation: messages to and from other ranks, and work between them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "untrusted/interpose/collective/participants.hpp"
#include "untrusted/interpose/collective/transfers.hpp"

namespace sluice::interpose {

/// Rounds of transfers; each round starts when the one before is complete. Built by the functions of this folder, then
/// moved on by progress() until it is done.
///
/// Every rank of a collective knows beforehand who sends it how many bytes, so a message of another length tells that
/// its sender could not do its part. A schedule that has failed goes on to take what is sent to it, and sends such
/// messages: so nobody waits for ever, and each whose result is missing gets an error.
///
/// All of it with the layer locked.
class Schedule {
 public:
  struct Round {
    std::function<int()> work;
    std::function<void()> build;
    std::size_t first = 0;  ///< of its transfers
    std::size_t end = 0;
    bool started = false;
  };
  /// Of one operation, used again for later ones: allocating would take most of the time.
  struct Memory {
    std::vector<Round> rounds;
    std::vector<Transfer> transfers;
    Transfers::Memory messages;
  };

  static std::unique_ptr<Memory> take_memory();
  static void give_back(std::unique_ptr<Memory> memory);

  /// A transfer between this rank and one of `among`.
  static Transfer transfer(const Participants& among, bool sends, int rank, std::byte* data, std::uint64_t bytes);

  /// `tag`: the same at all ranks of the operation, and different in operations that run at the same time.
  Schedule(VirtualComm& comm, int tag);
  Schedule(const Schedule&) = delete;
  Schedule& operator=(const Schedule&) = delete;
  ~Schedule();

  // Ranks are meant as they are counted among the participants.

  [[nodiscard]] Participants& participants() const noexcept { return *among_; }
  [[nodiscard]] SubjectMap& map() const noexcept { return among_->map; }
  [[nodiscard]] int rank() const noexcept { return among_->rank; }
  [[nodiscard]] int size() const noexcept { return among_->size(); }

  /// What is added from now on is done by these: at first by everyone in the communicator.
  void among(Participants& participants) noexcept { among_ = &participants; }

  // Building. What is added between two wait() is one round: it starts together, and what it sends of memory that it
  // receives into follows as that arrives.

  /// Sends `bytes` bytes, which stay where they are until the round is complete.
  void send(int rank, const std::byte* data, std::uint64_t bytes) {
    add(true, rank, const_cast<std::byte*>(data), bytes);
  }
  /// Receives exactly `bytes` bytes.
  void receive(int rank, std::byte* data, std::uint64_t bytes) { add(false, rank, data, bytes); }
  /// What is added from now on starts when all that was added before is complete.
  void wait() noexcept { open_ = false; }
  /// What is added from now on passes on `bytes` bytes that the same round receives, as they arrive. Without bytes it
  /// starts when all that was added before is complete.
  void follow(std::uint64_t bytes) noexcept {
    if (bytes == 0) wait();
  }
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
  void fail(int error) noexcept { failure_.add(error); }

  // Running.

  /// Goes as far as it can without waiting. Returns whether anything moved.
  bool advance();
  [[nodiscard]] bool done() const noexcept { return current_ == rounds_.size(); }
  [[nodiscard]] bool failed() const noexcept { return failure_.failed(); }
  /// The operation's result: MPI_SUCCESS or the first error.
  [[nodiscard]] int error() const noexcept { return failure_.error(); }

 private:
  using SpareMemory = std::vector<std::unique_ptr<Memory>>;
  static SpareMemory& spare_memory();
  Round& add_round();
  void add(bool sends, int rank, std::byte* data, std::uint64_t bytes);
  void start();
  void extend_now(const std::function<void()>& build);

  Participants* among_;
  Failure failure_;
  bool open_ = false;  ///< the last round takes more transfers
  std::unique_ptr<Memory> memory_;
  std::vector<Round>& rounds_;    ///< in it
  std::vector<Transfer>& added_;  ///< in it: by round, in the order in which those were added
  std::size_t current_ = 0;       ///< the round that runs, or is next
  Transfers transfers_;           ///< of that round
  std::vector<ScratchMemory> scratch_;
  std::size_t next_scratch_ = 0;  ///< the first that scratch() may give out
};

/// Flows between the subjects of everyone in `comm`.
inline SubjectMap& subject_map_of(VirtualComm& comm) { return everyone(comm).map; }

/// Tag of the next collective on `comm`: every rank counts alike, as all call collectives in the same order.
int next_tag(VirtualComm& comm) noexcept;
/// The same for persistent requests, which all ranks make in the same order.
int next_persistent_tag(VirtualComm& comm) noexcept;

}  // namespace sluice::interpose
