// Messages of other subjects: from the mailboxes into posted receives, or into the unexpected queue.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "untrusted/interpose/point_to_point/receive.hpp"
#include "untrusted/interpose/transport/channel.hpp"
#include "untrusted/interpose/transport/mailbox_reader.hpp"
#include "untrusted/interpose/transport/shared_path.hpp"

namespace sluice::interpose {

/// A message that arrived before its receive. Its bytes lie on this rank's heap.
struct Unexpected {
  Envelope envelope{};
  std::uint64_t extent = 0;   ///< bytes of the whole message
  std::uint64_t arrived = 0;  ///< bytes in `data`
  std::uint64_t room = 0;     ///< bytes allocated
  std::byte* data = nullptr;
  std::uint64_t synchronous = 0;  ///< number among the sender's synchronous messages to this rank; 0 if it is none
  bool cut_short = false;         ///< the sender ended before its last fragment
  std::uint64_t missed = 0;       ///< so many messages that were lost, one after the other, and no data; 0 if it is one
  Link<Unexpected> by_arrival;
  Link<Unexpected> by_source;
};

/// One mailbox and the world ranks whose messages come through it.
struct Inflow {
  MailboxReader reader;
  std::uint32_t first_rank;
  std::uint32_t rank_count;
};

/// Says that a receive has started to take a synchronous message.
struct Acknowledgement {
  std::int32_t rank;     ///< world rank of the other side
  std::uint64_t number;  ///< of the message, counted from 1 by sender and receiver alike
};

/// Lost messages (`when_full: drop`).
struct Missed {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
};

/// Matching in MPI's order (MPI 3.1, section 3.5): a message goes to the first posted receive that accepts it, and a
/// receive takes the first message that it accepts, in the order in which each sender sent. Not thread-safe.
class Incoming {
 public:
  Incoming() noexcept = default;
  Incoming(const Incoming&) = delete;
  Incoming& operator=(const Incoming&) = delete;
  ~Incoming();

  void attach(std::vector<Inflow> inflows, std::uint32_t rank_count, std::vector<SharedInflow> shared = {});

  /// Takes at most `frames` frames from each mailbox: fewer once a receive is finished and no other is posted, as what
  /// stays there is copied once less when it is received. Returns whether anything came. With `leave`, a mailbox is
  /// left at a message for which no receive is posted: for a short time, as the mailbox fills meanwhile.
  bool drain(std::uint32_t frames, bool leave = false);

  /// Whether a frame waits in some mailbox.
  [[nodiscard]] bool mail_waits() noexcept;

  /// Tells senders on shared paths that this rank sleeps, or no longer does.
  void want_wake(bool wanted) noexcept;

  /// Gives `receive` the first message that it accepts if one has come, and returns true; then the receive is in
  /// finished() as soon as all of it is there. A receive that nothing can complete any more is finished at once.
  bool take(Receive& receive);

  /// Queues a receive behind those posted before. It stays where it is until it is finished or withdrawn.
  void post(Receive& receive) { posted_.push_back(receive); }

  /// Takes back a receive that is queued; returns false if a message has matched it.
  bool withdraw(Receive& receive);

  /// The first message that a receive with this envelope would take, or null.
  [[nodiscard]] const Unexpected* find(Envelope wanted) const;

  /// Takes the first message that a receive with this envelope would take out of the queue, or returns null. It may
  /// still be arriving. It lives until receive_claimed().
  Unexpected* claim(Envelope wanted);

  /// Gives a claimed message to `receive`, which is in finished() as soon as all of it is there.
  void receive_claimed(Unexpected& message, Receive& receive);

  /// Whether nothing more can come that a receive with this envelope would take. `any`: see Receive::any.
  [[nodiscard]] bool exhausted(Envelope wanted, const AnySource* any) const;

  /// Finishes queued receives that nobody but this rank itself could complete any more, which waits and so does not.
  /// Returns whether there was one.
  bool give_up_on_self() { return ended_ != 0 && give_up(true); }

  /// Whether a rank of another subject has ended, and how many have.
  [[nodiscard]] bool ended(std::uint32_t rank) const noexcept { return sources_[rank].ended; }
  [[nodiscard]] std::size_t ended_count() const noexcept { return ended_; }

  /// What has been missed of a rank so far.
  [[nodiscard]] const Missed& missed(std::uint32_t rank) const noexcept { return sources_[rank].missed; }

  /// Synchronous messages that have been matched here and whose senders are to be told, oldest first.
  [[nodiscard]] std::vector<Acknowledgement>& owed() noexcept { return owed_; }
  /// Synchronous messages of this rank that have been matched elsewhere. Nobody has checked that there were such.
  [[nodiscard]] std::vector<Acknowledgement>& acknowledged() noexcept { return acknowledged_; }

  [[nodiscard]] ReceiveQueue& posted() noexcept { return posted_; }
  [[nodiscard]] ReceiveQueue& finished() noexcept { return finished_; }

  /// What the guard did that it never does, or null. Fatal.
  [[nodiscard]] const char* fault() const noexcept { return fault_; }

  /// Puts a receive that is in no queue into finished() with `outcome`.
  void finish(Receive& receive, Outcome outcome);

 private:
  using UnexpectedQueue = List<Unexpected, &Unexpected::by_arrival>;

  /// What is known of one sending rank: at most one message of it is under way.
  struct Source {
    Receive* receive = nullptr;        ///< gets the open message
    Unexpected* unexpected = nullptr;  ///< or collects it; without both it is for nobody
    std::uint64_t extent = 0;
    std::uint64_t arrived = 0;
    std::uint64_t before_rest = 0;  ///< bytes of the open message that came in the ring, if its rest comes by relay
    std::uint64_t synchronous = 0;  ///< such messages so far
    Missed missed;
    bool open = false;
    bool ended = false;
    SharedInflow* shared = nullptr;  ///< its ring, if it has one
    List<Unexpected, &Unexpected::by_source> waiting;

    /// A message of `bytes` begins. Whoever gets it is still to be named.
    void begin(std::uint64_t bytes) noexcept {
      open = true;
      extent = bytes;
      arrived = 0;
      before_rest = 0;
    }
    /// Nothing more belongs to the open message.
    void close() noexcept {
      receive = nullptr;
      unexpected = nullptr;
      open = false;
    }
  };

  [[nodiscard]] bool is_awaited(const Inflow& inflow, const wire::FrameHeader& header) const;
  bool handle(const Inflow& inflow, const wire::FrameHeader& header);
  void handle_start(Source& source, const wire::FrameHeader& header);
  /// What nobody waits for yet is better left where it is: soon somebody may, and then it is copied once.
  [[nodiscard]] bool has_enough() const noexcept { return posted_.empty() && !finished_.empty(); }
  bool drain_shared(SharedInflow& inflow, std::uint32_t frames, bool all);
  bool accept_shared(SharedInflow& inflow, const ring::Fragment& fragment);
  void catch_up(Source& source);
  void take_acknowledgement(std::uint32_t rank, const wire::FrameHeader& header);
  void take_note(Source& source, const wire::FrameHeader& header);
  void ignore_message(Source& source, std::uint64_t extent);
  void cut_short(Source& source);
  /// A message of world rank `rank` begins.
  void start(std::uint32_t rank, const wire::FrameHeader& header);
  bool miss(Source& source, const wire::FrameHeader& header);
  void lose_open(Source& source);
  void lose(Receive& receive, Envelope message, std::uint64_t synchronous);
  Unexpected* split(Unexpected& message);
  void append(Source& source, const std::byte* bytes, std::uint32_t count);
  void end_source(std::uint32_t rank, bool is_cut_short);
  bool give_up(bool self_may_send);
  Receive* match_posted(Envelope message);
  void bind(Receive& receive, Envelope message, std::uint64_t extent, std::uint64_t synchronous);
  void complete(Source& source);
  void unqueue(Unexpected& message);
  bool fail(const char* fault);

  std::vector<Inflow> inflows_;
  std::vector<SharedInflow> shared_;
  std::vector<Source> sources_;  ///< by world rank
  std::size_t ended_ = 0;        ///< how many of them have ended
  ReceiveQueue posted_;
  ReceiveQueue finished_;
  UnexpectedQueue unexpected_;
  std::vector<Acknowledgement> owed_;
  std::vector<Acknowledgement> acknowledged_;
  const char* fault_ = nullptr;
};

}  // namespace sluice::interpose
