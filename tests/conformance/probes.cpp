// Probes and matched probes (MPI 3.1, section 3.8).
#include <array>
#include <vector>

#include "tests/conformance/harness.hpp"

namespace sluice::conformance {
namespace {

const MPI_Comm kWorld = MPI_COMM_WORLD;

CASE(probe) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    const std::vector<int> data = pattern(p.from, 77);
    if (p.sender) return CALL(MPI_Send(data.data(), 77, MPI_INT, p.to, p.tag, kWorld));
    MPI_Status status;
    CALL(MPI_Probe(p.from, p.tag, kWorld, &status));
    CHECK_STATUS(status, p.from, p.tag, 77, MPI_INT);
    // Looking does not take it.
    CALL(MPI_Probe(MPI_ANY_SOURCE, p.tag, kWorld, &status));
    CHECK_STATUS(status, p.from, p.tag, 77, MPI_INT);
    CALL(MPI_Probe(p.from, MPI_ANY_TAG, kWorld, &status));
    CHECK_STATUS(status, p.from, p.tag, 77, MPI_INT);
    std::vector<int> got(static_cast<std::size_t>(count_of(status, MPI_INT)));
    CALL(MPI_Recv(got.data(), 77, MPI_INT, p.from, p.tag, kWorld, &status));
    CHECK(got == data);
  });
}

CASE(iprobe) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    const int value = number(p.from);
    if (p.sender) return CALL(MPI_Send(&value, 1, MPI_INT, p.to, p.tag, kWorld));
    MPI_Status status;
    int flag = -1, got = -1;
    if (CALL_UNLESS_ENDED(p, MPI_Iprobe(p.from, p.tag + 1, kWorld, &flag, &status))) CHECK_EQ(flag, 0);
    for (flag = 0; flag == 0;) CALL(MPI_Iprobe(MPI_ANY_SOURCE, p.tag, kWorld, &flag, &status));
    CHECK_STATUS(status, p.from, p.tag, 1, MPI_INT);
    CALL(MPI_Iprobe(p.from, p.tag, kWorld, &flag, MPI_STATUS_IGNORE));
    CHECK(flag != 0);
    CALL(MPI_Recv(&got, 1, MPI_INT, p.from, p.tag, kWorld, &status));
    CHECK_EQ(got, value);
    if (CALL_UNLESS_ENDED(p, MPI_Iprobe(p.from, p.tag, kWorld, &flag, MPI_STATUS_IGNORE))) CHECK_EQ(flag, 0);
  });
}

CASE(mprobe) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    for (int i = 0; i < 2 && p.sender; ++i) {
      const int value = number(p.from, i);
      CALL(MPI_Send(&value, 1, MPI_INT, p.to, p.tag, kWorld));
    }
    if (p.sender) return;
    MPI_Message first, second;
    MPI_Status status;
    CALL(MPI_Mprobe(p.from, p.tag, kWorld, &first, &status));
    CHECK(first != MPI_MESSAGE_NULL);
    CHECK_STATUS(status, p.from, p.tag, 1, MPI_INT);
    // The second can be received first: the first is taken out already.
    int a = -1, b = -1;
    CALL(MPI_Mprobe(MPI_ANY_SOURCE, p.tag, kWorld, &second, &status));
    CHECK_EQ(status.MPI_SOURCE, p.from);
    CALL(MPI_Mrecv(&b, 1, MPI_INT, &second, &status));
    CHECK_STATUS(status, p.from, p.tag, 1, MPI_INT);
    CALL(MPI_Mrecv(&a, 1, MPI_INT, &first, MPI_STATUS_IGNORE));
    CHECK(first == MPI_MESSAGE_NULL && second == MPI_MESSAGE_NULL);
    CHECK_EQ(a, number(p.from, 0));
    CHECK_EQ(b, number(p.from, 1));
  });
}

CASE(improbe_imrecv) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    const std::vector<int> data = pattern(p.from, 30000);
    if (p.sender) return CALL(MPI_Send(data.data(), 30000, MPI_INT, p.to, p.tag, kWorld));
    MPI_Message message = MPI_MESSAGE_NULL;
    MPI_Request request;
    MPI_Status status;
    int flag = -1;
    if (CALL_UNLESS_ENDED(p, MPI_Improbe(p.from, p.tag + 1, kWorld, &flag, &message, &status))) CHECK_EQ(flag, 0);
    for (flag = 0; flag == 0;) CALL(MPI_Improbe(p.from, p.tag, kWorld, &flag, &message, &status));
    CHECK_STATUS(status, p.from, p.tag, 30000, MPI_INT);
    std::vector<int> got(data.size());
    CALL(MPI_Imrecv(got.data(), 30000, MPI_INT, &message, &request));
    CHECK(message == MPI_MESSAGE_NULL);
    CALL(MPI_Wait(&request, &status));
    CHECK_STATUS(status, p.from, p.tag, 30000, MPI_INT);
    CHECK(got == data);
  });
}

/// What a matched probe has taken out, neither receive nor probe finds any more.
CASE(mprobe_takes_out) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    for (int i = 0; i < 2 && p.sender; ++i) {
      const int value = number(p.from, i);
      CALL(MPI_Send(&value, 1, MPI_INT, p.to, p.tag, kWorld));
    }
    if (p.sender) return;
    MPI_Message message;
    int flag = -1, got = -1;
    CALL(MPI_Mprobe(p.from, p.tag, kWorld, &message, MPI_STATUS_IGNORE));
    CALL(MPI_Recv(&got, 1, MPI_INT, p.from, p.tag, kWorld, MPI_STATUS_IGNORE));
    CHECK_EQ(got, number(p.from, 1));
    if (CALL_UNLESS_ENDED(p, MPI_Iprobe(p.from, p.tag, kWorld, &flag, MPI_STATUS_IGNORE))) CHECK_EQ(flag, 0);
    CALL(MPI_Mrecv(&got, 1, MPI_INT, &message, MPI_STATUS_IGNORE));
    CHECK_EQ(got, number(p.from, 0));
  });
}

CASE(mrecv_truncates) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    const int data[3] = {1, 2, 3};
    if (p.sender) return CALL(MPI_Send(data, 3, MPI_INT, p.to, p.tag, kWorld));
    MPI_Message message;
    int got[3] = {-1, -1, -1};
    CALL(MPI_Mprobe(p.from, p.tag, kWorld, &message, MPI_STATUS_IGNORE));
    CALL_FAILS(MPI_ERR_TRUNCATE, MPI_Mrecv(got, 1, MPI_INT, &message, MPI_STATUS_IGNORE));
    CHECK(got[1] == -1 && got[2] == -1);
  });
}

CASE(probe_of_nobody) {
  MPI_Status status;
  MPI_Message message = MPI_MESSAGE_NULL;
  MPI_Request request;
  int flag = 0, value = 5;
  CALL(MPI_Probe(MPI_PROC_NULL, c.tag, kWorld, &status));
  CHECK_STATUS(status, MPI_PROC_NULL, MPI_ANY_TAG, 0, MPI_INT);
  CALL(MPI_Iprobe(MPI_PROC_NULL, c.tag, kWorld, &flag, &status));
  CHECK(flag != 0);
  CALL(MPI_Mprobe(MPI_PROC_NULL, c.tag, kWorld, &message, &status));
  CHECK(message == MPI_MESSAGE_NO_PROC);
  CALL(MPI_Mrecv(&value, 1, MPI_INT, &message, &status));
  CHECK_STATUS(status, MPI_PROC_NULL, MPI_ANY_TAG, 0, MPI_INT);
  CHECK(message == MPI_MESSAGE_NULL);
  CALL(MPI_Improbe(MPI_PROC_NULL, c.tag, kWorld, &flag, &message, &status));
  CHECK(flag != 0 && message == MPI_MESSAGE_NO_PROC);
  CALL(MPI_Imrecv(&value, 1, MPI_INT, &message, &request));
  CALL(MPI_Wait(&request, MPI_STATUS_IGNORE));
  CHECK_EQ(value, 5);
}

CASE(probe_of_self) {
  const int sent = number(c.rank);
  int got = -1;
  MPI_Request request;
  MPI_Status status;
  MPI_Message message;
  CALL(MPI_Isend(&sent, 1, MPI_INT, c.rank, c.tag, kWorld, &request));
  CALL(MPI_Probe(MPI_ANY_SOURCE, c.tag, kWorld, &status));
  CHECK_STATUS(status, c.rank, c.tag, 1, MPI_INT);
  CALL(MPI_Mprobe(MPI_ANY_SOURCE, c.tag, kWorld, &message, &status));
  CHECK_STATUS(status, c.rank, c.tag, 1, MPI_INT);
  CALL(MPI_Mrecv(&got, 1, MPI_INT, &message, &status));
  CHECK_EQ(got, sent);
  CHECK_STATUS(status, c.rank, c.tag, 1, MPI_INT);
  CALL(MPI_Wait(&request, MPI_STATUS_IGNORE));
}

CASE(message_handles) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    const int value = number(p.from);
    if (p.sender) return CALL(MPI_Send(&value, 1, MPI_INT, p.to, p.tag, kWorld));
    MPI_Message message;
    CALL(MPI_Mprobe(p.from, p.tag, kWorld, &message, MPI_STATUS_IGNORE));
    MPI_Message same_message = MPI_Message_f2c(MPI_Message_c2f(message));
    CHECK(same_message == message);
    int got = -1;
    CALL(MPI_Mrecv(&got, 1, MPI_INT, &same_message, MPI_STATUS_IGNORE));
    CHECK_EQ(got, value);
  });
}

}  // namespace
}  // namespace sluice::conformance
