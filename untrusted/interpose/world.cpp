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
/// The processes of a session are those of the host MPI, and a communicator made of them would not be the run's.
int Session_init(MPI_Info info, MPI_Errhandler errhandler, MPI_Session* session) {
  const bool early = layer.subject == MPI_COMM_NULL && std::getenv("SLUICE_RUN") != nullptr;
  if (!layer.active && !early) return host.Session_init(info, errhandler, session);
  const std::string text = "MPI_Session_init: sessions are not carried in a run of several subjects. Use MPI_Init";
  if (errhandler == MPI_ERRORS_ARE_FATAL || errhandler == MPI_ERRORS_ABORT) die(text);
  const int code = layer.active ? flow_error(text) : MPI_ERR_UNSUPPORTED_OPERATION;
  // A handler of the program's own wants a session to be called with.
  MPI_Session failed = MPI_SESSION_NULL;
  if (errhandler != MPI_ERRORS_RETURN && host.Session_init(info, errhandler, &failed) == MPI_SUCCESS) {
    PMPI_Session_call_errhandler(failed, code);
    PMPI_Session_finalize(&failed);
  }
  return code;
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
