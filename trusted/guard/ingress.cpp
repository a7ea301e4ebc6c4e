#include "trusted/guard/ingress.hpp"

#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "trusted/guard/greeting.hpp"

namespace sluice::guard {

namespace {

/// Fragments taken from one rank before the next rank of the subject has its turn.
constexpr std::uint32_t kTurn = 64;
/// Connections that may be open without having said who they are, beyond one for each rank.
constexpr std::size_t kStrangers = 8;

void clear_event(const Fd& event) noexcept {
  // The subject holds this descriptor too and may have emptied it or made it blocking: never wait on it.
  std::uint64_t count = 0;
  const iovec vector{&count, sizeof count};
  if (::preadv2(event.get(), &vector, 1, -1, RWF_NOWAIT) < 0) return;
}

}  // namespace

Ingress::Ingress(const table::RunTable& table, IngressSetup setup, SubjectMemory& memory,
                 const std::vector<Flow*>& flows, Statistics& statistics, const Reporter& reporter)
    : table_(table),
      setup_(std::move(setup)),
      counters_(statistics.subject[setup_.subject]),
      memory_(memory),
      reporter_(reporter),
      outflows_(table, setup_.subject, flows, statistics),
      connections_(memory.ranks.size()),
      gone_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  const std::uint32_t first_rank = table_.subjects[setup_.subject].first_rank;
  senders_.reserve(memory.ranks.size());
  for (std::uint32_t rank = 0; rank < memory.ranks.size(); ++rank) {
    senders_.emplace_back(first_rank + rank, memory.ranks[rank].transmit.data(), outflows_.capabilities());
  }
}

void Ingress::subject_ended() noexcept { static_cast<void>(::eventfd_write(gone_.get(), 1)); }

bool Ingress::drain_once() noexcept {
  bool worked = false;
  for (Sender& sender : senders_) {
    if (sender.life() != Sender::Life::up) continue;
    const Sender::Progress progress = sender.drain(outflows_, kTurn);
    worked = worked || progress.worked;
    if (progress.misbehaviour != Misbehaviour::none) {
      misbehave(sender.world_rank(), progress.misbehaviour);
      return true;
    }
  }
  return worked;
}

void Ingress::want_doorbell(bool wanted) noexcept {
  for (Sender& sender : senders_) sender.want_doorbell(wanted);
}

void Ingress::add_polled(std::vector<pollfd>& polled) const {
  polled.push_back({setup_.listener.get(), POLLIN, 0});
  polled.push_back({memory_.doorbell.get(), POLLIN, 0});
  polled.push_back({gone_.get(), POLLIN, 0});
  // Invalid descriptors are negative, which poll() skips.
  for (const Fd& connection : connections_) polled.push_back({connection.get(), POLLIN, 0});
  for (const Fd& stranger : strangers_) polled.push_back({stranger.get(), POLLIN, 0});
}

void Ingress::count_denials() const noexcept {
  std::uint64_t sum = 0;
  for (const Sender& sender : senders_) {
    if (sender.life() == Sender::Life::absent) continue;
    const auto [count, rank] = sender.denials();
    sum += count;
    if (count != 0) counters_.denied_rank.store(rank, std::memory_order_relaxed);
  }
  counters_.denied.store(sum, std::memory_order_relaxed);
}

void Ingress::serve(std::span<const pollfd> polled) noexcept {
  if (polled[1].revents != 0) clear_event(memory_.doorbell);
  for (std::uint32_t rank = 0; rank < connections_.size() && !stopped_; ++rank) {
    if (polled[3 + rank].revents != 0) look_at_rank(rank);
  }
  const std::size_t first_stranger = 3 + connections_.size();
  for (std::size_t i = 0; first_stranger + i < polled.size() && !stopped_; ++i) {
    if (polled[first_stranger + i].revents != 0) greet(strangers_[i]);
  }
  std::erase_if(strangers_, [](const Fd& stranger) { return !stranger.valid(); });
  if (polled[0].revents != 0 && !stopped_) accept_all();
  if (polled[2].revents != 0 && !stopped_) finish_all();
}

void Ingress::accept_all() noexcept {
  for (Fd connection = accept_connection(setup_.listener); connection;
       connection = accept_connection(setup_.listener)) {
    if (peer_user(connection) != setup_.user) {
      counters_.turned_away.fetch_add(1, std::memory_order_relaxed);
      static_cast<void>(answer(connection, wire::GreetingVerdict::foreign_process, memory_, 0, {}));
      continue;
    }
    if (strangers_.size() >= connections_.size() + kStrangers) {
      misbehave(kNoRank, Misbehaviour::too_many_connections);
      return;
    }
    strangers_.push_back(std::move(connection));
  }
}

void Ingress::greet(Fd& connection) noexcept {
  const Greeting greeting = read_greeting(connection);
  if (greeting.kind == Greeting::Kind::nothing) return;
  Fd peer = std::move(connection);
  if (greeting.kind == Greeting::Kind::ended) return;
  auto verdict = wire::GreetingVerdict::not_a_hello;
  const std::uint32_t rank = greeting.hello.host_rank;
  if (greeting.kind == Greeting::Kind::hello) {
    const auto taken = std::make_unique<bool[]>(senders_.size());
    std::transform(senders_.begin(), senders_.end(), taken.get(),
                   [](const Sender& sender) { return sender.life() != Sender::Life::absent; });
    verdict = judge(greeting.hello, {taken.get(), senders_.size()});
  }
  const bool answered = answer(peer, verdict, memory_, rank, setup_.inbound);
  if (verdict != wire::GreetingVerdict::welcome) return misbehave(kNoRank, misbehaviour_of(verdict));
  if (!answered) return;
  connections_[rank] = std::move(peer);
  senders_[rank].connected();
  outflows_.announce();
  Event event = make_event(EventKind::rank_up, setup_.subject);
  event.rank = senders_[rank].world_rank();
  reporter_.post(event);
}

void Ingress::look_at_rank(std::uint32_t rank) noexcept {
  const Greeting greeting = read_greeting(connections_[rank]);
  if (greeting.kind == Greeting::Kind::nothing) return;
  Sender& sender = senders_[rank];
  if (greeting.kind != Greeting::Kind::ended) return misbehave(sender.world_rank(), Misbehaviour::bad_greeting);
  connections_[rank].reset();
  sender.close();
  finish_closing();
}

void Ingress::finish_closing() noexcept {
  count_denials();
  for (Sender& sender : senders_) {
    if (sender.life() != Sender::Life::closing) continue;
    const Misbehaviour misbehaviour = sender.finish(outflows_);
    Event event = make_event(EventKind::rank_ended, setup_.subject);
    event.rank = sender.world_rank();
    reporter_.post(event);
    if (misbehaviour != Misbehaviour::none) return misbehave(sender.world_rank(), misbehaviour);
  }
}

void Ingress::finish_all() noexcept {
  for (Sender& sender : senders_) sender.close();
  finish_closing();
  stopped_ = true;
}

void Ingress::misbehave(std::uint32_t world_rank, Misbehaviour misbehaviour) noexcept {
  if (stopped_) return;
  stopped_ = true;
  // First of all: a subject that sees its connections dropped may end by itself before anybody knows why.
  reporter_.send(misbehaved(setup_.subject, world_rank, misbehaviour));
  for (Sender& sender : senders_) sender.cut_off(outflows_);
  connections_.clear();
  strangers_.clear();
}

}  // namespace sluice::guard
