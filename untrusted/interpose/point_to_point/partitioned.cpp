// Partitioned point-to-point communication (MPI 4.0, chapter 4). To another subject a message goes as a whole, once its
// last partition is ready; inside the subject the host MPI does all of it.
#include <memory>
#include <new>
#include <numeric>
#include <vector>

#include "mediated.hpp"
#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/point_to_point/large_count.hpp"
#include "untrusted/interpose/point_to_point/receive_call.hpp"
#include "untrusted/interpose/point_to_point/send_call.hpp"

#if MPI_VERSION >= 4

namespace sluice::interpose {

namespace {

struct PartitionedSend : RemoteSend {
  using RemoteSend::RemoteSend;
  std::vector<bool> ready;
  std::size_t missing = 0;  ///< partitions that are not ready yet
};

void destroy_partitioned(OwnRequest& own) noexcept {
  auto& send = static_cast<PartitionedSend&>(own);
  if (send.owns_datatype) PMPI_Type_free(&send.call.datatype);
  delete &send;
}

int start_partitioned(OwnRequest& own) {
  auto& send = static_cast<PartitionedSend&>(own);
  const Lock lock;
  send.ready.assign(send.ready.size(), false);
  send.missing = send.ready.size();
  return MPI_SUCCESS;
}

const OwnKind kPartitionedSend{destroy_partitioned, nullptr, nullptr, start_partitioned};

/// Requests match in the order in which they are made, whatever order they are started in: each has a context of its
/// own. `made` counts those of the same peer and tag.
std::uint64_t next_context(const VirtualComm& comm, VirtualComm::PartitionedCount& made, int peer, int tag) {
  const Lock lock;
  const std::uint64_t ordinal = made[{peer, tag}]++;
  const auto channel = static_cast<std::uint64_t>(Channel::partitioned);
  return derive_context(comm.context, ordinal, channel) | channel;
}

/// All elements of the message.
int whole_count(int partitions, MPI_Count each, MPI_Count& count) {
  if (partitions <= 0) return MPI_ERR_ARG;
  return each < 0 || __builtin_mul_overflow(each, MPI_Count{partitions}, &count) ? MPI_ERR_COUNT : MPI_SUCCESS;
}

int init_remote(const SendCall& call, VirtualComm& comm, int partitions, MPI_Request* request) {
  auto made = std::unique_ptr<PartitionedSend>(new (std::nothrow) PartitionedSend(kPartitionedSend, call));
  if (made == nullptr) return raise(call.comm, MPI_ERR_NO_MEM);
  if (const int error = fill_send(*made, comm); error != MPI_SUCCESS) return error;
  if (const int error = keep_datatype(*made); error != MPI_SUCCESS) return error;
  made->context = next_context(comm, comm.partitioned_sends, call.peer, call.tag);
  made->ready.resize(static_cast<std::size_t>(partitions));
  const int error = hand_out_persistent(*made, request);
  PartitionedSend& send = *made.release();
  if (error != MPI_SUCCESS) destroy_partitioned(send);
  return error;
}

int init_remote(const ReceiveCall& call, VirtualComm& comm, int partitions, MPI_Request* request) {
  int error = MPI_SUCCESS;
  auto made = make_receive(call, comm, &error);
  if (made == nullptr) return error;
  made->partitions = partitions;
  made->wanted.context = next_context(comm, comm.partitioned_receives, call.peer, call.tag);
  error = hand_out_persistent(*made, request);
  MpiReceive& receive = *made.release();
  if (error != MPI_SUCCESS) destroy_receive(receive);
  return error;
}

/// The partitioned send of this library that `request` is, or null. Precondition: locked.
PartitionedSend* find_send(MPI_Request request) {
  const TrackedRequest known = layer.requests.find(handle_bits(request));
  const bool ours = known.kind == TrackedRequest::Kind::own && known.own->kind == &kPartitionedSend;
  return ours ? static_cast<PartitionedSend*>(known.own) : nullptr;
}

/// Partitions of a send of this library, 0 for any other request.
std::size_t partitions_to_send(MPI_Request request) {
  const Lock lock;
  const PartitionedSend* send = find_send(request);
  return send != nullptr ? send->ready.size() : 0;
}

/// Partitions of a receive of this library, 0 for any other request. `arrived`: all of them are there.
int partitions_to_receive(MPI_Request request, bool& arrived) {
  const Lock lock;
  const TrackedRequest known = layer.requests.find(handle_bits(request));
  if (known.kind != TrackedRequest::Kind::own || known.own->kind != &kReceive) return 0;
  progress();
  arrived = !known.own->active || known.own->settled;
  return static_cast<MpiReceive*>(known.own)->partitions;
}

/// What a call that marks partitions comes to.
enum class Marked { not_ours, wrong, waiting, complete };

Marked mark(MPI_Request request, const std::vector<int>& partitions, PartitionedSend*& send) {
  const Lock lock;
  send = find_send(request);
  if (send == nullptr) return Marked::not_ours;
  if (!send->active) return Marked::wrong;
  for (const int partition : partitions) {
    const auto place = static_cast<std::size_t>(partition);
    if (partition < 0 || place >= send->ready.size() || send->ready[place]) return Marked::wrong;
    send->ready[place] = true;
    --send->missing;
  }
  return send->missing == 0 && !partitions.empty() ? Marked::complete : Marked::waiting;
}

/// Marks partitions; the call that marks the last one writes the message. False if the request is the host's.
bool make_ready(MPI_Request request, const std::vector<int>& partitions, int& error) {
  PartitionedSend* send = nullptr;
  const Marked marked = mark(request, partitions, send);
  error = marked == Marked::wrong ? raise(MPI_COMM_WORLD, MPI_ERR_ARG) : MPI_SUCCESS;
  if (marked == Marked::complete) {
    const int written = write_message(send->call, *send->comm, send->layout, send->context, nullptr);
    const Lock lock;
    send->error = written;
    settle(*send);
  }
  return marked != Marked::not_ours;
}

}  // namespace

namespace mediated {

int Psend_init(const void* buf, int partitions, MPI_Count count, MPI_Datatype datatype, int dest, int tag,
               MPI_Comm comm, MPI_Info info, MPI_Request* request) {
  VirtualComm& known = *lookup(comm);
  const Peer peer = destination(known, dest);
  if (peer == Peer::invalid) return raise(comm, MPI_ERR_RANK);
  if (peer != Peer::remote) {
    return host.Psend_init(buf, partitions, count, datatype, to_host(known, dest), tag, comm, info, request);
  }
  SendCall call{"MPI_Psend_init", buf, 0, datatype, dest, tag, comm};
  if (const int error = whole_count(partitions, count, call.count); error != MPI_SUCCESS) return raise(comm, error);
  return init_remote(call, known, partitions, request);
}

int Precv_init(void* buf, int partitions, MPI_Count count, MPI_Datatype datatype, int source, int tag, MPI_Comm comm,
               MPI_Info info, MPI_Request* request) {
  VirtualComm& known = *lookup(comm);
  // Wildcards are not for partitioned receives.
  if (source == MPI_ANY_SOURCE) return raise(comm, MPI_ERR_RANK);
  if (tag == MPI_ANY_TAG) return raise(comm, MPI_ERR_TAG);
  ReceiveCall call{"MPI_Precv_init", buf, 0, datatype, source, tag, comm};
  const Peer peer = destination(known, source);
  if (const int error = check_source(call, known, peer); error != MPI_SUCCESS) return error;
  if (peer != Peer::remote) {
    const int local = to_host(known, source);
    const int error = host.Precv_init(buf, partitions, count, datatype, local, tag, comm, info, request);
    if (error == MPI_SUCCESS && peer != Peer::nobody) translate_later(known, *request);
    return error;
  }
  if (const int error = whole_count(partitions, count, call.count); error != MPI_SUCCESS) return raise(comm, error);
  return init_remote(call, known, partitions, request);
}

int Pready(int partition, MPI_Request request) {
  int error = MPI_SUCCESS;
  return make_ready(request, {partition}, error) ? error : host.Pready(partition, request);
}

int Pready_range(int partition_low, int partition_high, MPI_Request request) {
  const std::size_t most = partitions_to_send(request);
  if (most == 0) return host.Pready_range(partition_low, partition_high, request);
  const bool inside = partition_low >= 0 && partition_low <= partition_high;
  if (!inside || static_cast<std::size_t>(partition_high) >= most) return raise(MPI_COMM_WORLD, MPI_ERR_ARG);
  std::vector<int> partitions(static_cast<std::size_t>(partition_high - partition_low) + 1);
  std::iota(partitions.begin(), partitions.end(), partition_low);
  int error = MPI_SUCCESS;
  make_ready(request, partitions, error);
  return error;
}

int Pready_list(int length, int* array_of_partitions, MPI_Request request) {
  const bool given = length > 0 && array_of_partitions != nullptr;
  const std::vector<int> partitions(array_of_partitions, array_of_partitions + (given ? length : 0));
  int error = MPI_SUCCESS;
  return make_ready(request, partitions, error) ? error : host.Pready_list(length, array_of_partitions, request);
}

int Parrived(MPI_Request request, int partition, int* flag) {
  bool arrived = false;
  const int partitions = partitions_to_receive(request, arrived);
  if (partitions == 0) return host.Parrived(request, partition, flag);
  if (partition < 0 || partition >= partitions) return raise(MPI_COMM_WORLD, MPI_ERR_ARG);
  *flag = arrived ? 1 : 0;
  if (!arrived) drive_host();
  return MPI_SUCCESS;
}

}  // namespace mediated

}  // namespace sluice::interpose

#endif
