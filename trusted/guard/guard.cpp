#include "trusted/guard/guard.hpp"

#include <sched.h>

#include <algorithm>
#include <future>
#include <system_error>
#include <thread>
#include <utility>

#include "trusted/guard/ingress_groups.hpp"

namespace sluice::guard {
namespace {

/// This thread runs only where no other wants the processor.
bool yield_to_all() noexcept {
  const sched_param none{};
  return ::sched_setscheduler(0, SCHED_IDLE, &none) == 0;
}

}  // namespace

Result<std::unique_ptr<Guard>, MemoryError> Guard::create(table::RunTable table, std::vector<Fd> listeners,
                                                          std::vector<Fd> spills, const std::vector<uid_t>& users,
                                                          Statistics& statistics, const Reporter& reporter) {
  std::unique_ptr<Guard> guard(new Guard(std::move(table), statistics, reporter));
  if (auto made = guard->make_memory(std::move(spills)); !made) return made.error();
  guard->make_parts(std::move(listeners), users);
  return guard;
}

Status<MemoryError> Guard::make_memory(std::vector<Fd> spills) {
  for (std::uint32_t subject = 0; subject < table_.subjects.size(); ++subject) {
    auto memory = SubjectMemory::create(table_, subject);
    if (!memory) return memory.error();
    subjects_.push_back(std::move(memory).value());
  }
  auto next_spill = spills.begin();
  for (std::uint32_t index = 0; index < table_.flows.size(); ++index) {
    auto memory = FlowMemory::create(table_, table_.flows[index]);
    if (!memory) return memory.error();
    const bool has_spill = table_.flows[index].when_full == table::WhenFull::spill && next_spill != spills.end();
    flows_.push_back(std::make_unique<Flow>(index, table_.flows[index], std::move(memory).value(),
                                            has_spill ? std::move(*next_spill++) : Fd()));
  }
  return Unit{};
}

void Guard::make_parts(std::vector<Fd> listeners, const std::vector<uid_t>& users) {
  std::vector<Flow*> flows;
  flows.reserve(flows_.size());
  for (const auto& flow : flows_) flows.push_back(flow.get());
  for (std::uint32_t subject = 0; subject < table_.subjects.size(); ++subject) {
    IngressSetup setup{
        .subject = subject, .user = users[subject], .listener = std::move(listeners[subject]), .inbound = {}};
    const auto inflows = table::inflows(table_, subject);
    for (std::uint32_t position = 0; position < inflows.size(); ++position) {
      Flow& flow = *flows_[inflows[position]];
      setup.inbound.push_back(flow.memory.pool->receiver_fd().get());
      egresses_.push_back(std::make_unique<Egress>(flow, position, table_.subjects[flow.policy.from],
                                                   subjects_[subject], statistics_, reporter_));
    }
    add_shared_paths(subject, setup.inbound);
    ingresses_.push_back(
        std::make_unique<Ingress>(table_, std::move(setup), subjects_[subject], flows, statistics_, reporter_));
  }
  for (const auto& group : ingress_groups(table_, std::thread::hardware_concurrency())) {
    std::vector<Ingress*> members;
    members.reserve(group.size());
    for (const std::uint32_t subject : group) members.push_back(ingresses_[subject].get());
    ingress_threads_.push_back(std::make_unique<IngressThread>(std::move(members)));
  }
}

void Guard::add_shared_paths(std::uint32_t subject, std::vector<int>& descriptors) const {
  for (std::uint32_t other = 0; other < table_.subjects.size(); ++other) {
    for (const bool outward : {true, false}) {
      const table::Flow* policy =
          outward ? table::shared_flow(table_, subject, other) : table::shared_flow(table_, other, subject);
      if (policy == nullptr) continue;
      const SharedPathMemory& memory = flows_[static_cast<std::size_t>(policy - table_.flows.data())]->memory.shared;
      descriptors.push_back((outward ? memory.rings : memory.rings_to_read).get());
      descriptors.push_back((outward ? memory.positions_to_read : memory.positions).get());
    }
  }
}

bool Guard::start() {
  // Threads are never joined: they end with the process, when the launcher's socket does.
  std::promise<void> settled;
  auto filler_settled = settled.get_future();
  try {
    std::thread([&reporter = reporter_] { reporter.forward(); }).detach();
    for (const auto& egress : egresses_) std::thread([part = egress.get()] { part->run(); }).detach();
    for (const auto& ingress : ingress_threads_) std::thread([part = ingress.get()] { part->run(); }).detach();
    std::thread([this, promise = std::move(settled)]() mutable {
      const bool low = yield_to_all();
      promise.set_value();
      if (!low) return;
      for (const auto& egress : egresses_) egress->fill_ahead();
    }).detach();
  } catch (const std::system_error&) {
    return false;
  }
  // The guard's filter, which comes next, knows no call for priorities.
  filler_settled.wait();
  return true;
}

void Guard::subject_ended(std::uint32_t subject) noexcept {
  if (subject < ingresses_.size()) ingresses_[subject]->subject_ended();
}

}  // namespace sluice::guard
