// MPI_Mprobe, MPI_Improbe, MPI_Mrecv, MPI_Imrecv.
#include <array>
#include <vector>

#include "tests/integration/point_to_point.hpp"

namespace sluice::testing {
namespace {

const MPI_Comm kWorld = MPI_COMM_WORLD;
constexpr int kEach = 5;
constexpr int kLong = 2 << 20;  // ints

void one_from(int source, int tag) {
  MPI_Message message = MPI_MESSAGE_NULL;
  MPI_Status probed{}, received{};
  CHECK_EQ(MPI_Mprobe(source, tag, kWorld, &message, &probed), MPI_SUCCESS);
  CHECK(message != MPI_MESSAGE_NULL);
  CHECK_EQ(probed.MPI_SOURCE, source);
  CHECK_EQ(probed.MPI_TAG, tag);
  CHECK_EQ(count_of(probed, MPI_INT), 1);
  CHECK(MPI_Message_f2c(MPI_Message_c2f(message)) == message);
  // What is matched is out of everybody's sight.
  int flag = -1, value = -1;
  CHECK_EQ(MPI_Iprobe(source, tag, kWorld, &flag, MPI_STATUS_IGNORE), MPI_SUCCESS);
  CHECK_EQ(flag, 0);
  CHECK_EQ(MPI_Mrecv(&value, 1, MPI_INT, &message, &received), MPI_SUCCESS);
  CHECK(message == MPI_MESSAGE_NULL);
  CHECK_EQ(value, 10 * source + tag);
  CHECK_EQ(received.MPI_SOURCE, source);
  CHECK_EQ(received.MPI_TAG, tag);
  CHECK_EQ(count_of(received, MPI_INT), 1);
}

/// The message is matched as soon as its first fragment is there; receiving it waits for the rest.
void long_from(int source, int tag) {
  MPI_Message message = MPI_MESSAGE_NULL;
  MPI_Status status{};
  int flag = 0;
  CHECK(await([&] { return MPI_Improbe(source, tag, kWorld, &flag, &message, &status) == MPI_SUCCESS && flag != 0; },
              20));
  CHECK_EQ(count_of(status, MPI_INT), kLong);
  std::vector<int> got(kLong, -1);
  MPI_Request request = MPI_REQUEST_NULL;
  CHECK_EQ(MPI_Imrecv(got.data(), kLong, MPI_INT, &message, &request), MPI_SUCCESS);
  CHECK(message == MPI_MESSAGE_NULL);
  CHECK_EQ(MPI_Wait(&request, &status), MPI_SUCCESS);
  CHECK_EQ(status.MPI_SOURCE, source);
  CHECK_EQ(count_of(status, MPI_INT), kLong);
  CHECK(got == std::vector<int>(kLong, source + 1));
}

/// All messages are matched first and then received in the opposite order.
void many_from_anyone(int tag) {
  std::array<MPI_Message, 2 * kEach> messages{};
  std::array<int, 2 * kEach> sources{}, values{};
  std::array<int, 4> seen{};
  for (std::size_t i = 0; i < messages.size(); ++i) {
    MPI_Status status{};
    CHECK_EQ(MPI_Mprobe(MPI_ANY_SOURCE, tag, kWorld, &messages[i], &status), MPI_SUCCESS);
    sources[i] = status.MPI_SOURCE;
    if (!CHECK(sources[i] == kRemote || sources[i] == kLocal)) return;
    values[i] = 100 * sources[i] + seen[static_cast<std::size_t>(sources[i])]++;
  }
  CHECK_EQ(seen[kRemote], kEach);
  CHECK_EQ(seen[kLocal], kEach);
  for (std::size_t i = messages.size(); i-- > 0;) {
    MPI_Status status{};
    int value = -1;
    CHECK_EQ(MPI_Mrecv(&value, 1, MPI_INT, &messages[i], &status), MPI_SUCCESS);
    CHECK_EQ(value, values[i]);
    CHECK_EQ(status.MPI_SOURCE, sources[i]);
  }
}

/// A matched probe from anyone takes what comes after the message that a posted receive is waiting for.
void behind_a_posted_receive(int tag) {
  int first = -1, second = -1;
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Message message = MPI_MESSAGE_NULL;
  CHECK_EQ(MPI_Irecv(&first, 1, MPI_INT, MPI_ANY_SOURCE, tag, kWorld, &request), MPI_SUCCESS);
  CHECK_EQ(send_int(0, kLocal, tag), MPI_SUCCESS);
  CHECK_EQ(MPI_Mprobe(MPI_ANY_SOURCE, tag, kWorld, &message, MPI_STATUS_IGNORE), MPI_SUCCESS);
  CHECK_EQ(MPI_Mrecv(&second, 1, MPI_INT, &message, MPI_STATUS_IGNORE), MPI_SUCCESS);
  CHECK_EQ(MPI_Wait(&request, MPI_STATUS_IGNORE), MPI_SUCCESS);
  CHECK_EQ(first, 1);
  CHECK_EQ(second, 2);
}

void truncated_from(int source, int tag) {
  MPI_Message message = MPI_MESSAGE_NULL;
  std::array<int, 3> got{-1, -1, -1};
  CHECK_EQ(MPI_Mprobe(source, tag, kWorld, &message, MPI_STATUS_IGNORE), MPI_SUCCESS);
  const int error = MPI_Mrecv(got.data(), 1, MPI_INT, &message, MPI_STATUS_IGNORE);
  CHECK_EQ(error_class(error), MPI_ERR_TRUNCATE);
  CHECK_EQ(got[1], -1);
}

void from_nobody() {
  MPI_Message message = MPI_MESSAGE_NULL;
  MPI_Status status{};
  int flag = 0, value = 7;
  CHECK_EQ(MPI_Improbe(MPI_PROC_NULL, 3, kWorld, &flag, &message, &status), MPI_SUCCESS);
  CHECK_EQ(flag, 1);
  CHECK(message == MPI_MESSAGE_NO_PROC);
  CHECK_EQ(MPI_Mrecv(&value, 1, MPI_INT, &message, &status), MPI_SUCCESS);
  CHECK_EQ(status.MPI_SOURCE, MPI_PROC_NULL);
  CHECK_EQ(count_of(status, MPI_INT), 0);
  CHECK_EQ(value, 7);
}

/// Message by message what the receiver expects.
void send_all(int rank) {
  const std::vector<int> large(kLong, rank + 1);
  CHECK_EQ(send_int(10 * rank + 1, kReceiver, 1), MPI_SUCCESS);
  MPI_Request request = MPI_REQUEST_NULL;
  CHECK_EQ(MPI_Isend(large.data(), kLong, MPI_INT, kReceiver, 2, kWorld, &request), MPI_SUCCESS);
  for (int i = 0; i < kEach; ++i) CHECK_EQ(send_int(100 * rank + i, kReceiver, 3), MPI_SUCCESS);
  CHECK_EQ(MPI_Send(large.data(), 3, MPI_INT, kReceiver, 4, kWorld), MPI_SUCCESS);
  CHECK_EQ(MPI_Wait(&request, MPI_STATUS_IGNORE), MPI_SUCCESS);
  if (rank != kLocal) return;
  receive_int(kReceiver, 5);
  for (int i = 1; i <= 2; ++i) CHECK_EQ(send_int(i, kReceiver, 5), MPI_SUCCESS);
}

}  // namespace

void matched_probes(const Job& job) {
  Verdict::get().begin("matched_probes");
  if (is_sender(job)) send_all(job.rank());
  if (!is_receiver(job)) return;
  for (const int source : {kRemote, kLocal}) {
    one_from(source, 1);
    long_from(source, 2);
  }
  many_from_anyone(3);
  for (const int source : {kRemote, kLocal}) truncated_from(source, 4);
  behind_a_posted_receive(5);
  from_nobody();
}

}  // namespace sluice::testing
