// Messages of one rank in one round of a collective operation.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>
#include <span>
#include <vector>

#include "untrusted/interpose/layer.hpp"

namespace sluice::interpose {

/// The first thing that went wrong in an operation.
class Failure {
 public:
  /// MPI_SUCCESS changes nothing.
  void add(int error) noexcept {
    if (error_ == MPI_SUCCESS) error_ = error;
  }
  [[nodiscard]] bool failed() const noexcept { return error_ != MPI_SUCCESS; }
  [[nodiscard]] int error() const noexcept { return error_; }

 private:
  int error_ = MPI_SUCCESS;
};

/// Bytes that go to one rank, or come from it, as messages of kBytes each.
struct Transfer {
  /// Short enough that all parts of a way over several ranks work at once, long enough that a message costs nothing.
  static constexpr std::uint64_t kBytes = std::uint64_t{128} * 1024;

  bool sends = false;
  std::int32_t world_rank = 0;
  std::int32_t host_rank = -1;  ///< -1 of another subject
  std::byte* data = nullptr;
  std::uint64_t bytes = 0;

  std::uint64_t begun = 0;  ///< messages
  std::uint64_t done = 0;   ///< messages, of those the first
  bool held = false;        ///< in this pass: the host MPI still has the first that is not done

  [[nodiscard]] bool writes() const noexcept { return sends && host_rank < 0; }
  [[nodiscard]] std::uint64_t messages() const noexcept { return bytes == 0 ? 1 : (bytes + kBytes - 1) / kBytes; }
  /// Of the message that begins next.
  [[nodiscard]] std::byte* next_data() const noexcept { return data + begun * kBytes; }
  [[nodiscard]] std::uint64_t next_bytes() const noexcept { return std::min(kBytes, bytes - begun * kBytes); }
  /// Bytes that have been moved, from the first on.
  [[nodiscard]] std::uint64_t moved() const noexcept { return std::min(done * kBytes, bytes); }
};

/// Moves the transfers of one round at a time. Those between two ranks go in the order in which they were added. What
/// is sent from memory that the same round receives into follows piece by piece as it arrives.
///
/// Messages inside the subject go through the host MPI on the communicator's hidden duplicate, those to other subjects
/// through the transmit ring; a message to a subject without a flow from here ends the process.
///
/// All of it with the layer locked.
class Transfers {
 public:
  /// Memory that is used again: most operations are short, and allocating would take most of their time.
  struct Memory {
    struct HostMessage {
      Transfer* transfer = nullptr;
      std::uint64_t bytes = 0;
      MPI_Request request = MPI_REQUEST_NULL;
    };
    struct RemoteMessage {
      Transfer* transfer = nullptr;
      Receive receive;
    };
    struct Peer {
      bool sends;
      std::int32_t world_rank;
    };
    std::vector<HostMessage> host;    ///< under way, in the order in which they began
    std::list<RemoteMessage> remote;  ///< receives under way; their addresses are in queues
    std::list<RemoteMessage> spare;   ///< for further receives
    std::vector<Peer> waiting;        ///< in this pass: transfers of which some message has not begun
  };

  /// `failure`: of the operation. Once there is one, sends take other lengths, which tells those who wait for them.
  Transfers(VirtualComm& comm, int tag, Failure& failure, Memory& memory) noexcept
      : comm_(comm), tag_(tag), failure_(failure), memory_(memory) {}

  /// Begins a round, whose transfers stay where they are until it is complete, in another order. Precondition:
  /// complete().
  void start(std::span<Transfer> transfers);
  /// Goes as far as it can without waiting. Returns whether anything moved.
  bool advance();
  [[nodiscard]] bool complete() const noexcept { return incomplete_ == 0; }

 private:
  bool begin();
  bool may_begin(const Transfer& transfer) const;
  bool is_there(const Transfer& transfer) const;
  bool waits_behind_another(const Transfer& transfer) const;
  void begin_next(Transfer& transfer);
  void begin_receive(Transfer& transfer);
  void begin_host_message(Transfer& transfer);
  void write(Transfer& transfer);
  bool take_from_host();
  bool take_from_others();
  void finish(Transfer& transfer);
  void check_host(const Memory::HostMessage& message, int error, const MPI_Status& status);
  void check_remote(const Receive& receive);
  void check_length(std::uint64_t expected, std::uint64_t length);

  VirtualComm& comm_;
  int tag_;
  Failure& failure_;
  Memory& memory_;
  std::span<Transfer> transfers_;  ///< receives, then sends inside the subject, then to others
  std::size_t unbegun_ = 0;        ///< transfers of which some message has not begun
  std::size_t incomplete_ = 0;     ///< transfers
};

}  // namespace sluice::interpose
