// Start and end, and what the world's communicator says of itself.
#include <dlfcn.h>

#include <cstdlib>

#include "untrusted/interpose/layer.hpp"
#include "untrusted/interpose/wrapper.hpp"

namespace sluice::interpose {

void* find_in_host(const char* name) {
  void* function = ::dlsym(RTLD_NEXT, name);
  if (function == nullptr) die(std::string("the host MPI has no ") + name + ": is it older than the one built with?");
  return function;
}

namespace mediated {

int Init(int* argc, char*** argv) {
  const int error = host.Init(argc, argv);
  if (error == MPI_SUCCESS) start_layer();
  return error;
}

int Init_thread(int* argc, char*** argv, int required, int* provided) {
  const int error = host.Init_thread(argc, argv, required, provided);
  if (error == MPI_SUCCESS) start_layer();
  return error;
}

int Finalize() {
  prepare_to_stop();
  const int error = host.Finalize();
  // Only now: what other ranks of the subject may still cause is over, and what was sent lies with the guard.
  stop_layer();
  return error;
}

#ifdef MPI_SESSION_NULL
int Session_init(MPI_Info info, MPI_Errhandler errhandler, MPI_Session* session) {
  if (layer.active || (layer.subject == MPI_COMM_NULL && std::getenv("SLUICE_RUN") != nullptr)) {
    die("MPI sessions are not carried in a run of several subjects. Use MPI_Init");
  }
  return host.Session_init(info, errhandler, session);
}
#endif

int Comm_rank(MPI_Comm comm, int* rank) {
  const VirtualComm* spanning = lookup(comm);
  if (spanning == nullptr || rank == nullptr) return host.Comm_rank(comm, rank);
  *rank = spanning->rank;
  return MPI_SUCCESS;
}

int Comm_size(MPI_Comm comm, int* size) {
  const VirtualComm* spanning = lookup(comm);
  if (spanning == nullptr || size == nullptr) return host.Comm_size(comm, size);
  *size = spanning->is_inter() ? static_cast<int>(spanning->local_group.size()) : spanning->size;
  return MPI_SUCCESS;
}

}  // namespace mediated

}  // namespace sluice::interpose
