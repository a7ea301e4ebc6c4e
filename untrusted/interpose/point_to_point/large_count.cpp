#include "untrusted/interpose/point_to_point/large_count.hpp"

#ifdef SLUICE_LARGE_COUNTS

#include "mediated.hpp"
#include "untrusted/interpose/point_to_point/receive_call.hpp"
#include "untrusted/interpose/point_to_point/send_call.hpp"
#include "untrusted/interpose/point_to_point/sendrecv.hpp"

namespace sluice::interpose::mediated {

int Send_c(const void* buf, MPI_Count count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm) {
  return blocking_send({"MPI_Send_c", buf, count, datatype, dest, tag, comm});
}

int Bsend_c(const void* buf, MPI_Count count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm) {
  return blocking_send({"MPI_Bsend_c", buf, count, datatype, dest, tag, comm, SendMode::buffered});
}

int Rsend_c(const void* buf, MPI_Count count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm) {
  return blocking_send({"MPI_Rsend_c", buf, count, datatype, dest, tag, comm, SendMode::ready});
}

int Ssend_c(const void* buf, MPI_Count count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm) {
  return blocking_send({"MPI_Ssend_c", buf, count, datatype, dest, tag, comm, SendMode::synchronous});
}

int Isend_c(const void* buf, MPI_Count count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm,
            MPI_Request* request) {
  return start_send({"MPI_Isend_c", buf, count, datatype, dest, tag, comm}, request);
}

int Ibsend_c(const void* buf, MPI_Count count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm,
             MPI_Request* request) {
  return start_send({"MPI_Ibsend_c", buf, count, datatype, dest, tag, comm, SendMode::buffered}, request);
}

int Irsend_c(const void* buf, MPI_Count count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm,
             MPI_Request* request) {
  return start_send({"MPI_Irsend_c", buf, count, datatype, dest, tag, comm, SendMode::ready}, request);
}

int Issend_c(const void* buf, MPI_Count count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm,
             MPI_Request* request) {
  return start_send({"MPI_Issend_c", buf, count, datatype, dest, tag, comm, SendMode::synchronous}, request);
}

int Send_init_c(const void* buf, MPI_Count count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm,
                MPI_Request* request) {
  return init_send({"MPI_Send_init_c", buf, count, datatype, dest, tag, comm}, request);
}

int Bsend_init_c(const void* buf, MPI_Count count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm,
                 MPI_Request* request) {
  return init_send({"MPI_Bsend_init_c", buf, count, datatype, dest, tag, comm, SendMode::buffered}, request);
}

int Rsend_init_c(const void* buf, MPI_Count count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm,
                 MPI_Request* request) {
  return init_send({"MPI_Rsend_init_c", buf, count, datatype, dest, tag, comm, SendMode::ready}, request);
}

int Ssend_init_c(const void* buf, MPI_Count count, MPI_Datatype datatype, int dest, int tag, MPI_Comm comm,
                 MPI_Request* request) {
  return init_send({"MPI_Ssend_init_c", buf, count, datatype, dest, tag, comm, SendMode::synchronous}, request);
}

int Recv_c(void* buf, MPI_Count count, MPI_Datatype datatype, int source, int tag, MPI_Comm comm, MPI_Status* status) {
  return blocking_receive({"MPI_Recv_c", buf, count, datatype, source, tag, comm}, status);
}

int Irecv_c(void* buf, MPI_Count count, MPI_Datatype datatype, int source, int tag, MPI_Comm comm,
            MPI_Request* request) {
  return start_receive({"MPI_Irecv_c", buf, count, datatype, source, tag, comm}, request);
}

int Recv_init_c(void* buf, MPI_Count count, MPI_Datatype datatype, int source, int tag, MPI_Comm comm,
                MPI_Request* request) {
  return init_receive({"MPI_Recv_init_c", buf, count, datatype, source, tag, comm}, request);
}

int Sendrecv_c(const void* sendbuf, MPI_Count sendcount, MPI_Datatype sendtype, int dest, int sendtag, void* recvbuf,
               MPI_Count recvcount, MPI_Datatype recvtype, int source, int recvtag, MPI_Comm comm, MPI_Status* status) {
  return sendrecv({"MPI_Sendrecv_c", sendbuf, sendcount, sendtype, dest, sendtag, comm},
                  {"MPI_Sendrecv_c", recvbuf, recvcount, recvtype, source, recvtag, comm}, status);
}

int Sendrecv_replace_c(void* buf, MPI_Count count, MPI_Datatype datatype, int dest, int sendtag, int source,
                       int recvtag, MPI_Comm comm, MPI_Status* status) {
  return sendrecv_replace({"MPI_Sendrecv_replace_c", buf, count, datatype, dest, sendtag, comm},
                          {"MPI_Sendrecv_replace_c", buf, count, datatype, source, recvtag, comm}, status);
}

}  // namespace sluice::interpose::mediated

#endif
