// MPI_Ssend, MPI_Issend, MPI_Ssend_init; MPI_Isendrecv where the host MPI has it.
#include <array>
#include <vector>

#include "tests/integration/point_to_point.hpp"

namespace sluice::testing {
namespace {

const MPI_Comm kWorld = MPI_COMM_WORLD;
constexpr std::size_t kMany = 150;

bool complete(MPI_Request& request) {
  int flag = 0;
  CHECK_EQ(MPI_Test(&request, &flag, MPI_STATUS_IGNORE), MPI_SUCCESS);
  return flag != 0;
}

/// Not complete before a receive has started, whether the message has been probed or not; complete after.
void waits_for_the_receive(const Job& job) {
  const int value = 9;
  MPI_Request request = MPI_REQUEST_NULL;
  if (job.rank() == kRemote) {
    CHECK_EQ(MPI_Issend(&value, 1, MPI_INT, kReceiver, 60, kWorld, &request), MPI_SUCCESS);
    receive_int(kReceiver, 61);  // it has matched the message
    CHECK(!complete(request));
    CHECK(!await([&] { return complete(request); }, 0.05));
    CHECK_EQ(MPI_Cancel(&request), MPI_SUCCESS);  // which never succeeds
    send_int(0, kReceiver, 62);
    int cancelled = -1;
    MPI_Status status{};
    CHECK_EQ(MPI_Wait(&request, &status), MPI_SUCCESS);
    MPI_Test_cancelled(&status, &cancelled);
    CHECK_EQ(cancelled, 0);
  }
  if (job.rank() != kReceiver) return;
  MPI_Message message = MPI_MESSAGE_NULL;
  int got = -1;
  MPI_Mprobe(kRemote, 60, kWorld, &message, MPI_STATUS_IGNORE);
  send_int(0, kRemote, 61);
  receive_int(kRemote, 62);
  MPI_Mrecv(&got, 1, MPI_INT, &message, MPI_STATUS_IGNORE);
  CHECK_EQ(got, value);
}

/// Both sides at once, with plain messages between, which keep their order.
void many_both_ways(const Job& job) {
  if (job.rank() != kRemote && job.rank() != kReceiver) return;
  const int peer = job.rank() == kRemote ? kReceiver : kRemote;
  std::array<int, kMany> sent{}, got{};
  std::array<MPI_Request, 2 * kMany> requests{};
  for (std::size_t i = 0; i < kMany; ++i) {
    sent[i] = static_cast<int>(i);
    (i % 3 == 0 ? MPI_Isend : MPI_Issend)(&sent[i], 1, MPI_INT, peer, 63, kWorld, &requests[i]);
  }
  for (std::size_t i = 0; i < kMany; ++i) MPI_Irecv(&got[i], 1, MPI_INT, peer, 63, kWorld, &requests[kMany + i]);
  CHECK_EQ(MPI_Waitall(2 * kMany, requests.data(), MPI_STATUSES_IGNORE), MPI_SUCCESS);
  CHECK(got == sent);
}

/// Blocking and persistent, to a receive that waits already and to one that does not; large, too.
void blocking_and_persistent(const Job& job) {
  constexpr int kLong = 1 << 20;
  std::vector<int> data(kLong, job.rank() == kRemote ? 3 : -1);
  if (job.rank() == kRemote) {
    CHECK_EQ(MPI_Ssend(data.data(), kLong, MPI_INT, kReceiver, 64, kWorld), MPI_SUCCESS);
    CHECK_EQ(MPI_Ssend(nullptr, 0, MPI_INT, kReceiver, 65, kWorld), MPI_SUCCESS);
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Ssend_init(data.data(), 1, MPI_INT, kReceiver, 66, kWorld, &request);
    for (int i = 0; i < 10; ++i) {
      data[0] = i;
      MPI_Start(&request);
      if (i % 2 == 0) receive_int(kReceiver, 67);
      CHECK_EQ(MPI_Wait(&request, MPI_STATUS_IGNORE), MPI_SUCCESS);
    }
    MPI_Start(&request);
    CHECK_EQ(MPI_Request_free(&request), MPI_SUCCESS);  // and goes once it is acknowledged
    receive_int(kReceiver, 68);
  }
  if (job.rank() != kReceiver) return;
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Irecv(data.data(), kLong, MPI_INT, MPI_ANY_SOURCE, 64, kWorld, &request);
  MPI_Recv(nullptr, 0, MPI_INT, kRemote, 65, kWorld, MPI_STATUS_IGNORE);
  CHECK_EQ(MPI_Wait(&request, MPI_STATUS_IGNORE), MPI_SUCCESS);
  CHECK(data == std::vector<int>(kLong, 3));
  for (int i = 0; i < 10; ++i) {
    if (i % 2 == 0) send_int(0, kRemote, 67);
    CHECK_EQ(receive_int(kRemote, 66), i);
  }
  receive_int(kRemote, 66);
  send_int(0, kRemote, 68);
}

}  // namespace

void synchronous_sends(const Job& job) {
  Verdict::get().begin("synchronous_sends");
  waits_for_the_receive(job);
  many_both_ways(job);
  blocking_and_persistent(job);
}

void receiver_ends(const Job& job) {
  Verdict::get().begin("receiver_ends");
  const int value = 1;
  if (job.rank() == kReceiver) receive_int(kRemote, 70);
  if (job.rank() != kRemote) return;
  MPI_Request requests[2] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL};
  MPI_Issend(&value, 1, MPI_INT, kReceiver, 71, kWorld, requests);
  MPI_Issend(&value, 1, MPI_INT, kReceiver, 70, kWorld, &requests[1]);
  CHECK_EQ(error_class(MPI_Wait(requests, MPI_STATUS_IGNORE)), MPIX_ERR_ENDED);
  CHECK_EQ(MPI_Wait(&requests[1], MPI_STATUS_IGNORE), MPI_SUCCESS);
  CHECK_EQ(error_class(MPI_Ssend(&value, 1, MPI_INT, kReceiver, 70, kWorld)), MPIX_ERR_ENDED);
}

/// Between the subjects, inside one, and with oneself nobody in between.
void sends_and_receives_in_one(const Job& job) {
  Verdict::get().begin("sends_and_receives_in_one");
  const int to = (job.rank() + 1) % job.size(), from = (job.rank() + job.size() - 1) % job.size();
  int mine = job.rank(), got = -1;
  MPI_Status status{};
  CHECK_EQ(MPI_Sendrecv(&mine, 1, MPI_INT, to, 80, &got, 1, MPI_INT, from, 80, kWorld, &status), MPI_SUCCESS);
  CHECK_EQ(got, from);
  CHECK_EQ(status.MPI_SOURCE, from);
  CHECK_EQ(MPI_Sendrecv_replace(&mine, 1, MPI_INT, to, 81, MPI_ANY_SOURCE, 81, kWorld, &status), MPI_SUCCESS);
  CHECK_EQ(mine, from);
  CHECK_EQ(status.MPI_SOURCE, from);
#if MPI_VERSION >= 4
  MPI_Request requests[2] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL};
  MPI_Status statuses[2]{};
  mine = job.rank();
  int other = job.rank();
  CHECK_EQ(MPI_Isendrecv(&mine, 1, MPI_INT, to, 82, &got, 1, MPI_INT, from, 82, kWorld, requests), MPI_SUCCESS);
  CHECK_EQ(MPI_Isendrecv_replace(&other, 1, MPI_INT, to, 83, MPI_ANY_SOURCE, 83, kWorld, &requests[1]), MPI_SUCCESS);
  CHECK_EQ(MPI_Waitall(2, requests, statuses), MPI_SUCCESS);
  CHECK_EQ(got, from);
  CHECK_EQ(other, from);
  CHECK_EQ(statuses[0].MPI_SOURCE, from);
  CHECK_EQ(statuses[1].MPI_SOURCE, from);
#else
  MPI_Request requests[2] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL};
  for (const int tag : {82, 83}) {  // the others' Isendrecv, as a send and a receive
    mine = job.rank();
    MPI_Isend(&mine, 1, MPI_INT, to, tag, kWorld, requests);
    MPI_Irecv(&got, 1, MPI_INT, from, tag, kWorld, &requests[1]);
    CHECK_EQ(MPI_Waitall(2, requests, MPI_STATUSES_IGNORE), MPI_SUCCESS);
    CHECK_EQ(got, from);
  }
#endif
}

}  // namespace sluice::testing
