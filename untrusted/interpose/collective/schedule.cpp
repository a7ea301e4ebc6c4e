#include "untrusted/interpose/collective/schedule.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace sluice::interpose {

namespace {

/// Tags repeat after this: messages of one tag stay in order. No host has a lower MPI_TAG_UB than twice this.
constexpr std::uint64_t kTagMask = 0x3fff;

/// How many operations leave their memory for later ones.
constexpr std::size_t kSpare = 8;

}  // namespace

/// Never destroyed: other libraries may call MPI while the process ends.
Schedule::SpareMemory& Schedule::spare_memory() {
  static auto* memory = new SpareMemory;
  return *memory;
}

std::unique_ptr<Schedule::Memory> Schedule::take_memory() {
  SpareMemory& spare = spare_memory();
  if (spare.empty()) return std::make_unique<Memory>();
  std::unique_ptr<Memory> taken = std::move(spare.back());
  spare.pop_back();
  return taken;
}

void Schedule::give_back(std::unique_ptr<Memory> memory) {
  memory->rounds.clear();
  memory->transfers.clear();
  if (spare_memory().size() < kSpare) spare_memory().push_back(std::move(memory));
}

Transfer Schedule::transfer(const Participants& among, bool sends, int rank, std::byte* data, std::uint64_t bytes) {
  const auto place = static_cast<std::size_t>(rank);
  Transfer made;
  made.sends = sends;
  made.world_rank = among.world_rank[place];
  made.host_rank = among.host_rank[place];
  made.data = data;
  made.bytes = bytes;
  return made;
}

Schedule::Schedule(VirtualComm& comm, int tag)
    : among_(&everyone(comm)),
      memory_(take_memory()),
      rounds_(memory_->rounds),
      added_(memory_->transfers),
      transfers_(comm, tag, failure_, memory_->messages) {}

Schedule::~Schedule() {
  give_back(std::move(memory_));
  for (ScratchMemory& scratch : scratch_) layer.scratch.give_back(std::move(scratch));
}

Schedule::Round& Schedule::add_round() {
  Round& added = rounds_.emplace_back();
  added.first = added.end = added_.size();
  return added;
}

void Schedule::add(bool sends, int rank, std::byte* data, std::uint64_t bytes) {
  if (!open_) add_round();
  open_ = true;
  added_.push_back(transfer(*among_, sends, rank, data, bytes));
  ++rounds_.back().end;
}

void Schedule::then(std::function<int()> work) {
  add_round().work = std::move(work);
  open_ = true;
}

void Schedule::extend(std::function<void()> build) {
  add_round().build = [this, participants = among_, build = std::move(build)] {
    among_ = participants;
    build();
  };
  open_ = false;
}

std::byte* Schedule::scratch(std::uint64_t bytes) {
  while (next_scratch_ < scratch_.size() && scratch_[next_scratch_].bytes < bytes) ++next_scratch_;
  if (next_scratch_ == scratch_.size()) {
    ScratchMemory taken = layer.scratch.take(bytes);
    if (taken.memory == nullptr) {
      fail(MPI_ERR_NO_MEM);
      return nullptr;
    }
    scratch_.push_back(std::move(taken));
  }
  return scratch_[next_scratch_++].memory.get();
}

std::byte* Schedule::zeroed_scratch(std::uint64_t bytes) {
  std::byte* memory = scratch(bytes);
  if (memory != nullptr) std::fill_n(memory, bytes, std::byte{0});
  return memory;
}

bool Schedule::advance() {
  bool moved = false;
  while (!done()) {
    if (!rounds_[current_].started) {
      start();
      moved = true;
    }
    moved = transfers_.advance() || moved;
    if (!transfers_.complete()) return moved;
    if (++current_ == rounds_.size()) open_ = false;
    moved = true;
  }
  return moved;
}

void Schedule::start() {
  rounds_[current_].started = true;
  if (rounds_[current_].build) extend_now(std::exchange(rounds_[current_].build, nullptr));
  const Round& round = rounds_[current_];
  if (round.work && !failed()) fail(round.work());
  transfers_.start(std::span(added_).subspan(round.first, round.end - round.first));
}

/// What is built now comes right after the current round.
void Schedule::extend_now(const std::function<void()>& build) {
  const auto old_end = static_cast<std::ptrdiff_t>(rounds_.size());
  open_ = false;
  build();
  open_ = false;
  std::rotate(rounds_.begin() + static_cast<std::ptrdiff_t>(current_) + 1, rounds_.begin() + old_end, rounds_.end());
}

int next_tag(VirtualComm& comm) noexcept { return static_cast<int>(comm.collectives++ & kTagMask); }

int next_persistent_tag(VirtualComm& comm) noexcept {
  return static_cast<int>((comm.persistent_collectives++ & kTagMask) | (kTagMask + 1));
}

}  // namespace sluice::interpose
