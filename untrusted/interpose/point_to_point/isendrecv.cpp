// MPI_Isendrecv and MPI_Isendrecv_replace (MPI 4.0, section 3.10): one request, complete when both halves are.
#include "untrusted/interpose/point_to_point/large_count.hpp"

#if MPI_VERSION >= 4

#include <memory>
#include <new>
#include <utility>

#include "mediated.hpp"
#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/point_to_point/sendrecv.hpp"

namespace sluice::interpose {

namespace {

/// Both halves. A send to another subject is complete from the start.
struct SendReceive : OwnRequest {
  explicit SendReceive(const OwnKind& what) noexcept : OwnRequest(what) {}

  const VirtualComm* comm = nullptr;
  std::unique_ptr<MpiReceive> own_receive;  ///< null: the host MPI receives
  MPI_Request receive = MPI_REQUEST_NULL;   ///< of the host MPI
  MPI_Request send = MPI_REQUEST_NULL;      ///< of the host MPI
  std::unique_ptr<std::byte[]> copy;        ///< of what is sent, for MPI_Isendrecv_replace
};

/// Completes a half of the host MPI if it can be; `status` may be MPI_STATUS_IGNORE.
bool host_half_over(SendReceive& both, MPI_Request& half, MPI_Status* status) {
  if (half == MPI_REQUEST_NULL) return true;
  int flag = 0;
  const int error = host.Test(&half, &flag, status);
  if (error != MPI_SUCCESS && both.error == MPI_SUCCESS) both.error = error;
  return flag != 0 || error != MPI_SUCCESS;
}

bool advance_both(OwnRequest& own) {
  auto& both = static_cast<SendReceive&>(own);
  if (both.own_receive != nullptr && !both.own_receive->settled) return false;
  if (both.receive != MPI_REQUEST_NULL) {
    MPI_Status found{};
    if (!host_half_over(both, both.receive, &found)) return false;
    source_to_virtual(*both.comm, &found);
    both.status = found;
  }
  if (!host_half_over(both, both.send, MPI_STATUS_IGNORE)) return false;
  if (both.own_receive != nullptr) {
    both.status = both.own_receive->status;
    if (both.error == MPI_SUCCESS) both.error = both.own_receive->error;
  }
  settle(both);
  return true;
}

void destroy_both(OwnRequest& own) noexcept {
  auto& both = static_cast<SendReceive&>(own);
  if (both.own_receive != nullptr) destroy_receive(*both.own_receive.release());
  delete &both;
}

const OwnKind kSendReceive{destroy_both, advance_both};

/// Begins the receiving half. Errors have been raised.
int begin_receive(SendReceive& both, const ReceiveCall& call) {
  const Peer peer = origin(*both.comm, call.peer);
  if (!is_ours(call, *both.comm, peer)) return start_by_host(call, to_host(*both.comm, call.peer), &both.receive);
  int error = MPI_SUCCESS;
  both.own_receive = make_receive(call, *both.comm, &error);
  if (both.own_receive == nullptr) return error;
  const Lock lock;
  begin(*both.own_receive);
  return MPI_SUCCESS;
}

int isendrecv(const SendCall& send, const ReceiveCall& receive, std::unique_ptr<std::byte[]> copy,
              MPI_Request* request) {
  const VirtualComm& comm = *lookup(send.comm);
  auto both = std::unique_ptr<SendReceive>(new (std::nothrow) SendReceive(kSendReceive));
  if (both == nullptr) return raise(send.comm, MPI_ERR_NO_MEM);
  both->comm = &comm;
  both->error_comm = comm.host;
  both->copy = std::move(copy);
  if (const int error = begin_receive(*both, receive); error != MPI_SUCCESS) return error;
  int error = start_send(send, &both->send);
  if (error == MPI_SUCCESS) error = hand_out(*both, request);
  SendReceive& made = *both.release();  // the receive has begun: what it fills must stay
  if (error != MPI_SUCCESS) return error;
  const Lock lock;
  poll(made);
  return MPI_SUCCESS;
}

int checked_isendrecv(const SendCall& send, const ReceiveCall& receive, MPI_Request* request) {
  const int error = check_sendrecv(send, receive, *lookup(send.comm));
  return error == MPI_SUCCESS ? isendrecv(send, receive, nullptr, request) : error;
}

int isendrecv_replace(SendCall send, const ReceiveCall& receive, MPI_Request* request) {
  int error = check_sendrecv(send, receive, *lookup(send.comm));
  if (error != MPI_SUCCESS) return error;
  auto copy = copy_for_replace(send, &error);
  return error == MPI_SUCCESS ? isendrecv(send, receive, std::move(copy), request) : error;
}

}  // namespace

namespace mediated {

int Isendrecv(const void* sendbuf, int sendcount, MPI_Datatype sendtype, int dest, int sendtag, void* recvbuf,
              int recvcount, MPI_Datatype recvtype, int source, int recvtag, MPI_Comm comm, MPI_Request* request) {
  return checked_isendrecv({"MPI_Isendrecv", sendbuf, sendcount, sendtype, dest, sendtag, comm},
                           {"MPI_Isendrecv", recvbuf, recvcount, recvtype, source, recvtag, comm}, request);
}

int Isendrecv_c(const void* sendbuf, MPI_Count sendcount, MPI_Datatype sendtype, int dest, int sendtag, void* recvbuf,
                MPI_Count recvcount, MPI_Datatype recvtype, int source, int recvtag, MPI_Comm comm,
                MPI_Request* request) {
  return checked_isendrecv({"MPI_Isendrecv_c", sendbuf, sendcount, sendtype, dest, sendtag, comm},
                           {"MPI_Isendrecv_c", recvbuf, recvcount, recvtype, source, recvtag, comm}, request);
}

int Isendrecv_replace(void* buf, int count, MPI_Datatype datatype, int dest, int sendtag, int source, int recvtag,
                      MPI_Comm comm, MPI_Request* request) {
  return isendrecv_replace({"MPI_Isendrecv_replace", buf, count, datatype, dest, sendtag, comm},
                           {"MPI_Isendrecv_replace", buf, count, datatype, source, recvtag, comm}, request);
}

int Isendrecv_replace_c(void* buf, MPI_Count count, MPI_Datatype datatype, int dest, int sendtag, int source,
                        int recvtag, MPI_Comm comm, MPI_Request* request) {
  return isendrecv_replace({"MPI_Isendrecv_replace_c", buf, count, datatype, dest, sendtag, comm},
                           {"MPI_Isendrecv_replace_c", buf, count, datatype, source, recvtag, comm}, request);
}

}  // namespace mediated

}  // namespace sluice::interpose

#endif
