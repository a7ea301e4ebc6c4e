// MPI_Comm_idup on communicators that span subjects (MPI 3.1, section 6.4.2). The host MPI duplicates the own subject's
// part and its hidden twin; the context id is derived. So it waits for the processes of the own subject alone.
//
// The host MPI is asked for one duplicate of a communicator at a time, and for nothing else meanwhile that all of its
// processes do together. Open MPI agrees on a context id by several collective operations on the parent, each of which
// begins when the one before is over. Those of two duplications, or of one and a barrier, may begin in another order at
// each process and are then taken for each other. So duplications wait their turn, in the order of the calls.
#include "untrusted/interpose/communicator/idup.hpp"

#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "mediated.hpp"
#include "untrusted/interpose/communicator/new_communicator.hpp"
#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/layer.hpp"
#include "untrusted/interpose/point_to_point/progress.hpp"

namespace sluice::interpose {

namespace {

extern const OwnKind kDuplication;

/// What this library copies of the parent is copied at once, what the host MPI copies when it starts.
struct Duplication : OwnRequest {
  Duplication(VirtualComm& of, std::uint64_t ordinal, MPI_Comm* result)
      : OwnRequest(kDuplication),
        parent(of),
        // The groups of an intercommunicator have each other's lists.
        context(derive_context(of.context, ordinal, of.is_inter() ? 0 : digest(of.world_rank))),
        world_ranks(of.world_rank),
        local_group(of.local_group),
        topology(of.topology),
        newcomm(result) {
    error_comm = of.host;
  }

  VirtualComm& parent;  ///< lives until this is over: see finish_duplications()
  std::uint64_t context;
  RankList world_ranks;
  RankList local_group;
  std::shared_ptr<const Topology> topology;
  MPI_Comm* newcomm;             ///< the program's
  std::optional<MPI_Info> info;  ///< own copy of what the program gives
  bool started = false;          ///< by the host MPI
  MPI_Comm made = MPI_COMM_NULL;
  MPI_Comm hidden = MPI_COMM_NULL;
  std::array<MPI_Request, 2> parts{MPI_REQUEST_NULL, MPI_REQUEST_NULL};  ///< of the host MPI
};

void destroy(OwnRequest& own) noexcept { delete &static_cast<Duplication&>(own); }

std::unique_ptr<VirtualComm> make_child(Duplication& of) {
  if (of.local_group.empty()) return make_communicator(of.made, of.hidden, std::move(of.world_ranks), of.context);
  const RankList members = own_members(of.local_group, of.world_ranks);
  return make_intercommunicator(of.made, of.hidden, members, std::move(of.local_group), std::move(of.world_ranks),
                                of.context);
}

/// Copies the attributes, which runs code of the program.
int start_user_part(Duplication& of) {
#if MPI_VERSION >= 4
  if (of.info.has_value()) {
    const int error = host.Comm_idup_with_info(of.parent.host, *of.info, &of.made, &of.parts[0]);
    if (*of.info != MPI_INFO_NULL) PMPI_Info_free(&*of.info);
    return error;
  }
#endif
  return host.Comm_idup(of.parent.host, &of.made, &of.parts[0]);
}

int start(OwnRequest& own) {
  auto& duplication = static_cast<Duplication&>(own);
  int error = start_user_part(duplication);
  if (error == MPI_SUCCESS)
    error = host.Comm_idup(duplication.parent.hidden, &duplication.hidden, &duplication.parts[1]);
  const Lock lock;
  duplication.error = error;
  duplication.started = true;
  return error;
}

/// The first of its parent's is over: the next one's turn.
void let_next_begin(const Duplication& over) {
  auto& waiting = over.parent.duplications;
  waiting.pop_front();
  if (!waiting.empty()) put_due(*waiting.front());
}

bool advance(OwnRequest& own) {
  auto& duplication = static_cast<Duplication&>(own);
  if (!duplication.started) return false;
  for (MPI_Request& part : duplication.parts) {
    int flag = 0;
    const int error = host.Test(&part, &flag, MPI_STATUS_IGNORE);
    if (error == MPI_SUCCESS && flag == 0) return false;
    if (error == MPI_SUCCESS) continue;
    duplication.error = error;
    part = MPI_REQUEST_NULL;
  }
  if (duplication.error == MPI_SUCCESS) {
    auto child = make_child(duplication);
    child->topology = std::move(duplication.topology);
    register_communicator(std::move(child));
    *duplication.newcomm = duplication.made;
  }
  let_next_begin(duplication);
  settle(own);
  return true;
}

const OwnKind kDuplication{destroy, advance, nullptr, start};

/// The first of its parent's starts at once.
int begin(std::unique_ptr<Duplication> prepared, MPI_Request* request) {
  if (const int error = hand_out(*prepared, request); error != MPI_SUCCESS) return raise(prepared->parent.host, error);
  Duplication& duplication = *prepared.release();
  bool first = false;
  {
    const Lock lock;
    first = duplication.parent.duplications.empty();
    duplication.parent.duplications.push_back(&duplication);
    poll(duplication);
  }
  if (!first) return MPI_SUCCESS;
  const int error = start(duplication);
  if (error == MPI_SUCCESS || duplication.parts[0] != MPI_REQUEST_NULL) return MPI_SUCCESS;
  wait_for_own(duplication);
  return reap(duplication, request, MPI_STATUS_IGNORE);
}

}  // namespace

void finish_duplications(const VirtualComm& parent) {
  Waiter waiter;
  for (;;) {
    {
      const Lock lock;
      if (parent.duplications.empty()) return;
    }
    wait_turn(waiter);
  }
}

namespace mediated {

int Comm_idup(MPI_Comm comm, MPI_Comm* newcomm, MPI_Request* request) {
  VirtualComm* parent = lookup(comm);
  if (parent == nullptr) return host.Comm_idup(comm, newcomm, request);
  if (newcomm == nullptr || request == nullptr) return raise(comm, MPI_ERR_ARG);
  return begin(std::make_unique<Duplication>(*parent, next_child(*parent), newcomm), request);
}

#if MPI_VERSION >= 4
int Comm_idup_with_info(MPI_Comm comm, MPI_Info info, MPI_Comm* newcomm, MPI_Request* request) {
  VirtualComm* parent = lookup(comm);
  if (parent == nullptr) return host.Comm_idup_with_info(comm, info, newcomm, request);
  if (newcomm == nullptr || request == nullptr) return raise(comm, MPI_ERR_ARG);
  auto duplication = std::make_unique<Duplication>(*parent, next_child(*parent), newcomm);
  duplication->info = MPI_INFO_NULL;
  // The program may free its own before this one's turn comes.
  const int error = info == MPI_INFO_NULL ? MPI_SUCCESS : PMPI_Info_dup(info, &*duplication->info);
  return error == MPI_SUCCESS ? begin(std::move(duplication), request) : raise(comm, error);
}
#endif

}  // namespace mediated

}  // namespace sluice::interpose
