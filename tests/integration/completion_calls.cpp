// MPI_Wait*, MPI_Test*, MPI_Request_get_status, MPI_Cancel and MPI_Request_free over requests of this library, of the
// host MPI, of the program, null ones and inactive ones.
#include <array>
#include <vector>

#include "tests/integration/point_to_point.hpp"

namespace sluice::testing {
namespace {

const MPI_Comm kWorld = MPI_COMM_WORLD;
constexpr std::size_t kMany = 40;

int nothing_to_query(void*, MPI_Status* status) {
  MPI_Status_set_elements(status, MPI_BYTE, 3);
  MPI_Status_set_cancelled(status, 0);
  status->MPI_SOURCE = 77;
  status->MPI_TAG = 78;
  return MPI_SUCCESS;
}

int nothing_to_free(void*) { return MPI_SUCCESS; }

int nothing_to_cancel(void*, int) { return MPI_SUCCESS; }

/// Some from another subject, some from the own, one on the subject's own communicator, one of the program's own.
struct Mixture {
  std::array<int, kMany> values{};
  std::array<MPI_Request, kMany> requests{};

  Mixture() {
    int rank = -1;
    MPI_Comm_rank(MPI_COMM_SUBJECT, &rank);
    for (std::size_t i = 0; i < kMany; ++i) {
      values[i] = -1;
      requests[i] = MPI_REQUEST_NULL;
      const int tag = 1000 + static_cast<int>(i);
      if (i % 5 == 0) MPI_Irecv(&values[i], 1, MPI_INT, kRemote, tag, kWorld, &requests[i]);
      if (i % 5 == 1) MPI_Irecv(&values[i], 1, MPI_INT, kLocal, tag, kWorld, &requests[i]);
      if (i % 5 == 2) MPI_Irecv(&values[i], 1, MPI_INT, MPI_ANY_SOURCE, tag, kWorld, &requests[i]);
      if (i % 5 == 3) MPI_Irecv(&values[i], 1, MPI_INT, 1 - rank, tag, MPI_COMM_SUBJECT, &requests[i]);
    }
    MPI_Grequest_start(nothing_to_query, nothing_to_free, nothing_to_cancel, nullptr, &requests[4]);
    MPI_Recv_init(&values[9], 1, MPI_INT, kRemote, 999, kWorld, &requests[9]);
  }

  static constexpr int kActive = static_cast<int>(kMany) / 5 * 4 + 1;

  /// Checks what came for request `i`.
  void check(std::size_t i, const MPI_Status& status) const {
    if (i == 4) {
      CHECK_EQ(status.MPI_SOURCE, 77);
      CHECK_EQ(count_of(status, MPI_BYTE), 3);
      return;
    }
    if (!CHECK(i % 5 != 4)) return;
    CHECK_EQ(values[i], i);
    CHECK_EQ(status.MPI_TAG, 1000 + i);
    CHECK_EQ(count_of(status, MPI_INT), 1);
    if (i % 5 == 0) CHECK_EQ(status.MPI_SOURCE, kRemote);
    if (i % 5 == 1) CHECK_EQ(status.MPI_SOURCE, kLocal);
  }

  void go() {
    send_int(0, kLocal, 990);
    MPI_Grequest_complete(requests[4]);
  }

  void end() {
    CHECK(requests[9] != MPI_REQUEST_NULL);
    CHECK_EQ(MPI_Request_free(&requests[9]), MPI_SUCCESS);
  }
};

void send_mixture(int rank) {
  if (rank == kLocal) receive_int(kReceiver, 990);
  int inner = -1;
  MPI_Comm_rank(MPI_COMM_SUBJECT, &inner);
  for (int i = 0; i < static_cast<int>(kMany); ++i) {
    const bool remote = i % 5 == 0 || (i % 5 == 2 && i % 2 == 0);
    if (i % 5 == 4 || remote != (rank == kRemote)) continue;
    if (i % 5 == 3) {
      CHECK_EQ(MPI_Send(&i, 1, MPI_INT, 1 - inner, 1000 + i, MPI_COMM_SUBJECT), MPI_SUCCESS);
    } else {
      CHECK_EQ(send_int(i, kReceiver, 1000 + i), MPI_SUCCESS);
    }
  }
}

void all_of_a_mixture(bool test) {
  Mixture mixture;
  std::array<MPI_Status, kMany> statuses{};
  mixture.go();
  int flag = 0;
  if (test) {
    CHECK(await([&] { return MPI_Testall(kMany, mixture.requests.data(), &flag, statuses.data()) != 0 || flag != 0; },
                20));
  } else {
    CHECK_EQ(MPI_Waitall(kMany, mixture.requests.data(), statuses.data()), MPI_SUCCESS);
  }
  for (std::size_t i = 0; i < kMany; ++i) {
    if (i % 5 != 4 || i == 4) mixture.check(i, statuses[i]);
    CHECK(i == 9 || mixture.requests[i] == MPI_REQUEST_NULL);
  }
  mixture.end();
}

void any_of_a_mixture(bool test) {
  Mixture mixture;
  mixture.go();
  for (int done = 0; done < Mixture::kActive; ++done) {
    int index = -1, flag = 1;
    MPI_Status status{};
    if (test) {
      CHECK(await([&] { return MPI_Testany(kMany, mixture.requests.data(), &index, &flag, &status) != 0 || flag != 0; },
                  20));
    } else {
      CHECK_EQ(MPI_Waitany(kMany, mixture.requests.data(), &index, &status), MPI_SUCCESS);
    }
    if (!CHECK(index >= 0)) return;
    mixture.check(static_cast<std::size_t>(index), status);
  }
  int index = -1;
  CHECK_EQ(MPI_Waitany(kMany, mixture.requests.data(), &index, MPI_STATUS_IGNORE), MPI_SUCCESS);
  CHECK_EQ(index, MPI_UNDEFINED);
  mixture.end();
}

void some_of_a_mixture(bool test) {
  Mixture mixture;
  mixture.go();
  std::array<int, kMany> indices{};
  std::array<MPI_Status, kMany> statuses{};
  int done = 0;
  const bool in_time = await(
      [&] {
        int count = 0;
        const int error = (test ? MPI_Testsome : MPI_Waitsome)(kMany, mixture.requests.data(), &count, indices.data(),
                                                               statuses.data());
        CHECK_EQ(error, MPI_SUCCESS);
        for (int k = 0; k < count; ++k) {
          mixture.check(static_cast<std::size_t>(indices[static_cast<std::size_t>(k)]),
                        statuses[static_cast<std::size_t>(k)]);
        }
        done += count;
        return done >= Mixture::kActive;
      },
      20);
  CHECK(in_time && done == Mixture::kActive);
  int count = 0;
  CHECK_EQ(MPI_Waitsome(kMany, mixture.requests.data(), &count, indices.data(), MPI_STATUSES_IGNORE), MPI_SUCCESS);
  CHECK_EQ(count, MPI_UNDEFINED);
  mixture.end();
}

/// Two that fail, one that does not, one that is null.
struct Failing {
  std::array<int, 2> first{-1, -1}, second{-1, -1};
  int good = -1;
  std::array<MPI_Request, 4> requests{};

  explicit Failing(int tag) {
    MPI_Irecv(first.data(), 1, MPI_INT, kRemote, tag, kWorld, requests.data());
    MPI_Irecv(&good, 1, MPI_INT, kRemote, tag, kWorld, &requests[1]);
    MPI_Irecv(second.data(), 1, MPI_INT, MPI_ANY_SOURCE, tag, kWorld, &requests[2]);
    requests[3] = MPI_REQUEST_NULL;
    receive_int(kRemote, tag + 1);  // all of it is there
  }

  void check(const std::array<MPI_Status, 4>& statuses, const std::array<std::size_t, 3>& places) const {
    CHECK_EQ(error_class(statuses[places[0]].MPI_ERROR), MPI_ERR_TRUNCATE);
    CHECK_EQ(statuses[places[1]].MPI_ERROR, MPI_SUCCESS);
    CHECK_EQ(error_class(statuses[places[2]].MPI_ERROR), MPI_ERR_TRUNCATE);
    CHECK_EQ(statuses[places[1]].MPI_SOURCE, kRemote);
    CHECK_EQ(good, 8);
    CHECK_EQ(first[0], 7);
    CHECK_EQ(first[1], -1);
    CHECK_EQ(second[1], -1);
  }
};

void send_failing() {
  const std::array<int, 2> two{7, 7};
  for (const int tag : {30, 32, 34}) {
    MPI_Send(two.data(), 2, MPI_INT, kReceiver, tag, kWorld);
    send_int(8, kReceiver, tag);
    MPI_Send(two.data(), 2, MPI_INT, kReceiver, tag, kWorld);
    send_int(0, kReceiver, tag + 1);
  }
}

void several_failures() {
  std::array<MPI_Status, 4> statuses{};
  for (MPI_Status& status : statuses) status.MPI_ERROR = 12345;
  Failing all(30);
  CHECK_EQ(error_class(MPI_Waitall(4, all.requests.data(), statuses.data())), MPI_ERR_IN_STATUS);
  all.check(statuses, {0, 1, 2});
  CHECK_EQ(statuses[3].MPI_ERROR, MPI_SUCCESS);
  for (const MPI_Request& request : all.requests) CHECK(request == MPI_REQUEST_NULL);
  Failing ignored(32);
  CHECK_EQ(error_class(MPI_Waitall(4, ignored.requests.data(), MPI_STATUSES_IGNORE)), MPI_ERR_IN_STATUS);
  CHECK_EQ(ignored.good, 8);
  Failing some(34);
  int count = 0;
  std::array<int, 4> indices{};
  CHECK_EQ(error_class(MPI_Waitsome(4, some.requests.data(), &count, indices.data(), statuses.data())),
           MPI_ERR_IN_STATUS);
  CHECK_EQ(count, 3);
  std::array<std::size_t, 3> places{};
  for (std::size_t k = 0; k < 3; ++k) places[static_cast<std::size_t>(indices[k])] = k;
  some.check(statuses, places);
}

/// MPI_ERROR of a status is only for calls that complete several requests, and only if one fails.
void error_field_is_left() {
  std::array<int, 2> values{};
  std::array<MPI_Request, 2> requests{};
  std::array<MPI_Status, 2> statuses{};
  statuses[0].MPI_ERROR = statuses[1].MPI_ERROR = 12345;
  CHECK_EQ(MPI_Recv(values.data(), 1, MPI_INT, kRemote, 40, kWorld, statuses.data()), MPI_SUCCESS);
  CHECK_EQ(statuses[0].MPI_ERROR, 12345);
  MPI_Irecv(values.data(), 1, MPI_INT, kRemote, 40, kWorld, requests.data());
  MPI_Irecv(&values[1], 1, MPI_INT, kRemote, 40, kWorld, &requests[1]);
  CHECK_EQ(MPI_Wait(requests.data(), statuses.data()), MPI_SUCCESS);
  CHECK_EQ(statuses[0].MPI_ERROR, 12345);
}

/// Asked for, cancelled, freed.
void one_by_one() {
  int value = -1, flag = -1, cancelled = -1;
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Status status{};
  MPI_Irecv(&value, 1, MPI_INT, MPI_ANY_SOURCE, 41, kWorld, &request);
  CHECK_EQ(MPI_Request_get_status(request, &flag, MPI_STATUS_IGNORE), MPI_SUCCESS);
  CHECK_EQ(flag, 0);
  send_int(0, kLocal, 41);
  CHECK(await([&] { return MPI_Request_get_status(request, &flag, &status) != 0 || flag != 0; }, 20));
  CHECK_EQ(status.MPI_SOURCE, kLocal);
  CHECK(request != MPI_REQUEST_NULL);
  CHECK_EQ(MPI_Cancel(&request), MPI_SUCCESS);  // too late
  CHECK_EQ(MPI_Wait(&request, &status), MPI_SUCCESS);
  MPI_Test_cancelled(&status, &cancelled);
  CHECK_EQ(cancelled, 0);
  CHECK_EQ(value, 4);
  MPI_Irecv(&value, 1, MPI_INT, MPI_ANY_SOURCE, 42, kWorld, &request);
  CHECK_EQ(MPI_Cancel(&request), MPI_SUCCESS);
  CHECK_EQ(MPI_Wait(&request, &status), MPI_SUCCESS);
  MPI_Test_cancelled(&status, &cancelled);
  CHECK_EQ(cancelled, 1);
  MPI_Irecv(&value, 1, MPI_INT, kRemote, 43, kWorld, &request);
  CHECK_EQ(MPI_Request_free(&request), MPI_SUCCESS);
  CHECK(request == MPI_REQUEST_NULL);
  receive_int(kRemote, 44);
  CHECK_EQ(value, 43);
}

/// A send to another subject is under way at once.
void send_one_by_one(int rank) {
  if (rank == kLocal) {
    receive_int(kReceiver, 41);
    send_int(4, kReceiver, 41);
    return;
  }
  for (int i = 0; i < 3; ++i) send_int(i, kReceiver, 40);
  int cancelled = -1;
  const int value = 43;
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Status status{};
  CHECK_EQ(MPI_Isend(&value, 1, MPI_INT, kReceiver, 43, kWorld, &request), MPI_SUCCESS);
  CHECK_EQ(MPI_Cancel(&request), MPI_SUCCESS);
  CHECK_EQ(MPI_Wait(&request, &status), MPI_SUCCESS);
  MPI_Test_cancelled(&status, &cancelled);
  CHECK_EQ(cancelled, 0);
  send_int(0, kReceiver, 44);
}

void no_requests() {
  int index = -1, count = -1, flag = -1;
  CHECK_EQ(MPI_Waitall(0, nullptr, MPI_STATUSES_IGNORE), MPI_SUCCESS);
  CHECK_EQ(MPI_Testall(0, nullptr, &flag, MPI_STATUSES_IGNORE), MPI_SUCCESS);
  CHECK_EQ(flag, 1);
  CHECK_EQ(MPI_Waitany(0, nullptr, &index, MPI_STATUS_IGNORE), MPI_SUCCESS);
  CHECK_EQ(index, MPI_UNDEFINED);
  CHECK_EQ(MPI_Waitsome(0, nullptr, &count, nullptr, MPI_STATUSES_IGNORE), MPI_SUCCESS);
  CHECK_EQ(count, MPI_UNDEFINED);
}

/// A buffered send needs a buffer that holds it, wherever it goes.
void buffered_sends() {
  const std::vector<int> data(1000, 5);
  MPI_Request request = MPI_REQUEST_NULL;
  CHECK_EQ(error_class(MPI_Bsend(data.data(), 1, MPI_INT, kReceiver, 50, kWorld)), MPI_ERR_BUFFER);
  std::vector<char> buffer(data.size() * sizeof(int) + MPI_BSEND_OVERHEAD);
  MPI_Buffer_attach(buffer.data(), static_cast<int>(buffer.size()) - 1);
  CHECK_EQ(error_class(MPI_Bsend(data.data(), 1000, MPI_INT, kReceiver, 50, kWorld)), MPI_ERR_BUFFER);
  void* address = nullptr;
  int size = 0;
  MPI_Buffer_detach(static_cast<void*>(&address), &size);
  CHECK(address == buffer.data() && size == static_cast<int>(buffer.size()) - 1);
  MPI_Buffer_attach(buffer.data(), static_cast<int>(buffer.size()));
  CHECK_EQ(MPI_Bsend(data.data(), 1000, MPI_INT, kReceiver, 50, kWorld), MPI_SUCCESS);
  CHECK_EQ(MPI_Ibsend(data.data(), 1000, MPI_INT, kReceiver, 50, kWorld, &request), MPI_SUCCESS);
  CHECK_EQ(MPI_Wait(&request, MPI_STATUS_IGNORE), MPI_SUCCESS);
  MPI_Buffer_detach(static_cast<void*>(&address), &size);
}

}  // namespace

void completion_calls(const Job& job) {
  Verdict::get().begin("completion_calls");
  for (const bool test : {false, true}) {
    if (is_sender(job)) {
      for (int i = 0; i < 3; ++i) send_mixture(job.rank());
    }
    if (!is_receiver(job)) continue;
    all_of_a_mixture(test);
    any_of_a_mixture(test);
    some_of_a_mixture(test);
  }
  if (job.rank() == kRemote) {
    send_failing();
    buffered_sends();
  }
  if (is_sender(job)) send_one_by_one(job.rank());
  if (!is_receiver(job)) return;
  several_failures();
  std::vector<int> got(1000);
  for (int i = 0; i < 2; ++i) {
    CHECK_EQ(MPI_Recv(got.data(), 1000, MPI_INT, kRemote, 50, kWorld, MPI_STATUS_IGNORE), MPI_SUCCESS);
    CHECK(got == std::vector<int>(1000, 5));
  }
  error_field_is_left();
  one_by_one();
  no_requests();
}

}  // namespace sluice::testing
