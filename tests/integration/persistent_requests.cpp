// MPI_Send_init and its kin, MPI_Recv_init, MPI_Start, MPI_Startall.
#include <array>
#include <vector>

#include "tests/integration/point_to_point.hpp"

namespace sluice::testing {
namespace {

const MPI_Comm kWorld = MPI_COMM_WORLD;
constexpr int kRounds = 20;

bool is_empty(const MPI_Status& status) {
  return status.MPI_SOURCE == MPI_ANY_SOURCE && status.MPI_TAG == MPI_ANY_TAG && count_of(status, MPI_BYTE) == 0;
}

/// One request from each kind of source, and one that is null, round after round.
void receive_rounds() {
  std::array<int, 3> values{};
  std::array<MPI_Request, 4> requests{};
  requests[3] = MPI_REQUEST_NULL;
  std::array<int, 2> next{2000,
                          2001};  // from the one in even rounds, from the other in odd ones; in what order is open
  MPI_Recv_init(values.data(), 1, MPI_INT, kRemote, 11, kWorld, requests.data());
  MPI_Recv_init(&values[1], 1, MPI_INT, kLocal, 11, kWorld, &requests[1]);
  MPI_Recv_init(&values[2], 1, MPI_INT, MPI_ANY_SOURCE, 12, kWorld, &requests[2]);
  for (int round = 0; round < kRounds; ++round) {
    CHECK_EQ(MPI_Startall(3, requests.data()), MPI_SUCCESS);
    std::array<MPI_Status, 4> statuses{};
    if (round % 2 == 0) {
      CHECK_EQ(MPI_Waitall(4, requests.data(), statuses.data()), MPI_SUCCESS);
    } else {
      int flag = 0;
      CHECK(await([&] { return MPI_Testall(4, requests.data(), &flag, statuses.data()) != 0 || flag != 0; }, 20));
    }
    CHECK_EQ(values[0], round);
    CHECK_EQ(values[1], 1000 + round);
    int& expected = next[statuses[2].MPI_SOURCE == kRemote ? 0 : 1];
    CHECK_EQ(values[2], expected);
    expected += 2;
    CHECK_EQ(statuses[0].MPI_SOURCE, kRemote);
    CHECK_EQ(statuses[1].MPI_SOURCE, kLocal);
    CHECK(statuses[2].MPI_SOURCE == kRemote || statuses[2].MPI_SOURCE == kLocal);
    CHECK_EQ(count_of(statuses[2], MPI_INT), 1);
    CHECK(is_empty(statuses[3]));
    for (int i = 0; i < 3; ++i) CHECK(requests[static_cast<std::size_t>(i)] != MPI_REQUEST_NULL);
  }
  // Inactive now: like null.
  MPI_Status status{};
  int flag = 0, index = 0;
  CHECK_EQ(MPI_Wait(requests.data(), &status), MPI_SUCCESS);
  CHECK(is_empty(status));
  CHECK_EQ(MPI_Test(&requests[2], &flag, &status), MPI_SUCCESS);
  CHECK(flag != 0 && is_empty(status));
  CHECK_EQ(MPI_Waitany(4, requests.data(), &index, &status), MPI_SUCCESS);
  CHECK_EQ(index, MPI_UNDEFINED);
  for (int i = 0; i < 3; ++i) CHECK_EQ(MPI_Request_free(&requests[static_cast<std::size_t>(i)]), MPI_SUCCESS);
  CHECK(requests[0] == MPI_REQUEST_NULL);
}

/// All modes but the synchronous one, started together.
void send_rounds(int rank) {
  std::vector<char> buffer(4096 + MPI_BSEND_OVERHEAD);
  MPI_Buffer_attach(buffer.data(), static_cast<int>(buffer.size()));
  int first = 0, second = 0;
  std::array<MPI_Request, 2> requests{};
  MPI_Send_init(&first, 1, MPI_INT, kReceiver, 11, kWorld, requests.data());
  MPI_Bsend_init(&second, 1, MPI_INT, kReceiver, 12, kWorld, &requests[1]);
  for (int round = 0; round < kRounds; ++round) {
    first = (rank == kLocal ? 1000 : 0) + round;
    second = 2000 + round;
    const bool both = (round % 2 == 0) == (rank == kRemote);
    CHECK_EQ(MPI_Startall(both ? 2 : 1, requests.data()), MPI_SUCCESS);
    CHECK_EQ(MPI_Waitall(2, requests.data(), MPI_STATUSES_IGNORE), MPI_SUCCESS);
  }
  for (MPI_Request& request : requests) CHECK_EQ(MPI_Request_free(&request), MPI_SUCCESS);
  void* address = nullptr;
  int size = 0;
  MPI_Buffer_detach(static_cast<void*>(&address), &size);
}

/// A started persistent receive stands in the order of posting like any other.
void order_of_posting() {
  int first = -1, second = -1, third = -1;
  MPI_Request persistent = MPI_REQUEST_NULL, plain = MPI_REQUEST_NULL, specific = MPI_REQUEST_NULL;
  MPI_Recv_init(&second, 1, MPI_INT, kLocal, 13, kWorld, &persistent);
  MPI_Irecv(&first, 1, MPI_INT, MPI_ANY_SOURCE, 13, kWorld, &plain);
  MPI_Start(&persistent);
  MPI_Irecv(&third, 1, MPI_INT, kLocal, MPI_ANY_TAG, kWorld, &specific);
  CHECK_EQ(send_int(0, kLocal, 13), MPI_SUCCESS);
  CHECK_EQ(MPI_Wait(&specific, MPI_STATUS_IGNORE), MPI_SUCCESS);
  CHECK_EQ(MPI_Wait(&plain, MPI_STATUS_IGNORE), MPI_SUCCESS);
  CHECK_EQ(MPI_Wait(&persistent, MPI_STATUS_IGNORE), MPI_SUCCESS);
  CHECK_EQ(first, 1);
  CHECK_EQ(second, 2);
  CHECK_EQ(third, 3);
  MPI_Request_free(&persistent);
}

/// Cancelled, truncated, freed while active: and usable again afterwards, but for the last.
void odd_ends() {
  std::array<int, 2> got{-1, -1};
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Status status{};
  int cancelled = 0, flag = 0;
  MPI_Recv_init(got.data(), 1, MPI_INT, MPI_ANY_SOURCE, 14, kWorld, &request);
  MPI_Start(&request);
  CHECK_EQ(MPI_Request_get_status(request, &flag, MPI_STATUS_IGNORE), MPI_SUCCESS);
  CHECK_EQ(flag, 0);
  CHECK_EQ(MPI_Cancel(&request), MPI_SUCCESS);
  CHECK_EQ(MPI_Wait(&request, &status), MPI_SUCCESS);
  MPI_Test_cancelled(&status, &cancelled);
  CHECK_EQ(cancelled, 1);
  CHECK_EQ(send_int(0, kLocal, 14), MPI_SUCCESS);  // now it sends
  MPI_Start(&request);
  CHECK_EQ(error_class(MPI_Wait(&request, &status)), MPI_ERR_TRUNCATE);
  CHECK_EQ(got[1], -1);
  MPI_Start(&request);
  CHECK_EQ(MPI_Wait(&request, &status), MPI_SUCCESS);
  CHECK_EQ(got[0], 5);
  got[0] = -1;
  MPI_Start(&request);
  CHECK_EQ(MPI_Request_free(&request), MPI_SUCCESS);
  CHECK(request == MPI_REQUEST_NULL);
  receive_int(kLocal, 15);
  // It completes when this library sees to it, which any call may do.
  CHECK(await([&] { return MPI_Iprobe(kLocal, 15, kWorld, &flag, MPI_STATUS_IGNORE) != 0 || got[0] == 6; }, 20));
  CHECK_EQ(got[0], 6);
}

void send_odd_ends() {
  const std::array<int, 2> two{3, 4};
  receive_int(kReceiver, 14);
  CHECK_EQ(MPI_Send(two.data(), 2, MPI_INT, kReceiver, 14, kWorld), MPI_SUCCESS);
  for (int i = 5; i <= 6; ++i) CHECK_EQ(send_int(i, kReceiver, 14), MPI_SUCCESS);
  CHECK_EQ(send_int(0, kReceiver, 15), MPI_SUCCESS);
}

/// The type may go once the request is made.
void derived_type(bool sender) {
  std::array<int, 6> data{1, 2, 3, 4, 5, 6};
  if (!sender) data = {};
  MPI_Datatype every_other = MPI_DATATYPE_NULL;
  MPI_Type_vector(3, 1, 2, MPI_INT, &every_other);
  MPI_Type_commit(&every_other);
  MPI_Request request = MPI_REQUEST_NULL;
  if (sender) {
    MPI_Rsend_init(data.data(), 1, every_other, kReceiver, 17, kWorld, &request);
  } else {
    MPI_Recv_init(data.data(), 1, every_other, kRemote, 17, kWorld, &request);
  }
  MPI_Type_free(&every_other);
  for (int round = 0; round < 3; ++round) {
    MPI_Start(&request);
    CHECK_EQ(MPI_Wait(&request, MPI_STATUS_IGNORE), MPI_SUCCESS);
    CHECK_EQ(data[2], 3);
    CHECK_EQ(data[3], sender ? 4 : 0);
  }
  MPI_Request_free(&request);
}

}  // namespace

void persistent_requests(const Job& job) {
  Verdict::get().begin("persistent_requests");
  if (is_sender(job)) {
    send_rounds(job.rank());
    if (job.rank() == kLocal) {
      receive_int(kReceiver, 13);
      for (int i = 1; i <= 3; ++i) CHECK_EQ(send_int(i, kReceiver, 13), MPI_SUCCESS);
      send_odd_ends();
    }
    if (job.rank() == kRemote) derived_type(true);
  }
  if (!is_receiver(job)) return;
  receive_rounds();
  order_of_posting();
  odd_ends();
  derived_type(false);
}

}  // namespace sluice::testing
