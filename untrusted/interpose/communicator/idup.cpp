// MPI_Comm_idup on communicators that span subjects (MPI 3.1, section 6.4.2). The host MPI duplicates the own subject's
// part and its hidden twin; the context id is derived. So it waits for the processes of the own subject alone.
#include <array>
#include <memory>
#include <utility>

#include "mediated.hpp"
#include "untrusted/interpose/communicator/new_communicator.hpp"
#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/layer.hpp"

namespace sluice::interpose {

namespace {

extern const OwnKind kDuplication;

/// What is copied of the parent is copied at once: the program may free it meanwhile.
struct Duplication : OwnRequest {
  Duplication(const VirtualComm& parent, std::uint64_t ordinal, MPI_Comm* result)
      : OwnRequest(kDuplication),
        // The groups of an intercommunicator have each other's lists.
        context(derive_context(parent.context, ordinal, parent.is_inter() ? 0 : digest(parent.world_rank))),
        world_ranks(parent.world_rank),
        local_group(parent.local_group),
        topology(parent.topology),
        newcomm(result) {
    error_comm = parent.host;
  }

  std::uint64_t context;
  RankList world_ranks;
  RankList local_group;
  std::shared_ptr<const Topology> topology;
  MPI_Comm* newcomm;  ///< the program's
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

bool advance(OwnRequest& own) {
  auto& duplication = static_cast<Duplication&>(own);
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
  settle(own);
  return true;
}

const OwnKind kDuplication{destroy, advance, nullptr, nullptr};

template <typename HostStart>
int start_duplication(VirtualComm& parent, MPI_Comm* newcomm, MPI_Request* request, HostStart&& start) {
  if (newcomm == nullptr || request == nullptr) return raise(parent.host, MPI_ERR_ARG);
  auto duplication = std::make_unique<Duplication>(parent, next_child(parent), newcomm);
  int error = start(&duplication->made, &duplication->parts[0]);
  if (error != MPI_SUCCESS) return error;
  Duplication& started = *duplication.release();  // the host MPI writes into it from here on
  error = host.Comm_idup(parent.hidden, &started.hidden, &started.parts[1]);
  if (error == MPI_SUCCESS) error = hand_out(started, request);
  if (error != MPI_SUCCESS) return raise(parent.host, error);
  const Lock lock;
  poll(started);
  return MPI_SUCCESS;
}

}  // namespace

namespace mediated {

int Comm_idup(MPI_Comm comm, MPI_Comm* newcomm, MPI_Request* request) {
  VirtualComm* parent = lookup(comm);
  if (parent == nullptr) return host.Comm_idup(comm, newcomm, request);
  return start_duplication(*parent, newcomm, request,
                           [&](MPI_Comm* made, MPI_Request* part) { return host.Comm_idup(comm, made, part); });
}

#if MPI_VERSION >= 4
int Comm_idup_with_info(MPI_Comm comm, MPI_Info info, MPI_Comm* newcomm, MPI_Request* request) {
  VirtualComm* parent = lookup(comm);
  if (parent == nullptr) return host.Comm_idup_with_info(comm, info, newcomm, request);
  return start_duplication(*parent, newcomm, request, [&](MPI_Comm* made, MPI_Request* part) {
    return host.Comm_idup_with_info(comm, info, made, part);
  });
}
#endif

}  // namespace mediated

}  // namespace sluice::interpose
