// Single messages and what MPI says about them, between two subjects that may send to each other: `left` has ranks 0
// and 1, `right` has ranks 2 and 3. Rank 0 sends to rank 2, and 3 (its neighbour) does where the case needs a local
// sender.
#include <array>
#include <vector>

#include "tests/support/subjects.hpp"

namespace sluice::testing {
namespace {

constexpr int kSender = 0;
constexpr int kReceiver = 2;
constexpr int kNeighbour = 3;

bool sends(const Job& job) { return job.rank() == kSender; }
bool receives(const Job& job) { return job.rank() == kReceiver; }

int bytes_of(const MPI_Status& status) {
  int count = -1;
  MPI_Get_count(&status, MPI_BYTE, &count);
  return count;
}

void empty_messages(const Job& job) {
  if (sends(job)) {
    CHECK_EQ(MPI_Send(nullptr, 0, MPI_INT, kReceiver, 1, MPI_COMM_WORLD), MPI_SUCCESS);
    CHECK_EQ(send_int(5, kReceiver, 1), MPI_SUCCESS);
    CHECK_EQ(MPI_Send(nullptr, 0, MPI_DOUBLE, kReceiver, 1, MPI_COMM_WORLD), MPI_SUCCESS);
  }
  if (!receives(job)) return;
  MPI_Status status;
  int value = 77;
  CHECK_EQ(MPI_Recv(nullptr, 0, MPI_INT, kSender, 1, MPI_COMM_WORLD, &status), MPI_SUCCESS);
  CHECK_EQ(bytes_of(status), 0);
  CHECK_EQ(receive_int(kSender, 1), 5);
  CHECK_EQ(MPI_Recv(&value, 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &status), MPI_SUCCESS);
  CHECK_EQ(value, 77);
  CHECK_EQ(bytes_of(status), 0);
}

/// A message that is longer than its receive: error, the buffer's end is not passed, the next message is intact.
void truncation(const Job& job) {
  const std::array<int, 4> sent{1, 2, 3, 4};
  if (sends(job)) {
    for (int i = 0; i < 5; ++i) {
      CHECK_EQ(MPI_Send(sent.data(), 4, MPI_INT, kReceiver, 2, MPI_COMM_WORLD), MPI_SUCCESS);
      CHECK_EQ(send_int(100 + i, kReceiver, 2), MPI_SUCCESS);
    }
  }
  if (!receives(job)) return;
  std::array<int, 4> got{9, 9, 9, 9};
  CHECK_EQ(error_class(MPI_Recv(got.data(), 2, MPI_INT, kSender, 2, MPI_COMM_WORLD, MPI_STATUS_IGNORE)),
           MPI_ERR_TRUNCATE);
  CHECK_EQ(got[2], 9);
  CHECK_EQ(receive_int(kSender, 2), 100);
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Irecv(got.data(), 2, MPI_INT, kSender, 2, MPI_COMM_WORLD, &request);
  CHECK_EQ(error_class(MPI_Wait(&request, MPI_STATUS_IGNORE)), MPI_ERR_TRUNCATE);
  CHECK(request == MPI_REQUEST_NULL);
  CHECK_EQ(receive_int(kSender, 2), 101);
  CHECK_EQ(
      error_class(MPI_Recv(got.data(), 2, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE)),
      MPI_ERR_TRUNCATE);
  CHECK_EQ(receive_int(kSender, 2), 102);
  std::array<MPI_Request, 2> pair{};
  std::array<MPI_Status, 2> statuses{};
  int value = 0;
  MPI_Irecv(got.data(), 2, MPI_INT, kSender, 2, MPI_COMM_WORLD, pair.data());
  MPI_Irecv(&value, 1, MPI_INT, kSender, 2, MPI_COMM_WORLD, &pair[1]);
  CHECK_EQ(error_class(MPI_Waitall(2, pair.data(), statuses.data())), MPI_ERR_IN_STATUS);
  CHECK_EQ(error_class(statuses[0].MPI_ERROR), MPI_ERR_TRUNCATE);
  if (statuses[1].MPI_ERROR == MPI_ERR_PENDING) {  // as MPICH does after an error; then the request goes on
    CHECK_EQ(MPI_Wait(&pair[1], MPI_STATUS_IGNORE), MPI_SUCCESS);
  } else {
    CHECK_EQ(statuses[1].MPI_ERROR, MPI_SUCCESS);
  }
  CHECK_EQ(value, 103);
  MPI_Irecv(got.data(), 2, MPI_INT, kSender, 2, MPI_COMM_WORLD, pair.data());
  int index = -1;
  CHECK_EQ(error_class(MPI_Waitany(1, pair.data(), &index, MPI_STATUS_IGNORE)), MPI_ERR_TRUNCATE);
  CHECK_EQ(receive_int(kSender, 2), 104);
  CHECK_EQ(got[2], 9);
}

/// A large message, too, whose receive has begun to take fragments, and one inside the subject by a wildcard.
void truncation_large_and_local(const Job& job) {
  constexpr int kLong = 3 << 20;
  if (job.rank() == kSender || job.rank() == kNeighbour) {
    const std::vector<int> sent(kLong, 6);
    if (job.rank() == kNeighbour) receive_int(kReceiver, 3);
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Isend(sent.data(), kLong, MPI_INT, kReceiver, 3, MPI_COMM_WORLD, &request);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
    CHECK_EQ(send_int(200, kReceiver, 3), MPI_SUCCESS);
  }
  if (!receives(job)) return;
  std::vector<int> got(1001, 9);
  for (const int from : {kSender, kNeighbour}) {
    if (from == kNeighbour) send_int(0, kNeighbour, 3);
    CHECK_EQ(error_class(MPI_Recv(got.data(), 1000, MPI_INT, MPI_ANY_SOURCE, 3, MPI_COMM_WORLD, MPI_STATUS_IGNORE)),
             MPI_ERR_TRUNCATE);
    CHECK_EQ(got[1000], 9);
    CHECK_EQ(receive_int(from, 3), 200);
  }
}

/// MPI_Get_count and MPI_Get_elements with whole and partial items of derived types.
void counts_and_elements(const Job& job) {
  struct Record {
    int number;
    double value;
  };
  const int lengths[2] = {1, 1};
  const MPI_Aint places[2] = {offsetof(Record, number), offsetof(Record, value)};
  const MPI_Datatype types[2] = {MPI_INT, MPI_DOUBLE};
  MPI_Datatype record = MPI_DATATYPE_NULL, three = MPI_DATATYPE_NULL;
  MPI_Type_create_struct(2, lengths, places, types, &record);
  MPI_Type_commit(&record);
  MPI_Type_contiguous(3, MPI_INT, &three);
  MPI_Type_commit(&three);
  std::array<Record, 4> records{{{1, 1.5}, {2, 2.5}, {3, 3.5}, {4, 4.5}}};
  const std::array<int, 7> ints{1, 2, 3, 4, 5, 6, 7};
  if (sends(job)) {
    CHECK_EQ(MPI_Send(records.data(), 3, record, kReceiver, 4, MPI_COMM_WORLD), MPI_SUCCESS);
    CHECK_EQ(MPI_Send(ints.data(), 7, MPI_INT, kReceiver, 4, MPI_COMM_WORLD), MPI_SUCCESS);
  }
  if (receives(job)) {
    std::array<Record, 4> got{};
    std::array<int, 9> more{};
    MPI_Status status;
    int count = -1;
    CHECK_EQ(MPI_Recv(got.data(), 4, record, kSender, 4, MPI_COMM_WORLD, &status), MPI_SUCCESS);
    MPI_Get_count(&status, record, &count);
    CHECK_EQ(count, 3);
    MPI_Get_elements(&status, record, &count);
    CHECK_EQ(count, 6);
    CHECK(got[2].number == 3 && got[2].value == 3.5 && got[3].number == 0);
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Irecv(more.data(), 3, three, MPI_ANY_SOURCE, 4, MPI_COMM_WORLD, &request);
    CHECK_EQ(MPI_Wait(&request, &status), MPI_SUCCESS);
    MPI_Get_count(&status, three, &count);
    CHECK_EQ(count, MPI_UNDEFINED);
    MPI_Get_elements(&status, three, &count);
    CHECK_EQ(count, 7);
    CHECK(more[6] == 7 && more[7] == 0);
  }
  MPI_Type_free(&record);
  MPI_Type_free(&three);
}

/// Sendrecv over the two flows, inside a subject, and between the two kinds of peer.
void sendrecv(const Job& job) {
  const int across = (job.rank() + 2) % 4;
  const int beside = job.rank() ^ 1;
  const int send_to[] = {across, beside, (job.rank() + 1) % 4};
  const int receive_from[] = {across, beside, (job.rank() + 3) % 4};
  for (std::size_t i = 0; i < 3; ++i) {
    const std::vector<std::byte> sent = payload(static_cast<unsigned>(job.rank()), 100000);
    std::vector<std::byte> got(100000);
    MPI_Status status;
    CHECK_EQ(MPI_Sendrecv(sent.data(), 100000, MPI_BYTE, send_to[i], 5, got.data(), 100000, MPI_BYTE, receive_from[i],
                          5, MPI_COMM_WORLD, &status),
             MPI_SUCCESS);
    CHECK_EQ(status.MPI_SOURCE, receive_from[i]);
    CHECK(got == payload(static_cast<unsigned>(receive_from[i]), 100000));
  }
  int value = job.rank();
  CHECK_EQ(MPI_Sendrecv_replace(&value, 1, MPI_INT, across, 6, MPI_ANY_SOURCE, 6, MPI_COMM_WORLD, MPI_STATUS_IGNORE),
           MPI_SUCCESS);
  CHECK_EQ(value, across);
}

void proc_null(const Job&) {
  int value = 3;
  MPI_Status status;
  MPI_Request request = MPI_REQUEST_NULL;
  CHECK_EQ(send_int(1, MPI_PROC_NULL, 1), MPI_SUCCESS);
  CHECK_EQ(MPI_Recv(&value, 1, MPI_INT, MPI_PROC_NULL, 1, MPI_COMM_WORLD, &status), MPI_SUCCESS);
  CHECK_EQ(status.MPI_SOURCE, MPI_PROC_NULL);
  CHECK_EQ(status.MPI_TAG, MPI_ANY_TAG);
  CHECK_EQ(bytes_of(status), 0);
  // MPICH 4.0 gives another source here than MPI says; what counts is that it is the host's.
  MPI_Status bare;
  CHECK_EQ(MPI_Irecv(&value, 1, MPI_INT, MPI_PROC_NULL, 1, MPI_COMM_SELF, &request), MPI_SUCCESS);
  CHECK_EQ(MPI_Wait(&request, &bare), MPI_SUCCESS);
  CHECK_EQ(MPI_Irecv(&value, 1, MPI_INT, MPI_PROC_NULL, 1, MPI_COMM_WORLD, &request), MPI_SUCCESS);
  CHECK_EQ(MPI_Wait(&request, &status), MPI_SUCCESS);
  CHECK_EQ(status.MPI_SOURCE, bare.MPI_SOURCE);
  CHECK_EQ(MPI_Probe(MPI_PROC_NULL, 1, MPI_COMM_WORLD, &status), MPI_SUCCESS);
  CHECK_EQ(status.MPI_SOURCE, MPI_PROC_NULL);
  CHECK_EQ(
      MPI_Sendrecv(&value, 1, MPI_INT, MPI_PROC_NULL, 1, &value, 1, MPI_INT, MPI_PROC_NULL, 1, MPI_COMM_WORLD, &status),
      MPI_SUCCESS);
  CHECK_EQ(value, 3);
}

/// Bad arguments are errors of their own class, whichever side of a flow the rank is on.
void bad_arguments(const Job& job) {
  const int value = 1;
  CHECK_EQ(error_class(MPI_Send(&value, 1, MPI_INT, 4, 1, MPI_COMM_WORLD)), MPI_ERR_RANK);
  CHECK_EQ(error_class(MPI_Send(&value, 1, MPI_INT, -77, 1, MPI_COMM_WORLD)), MPI_ERR_RANK);
  const int across = (job.rank() + 2) % 4;
  CHECK_EQ(error_class(MPI_Send(&value, 1, MPI_INT, across, -5, MPI_COMM_WORLD)), MPI_ERR_TAG);
  CHECK_EQ(error_class(MPI_Send(&value, -1, MPI_INT, across, 1, MPI_COMM_WORLD)), MPI_ERR_COUNT);
  CHECK_EQ(error_class(MPI_Send(&value, 1, MPI_DATATYPE_NULL, across, 1, MPI_COMM_WORLD)), MPI_ERR_TYPE);
}

/// A cancelled send across subjects is sent all the same; a cancelled receive that nothing matched is not received.
void cancel(const Job& job) {
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Status status;
  int cancelled = -1;
  int value = 8;
  if (sends(job)) {
    CHECK_EQ(MPI_Isend(&value, 1, MPI_INT, kReceiver, 7, MPI_COMM_WORLD, &request), MPI_SUCCESS);
    CHECK_EQ(MPI_Cancel(&request), MPI_SUCCESS);
    CHECK_EQ(MPI_Wait(&request, &status), MPI_SUCCESS);
    MPI_Test_cancelled(&status, &cancelled);
    CHECK_EQ(cancelled, 0);
    CHECK_EQ(send_int(9, kReceiver, 8), MPI_SUCCESS);
  }
  if (!receives(job)) return;
  for (const int from : {kSender, MPI_ANY_SOURCE, kNeighbour}) {
    CHECK_EQ(MPI_Irecv(&value, 1, MPI_INT, from, 9, MPI_COMM_WORLD, &request), MPI_SUCCESS);
    CHECK_EQ(MPI_Cancel(&request), MPI_SUCCESS);
    CHECK_EQ(MPI_Wait(&request, &status), MPI_SUCCESS);
    cancelled = -1;
    MPI_Test_cancelled(&status, &cancelled);
    CHECK_EQ(cancelled, 1);
    CHECK(request == MPI_REQUEST_NULL);
  }
  CHECK_EQ(receive_int(MPI_ANY_SOURCE, MPI_ANY_TAG), 8);
  CHECK_EQ(receive_int(kSender, 8), 9);
}

/// Modes of sending that do not wait for the receiver.
void ready_and_buffered(const Job& job) {
  if (sends(job)) {
    receive_int(kReceiver, 10);  // the receives are posted
    std::vector<std::byte> buffer(4096 + 2 * MPI_BSEND_OVERHEAD);
    int values[] = {1, 2, 3, 4};
    MPI_Request requests[2];
    MPI_Buffer_attach(buffer.data(), static_cast<int>(buffer.size()));
    CHECK_EQ(MPI_Rsend(&values[0], 1, MPI_INT, kReceiver, 10, MPI_COMM_WORLD), MPI_SUCCESS);
    CHECK_EQ(MPI_Bsend(&values[1], 1, MPI_INT, kReceiver, 10, MPI_COMM_WORLD), MPI_SUCCESS);
    CHECK_EQ(MPI_Irsend(&values[2], 1, MPI_INT, kReceiver, 10, MPI_COMM_WORLD, &requests[0]), MPI_SUCCESS);
    CHECK_EQ(MPI_Ibsend(&values[3], 1, MPI_INT, kReceiver, 10, MPI_COMM_WORLD, &requests[1]), MPI_SUCCESS);
    CHECK_EQ(MPI_Waitall(2, requests, MPI_STATUSES_IGNORE), MPI_SUCCESS);
    void* address = nullptr;
    int size = 0;
    MPI_Buffer_detach(&address, &size);
    CHECK(address == buffer.data());
  }
  if (!receives(job)) return;
  std::array<int, 4> got{};
  std::array<MPI_Request, 4> requests{};
  for (std::size_t i = 0; i < 4; ++i) MPI_Irecv(&got[i], 1, MPI_INT, kSender, 10, MPI_COMM_WORLD, &requests[i]);
  send_int(0, kSender, 10);
  CHECK_EQ(MPI_Waitall(4, requests.data(), MPI_STATUSES_IGNORE), MPI_SUCCESS);
  CHECK(got == (std::array<int, 4>{1, 2, 3, 4}));
}

/// Test, Testany, Testall, Request_get_status and Request_free on requests that are not done, done, and null.
void requests(const Job& job) {
  MPI_Request request = MPI_REQUEST_NULL;
  int value = 0, flag = -1, index = -1;
  if (sends(job)) {
    receive_int(kReceiver, 11);
    value = 12;
    CHECK_EQ(MPI_Isend(&value, 1, MPI_INT, kReceiver, 12, MPI_COMM_WORLD, &request), MPI_SUCCESS);
    CHECK_EQ(MPI_Request_free(&request), MPI_SUCCESS);
    CHECK(request == MPI_REQUEST_NULL);
  }
  if (!receives(job)) return;
  MPI_Status status;
  CHECK_EQ(MPI_Irecv(&value, 1, MPI_INT, kSender, 12, MPI_COMM_WORLD, &request), MPI_SUCCESS);
  CHECK_EQ(MPI_Test(&request, &flag, &status), MPI_SUCCESS);
  CHECK_EQ(flag, 0);
  CHECK_EQ(MPI_Testany(1, &request, &index, &flag, &status), MPI_SUCCESS);
  CHECK_EQ(flag, 0);
  CHECK_EQ(MPI_Testall(1, &request, &flag, MPI_STATUSES_IGNORE), MPI_SUCCESS);
  CHECK_EQ(flag, 0);
  CHECK_EQ(MPI_Request_get_status(request, &flag, &status), MPI_SUCCESS);
  CHECK_EQ(flag, 0);
  send_int(0, kSender, 11);
  CHECK(await([&] { return MPI_Request_get_status(request, &flag, &status) == MPI_SUCCESS && flag != 0; }, 10));
  CHECK(request != MPI_REQUEST_NULL);
  CHECK_EQ(status.MPI_SOURCE, kSender);
  CHECK_EQ(MPI_Test(&request, &flag, &status), MPI_SUCCESS);
  CHECK_EQ(flag, 1);
  CHECK_EQ(value, 12);
  CHECK_EQ(bytes_of(status), sizeof(int));
  CHECK(request == MPI_REQUEST_NULL);
  CHECK_EQ(MPI_Wait(&request, &status), MPI_SUCCESS);
  CHECK_EQ(MPI_Waitany(1, &request, &index, &status), MPI_SUCCESS);
  CHECK_EQ(index, MPI_UNDEFINED);
}

struct Case {
  const char* name;
  void (*run)(const Job&);
};

constexpr Case kCases[] = {
    {"empty_messages", empty_messages},
    {"truncation", truncation},
    {"truncation_large_and_local", truncation_large_and_local},
    {"counts_and_elements", counts_and_elements},
    {"sendrecv", sendrecv},
    {"proc_null", proc_null},
    {"bad_arguments", bad_arguments},
    {"cancel", cancel},
    {"ready_and_buffered", ready_and_buffered},
    {"requests", requests},
};

}  // namespace
}  // namespace sluice::testing

int main(int argc, char** argv) {
  using namespace sluice::testing;
  const Job job(&argc, &argv);
  for (const Case& one : kCases) {
    Verdict::get().begin(one.name);
    one.run(job);
  }
  return Job::finish();
}
