#include "untrusted/interpose/collective/short_operation.hpp"

#include <utility>

#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/point_to_point/progress.hpp"

namespace sluice::interpose {

namespace {

std::unique_lock<std::mutex> locked() {
  return layer.threads ? std::unique_lock(layer.mutex) : std::unique_lock<std::mutex>();
}

}  // namespace

ShortOperation::ShortOperation(VirtualComm& comm, Relation relation, int root)
    : lock_(locked()), comm_(comm), among_(everyone(comm)), legal_(!among_.map.verdict(relation, root).has_value()) {}

void ShortOperation::join() {
  memory_ = Schedule::take_memory();
  transfers_.emplace(comm_, next_tag(comm_), failure_, memory_->messages);
  ++comm_.users;
}

ShortOperation::~ShortOperation() {
  if (memory_ == nullptr) return;
  if (layer.threads && !lock_.owns_lock()) lock_.lock();
  Schedule::give_back(std::move(memory_));
  --comm_.users;
  release_hidden(comm_);
}

void ShortOperation::add(bool sends, int rank, std::byte* data, std::uint64_t bytes) {
  memory_->transfers.push_back(Schedule::transfer(among_, sends, rank, data, bytes));
}

void ShortOperation::run() {
  Waiter waiter;
  transfers_->start(memory_->transfers);
  for (bool moved = transfers_->advance(); !transfers_->complete(); moved = transfers_->advance()) {
    moved = progress() || moved;
    if (moved) {
      waiter.reset();
    } else {
      pause(waiter);
    }
  }
  memory_->transfers.clear();
}

void ShortOperation::pause(Waiter& waiter) {
  if (layer.threads) lock_.unlock();
  waiter.pause();
  if (layer.threads) lock_.lock();
}

int ShortOperation::finish() {
  if (layer.threads) lock_.unlock();
  return failed() ? raise(comm_.host, failure_.error()) : MPI_SUCCESS;
}

}  // namespace sluice::interpose
