// Blocking and nonblocking standard sends and receives (MPI 3.1, sections 3.2, 3.5, 3.7, 3.10, 3.11).
#include <array>
#include <cstddef>

#include "tests/conformance/harness.hpp"

namespace sluice::conformance {
namespace {

const MPI_Comm kWorld = MPI_COMM_WORLD;

CASE(send_recv) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    const int value = number(p.from, p.to);
    if (p.sender) return CALL(MPI_Send(&value, 1, MPI_INT, p.to, p.tag, kWorld));
    std::array<int, 4> got{-1, -1, -1, -1};
    MPI_Status status;
    CALL(MPI_Recv(got.data(), 4, MPI_INT, p.from, p.tag, kWorld, &status));
    CHECK_EQ(got[0], value);
    CHECK_EQ(got[1], -1);
    CHECK_STATUS(status, p.from, p.tag, 1, MPI_INT);
  });
}

CASE(send_nothing) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    if (p.sender) return CALL(MPI_Send(nullptr, 0, MPI_DOUBLE, p.to, p.tag, kWorld));
    MPI_Status status;
    CALL(MPI_Recv(nullptr, 0, MPI_DOUBLE, p.from, p.tag, kWorld, &status));
    CHECK_STATUS(status, p.from, p.tag, 0, MPI_DOUBLE);
  });
}

CASE(send_recv_status_ignored) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    const long value = number(p.from, p.to);
    if (p.sender) return CALL(MPI_Send(&value, 1, MPI_LONG, p.to, p.tag, kWorld));
    long got = -1;
    CALL(MPI_Recv(&got, 1, MPI_LONG, p.from, p.tag, kWorld, MPI_STATUS_IGNORE));
    CHECK_EQ(got, value);
  });
}

/// Sizes around what hosts and rings treat differently.
CASE(send_sizes) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    for (const int count : {1, 15, 16, 17, 1000, 16384, 16385, 70000, 300001}) {
      const std::vector<int> sent = pattern(number(p.from, count), static_cast<std::size_t>(count));
      if (p.sender) {
        CALL(MPI_Send(sent.data(), count, MPI_INT, p.to, p.tag, kWorld));
        continue;
      }
      std::vector<int> got(sent.size(), -1);
      MPI_Status status;
      CALL(MPI_Recv(got.data(), count, MPI_INT, p.from, p.tag, kWorld, &status));
      CHECK(got == sent);
      CHECK_STATUS(status, p.from, p.tag, count, MPI_INT);
    }
  });
}

CASE(order_is_kept) {
  constexpr int kMessages = 100;
  c.each_link(Needs::one_way, [&](const Pair& p) {
    for (int i = 0; i < kMessages; ++i) {
      int value = number(p.from, i);
      if (p.sender) {
        CALL(MPI_Send(&value, 1, MPI_INT, p.to, p.tag, kWorld));
        continue;
      }
      CALL(MPI_Recv(&value, 1, MPI_INT, p.from, i % 2 == 0 ? p.tag : MPI_ANY_TAG, kWorld, MPI_STATUS_IGNORE));
      CHECK_EQ(value, number(p.from, i));
    }
  });
}

CASE(tags_select) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    for (int i = 0; i < 3; ++i) {
      const int value = number(p.from, i);
      if (p.sender) CALL(MPI_Send(&value, 1, MPI_INT, p.to, p.tag + i, kWorld));
    }
    for (int i = 2; i >= 0 && !p.sender; --i) {
      int value = -1;
      MPI_Status status;
      CALL(MPI_Recv(&value, 1, MPI_INT, p.from, p.tag + i, kWorld, &status));
      CHECK_EQ(value, number(p.from, i));
      CHECK_STATUS(status, p.from, p.tag + i, 1, MPI_INT);
    }
  });
}

CASE(largest_tag) {
  int* bound = nullptr;
  int found = 0;
  CALL(MPI_Comm_get_attr(kWorld, MPI_TAG_UB, &bound, &found));
  CHECK(found != 0 && *bound >= 32767);
  if (found == 0) return;
  c.each_link(Needs::one_way, [&](const Pair& p) {
    const int value = number(p.from, p.to);
    if (p.sender) return CALL(MPI_Send(&value, 1, MPI_INT, p.to, *bound, kWorld));
    int got = -1;
    MPI_Status status;
    CALL(MPI_Recv(&got, 1, MPI_INT, p.from, *bound, kWorld, &status));
    CHECK_EQ(got, value);
    CHECK_EQ(status.MPI_TAG, *bound);
  });
}

CASE(any_source) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    const int value = number(p.from, p.to);
    if (p.sender) return CALL(MPI_Send(&value, 1, MPI_INT, p.to, p.tag, kWorld));
    // Nobody would ever send: a wildcard cannot be refused, only waited for.
    if (!c.flow(p.from, p.to)) return;
    int got = -1;
    MPI_Status status;
    CALL(MPI_Recv(&got, 1, MPI_INT, MPI_ANY_SOURCE, p.tag, kWorld, &status));
    CHECK_EQ(got, value);
    CHECK_STATUS(status, p.from, p.tag, 1, MPI_INT);
  });
}

/// Everybody who may sends to everybody else; receivers take messages from anywhere, each sender's in order.
CASE(any_source_from_all) {
  std::vector<MPI_Request> requests;
  std::vector<int> values(static_cast<std::size_t>(2 * c.size));
  int expected = 0;
  for (int peer = 0; peer < c.size; ++peer) {
    if (peer == c.rank) continue;
    if (c.flow(peer, c.rank)) expected += 2;
    if (!c.flow(c.rank, peer)) continue;
    for (int i = 0; i < 2; ++i) {
      int& value = values[static_cast<std::size_t>(2 * peer + i)];
      value = number(c.rank, peer, i);
      CALL(MPI_Isend(&value, 1, MPI_INT, peer, c.tag, kWorld, &requests.emplace_back()));
    }
  }
  std::vector<int> seen(static_cast<std::size_t>(c.size));
  for (int i = 0; i < expected; ++i) {
    int got = -1;
    MPI_Status status;
    CALL(MPI_Recv(&got, 1, MPI_INT, MPI_ANY_SOURCE, c.tag, kWorld, &status));
    if (status.MPI_SOURCE < 0 || status.MPI_SOURCE >= c.size) return CHECK_EQ(status.MPI_SOURCE, 0);
    CHECK_EQ(got, number(status.MPI_SOURCE, c.rank, seen[static_cast<std::size_t>(status.MPI_SOURCE)]++));
    CHECK_EQ(status.MPI_TAG, c.tag);
  }
  CALL(MPI_Waitall(static_cast<int>(requests.size()), requests.data(), MPI_STATUSES_IGNORE));
}

CASE(truncated) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    const std::array<int, 4> sent{1, 2, 3, 4};
    if (p.sender) {
      CALL(MPI_Send(sent.data(), 4, MPI_INT, p.to, p.tag, kWorld));
      return CALL(MPI_Send(sent.data(), 4, MPI_INT, p.to, p.tag, kWorld));
    }
    std::array<int, 4> got{-1, -1, -1, -1};
    CALL_FAILS(MPI_ERR_TRUNCATE, MPI_Recv(got.data(), 2, MPI_INT, p.from, p.tag, kWorld, MPI_STATUS_IGNORE));
    CHECK(got[2] == -1 && got[3] == -1);
    // The next message is not harmed.
    CALL(MPI_Recv(got.data(), 4, MPI_INT, p.from, p.tag, kWorld, MPI_STATUS_IGNORE));
    CHECK(got == sent);
  });
}

CASE(proc_null) {
  int value = 7;
  MPI_Status status;
  MPI_Request requests[2];
  CALL(MPI_Send(&value, 1, MPI_INT, MPI_PROC_NULL, c.tag, kWorld));
  CALL(MPI_Recv(&value, 1, MPI_INT, MPI_PROC_NULL, c.tag, kWorld, &status));
  CHECK_EQ(value, 7);
  CHECK_STATUS(status, MPI_PROC_NULL, MPI_ANY_TAG, 0, MPI_INT);
  CALL(MPI_Isend(&value, 1, MPI_INT, MPI_PROC_NULL, c.tag, kWorld, &requests[0]));
  CALL(MPI_Irecv(&value, 1, MPI_INT, MPI_PROC_NULL, c.tag, kWorld, &requests[1]));
  CALL(MPI_Wait(&requests[0], MPI_STATUS_IGNORE));
  CALL(MPI_Wait(&requests[1], &status));
  // MPICH 4.0.2 leaves the status of a nonblocking receive from nobody as it is.
  if (SLUICE_MPI4 == 0) CHECK_STATUS(status, MPI_PROC_NULL, MPI_ANY_TAG, 0, MPI_INT);
  CHECK(requests[0] == MPI_REQUEST_NULL && requests[1] == MPI_REQUEST_NULL);
  CALL(MPI_Sendrecv(&value, 1, MPI_INT, MPI_PROC_NULL, 1, &value, 1, MPI_INT, MPI_PROC_NULL, 1, kWorld, &status));
  CHECK_STATUS(status, MPI_PROC_NULL, MPI_ANY_TAG, 0, MPI_INT);
}

CASE(message_to_self) {
  int sent = number(c.rank), got = -1;
  MPI_Request request;
  MPI_Status status;
  CALL(MPI_Irecv(&got, 1, MPI_INT, c.rank, c.tag, kWorld, &request));
  CALL(MPI_Send(&sent, 1, MPI_INT, c.rank, c.tag, kWorld));
  CALL(MPI_Wait(&request, &status));
  CHECK_EQ(got, sent);
  CHECK_STATUS(status, c.rank, c.tag, 1, MPI_INT);
  CALL(MPI_Sendrecv(&sent, 1, MPI_INT, c.rank, c.tag, &got, 1, MPI_INT, MPI_ANY_SOURCE, c.tag, kWorld, &status));
  CHECK_STATUS(status, c.rank, c.tag, 1, MPI_INT);
}

CASE(isend_irecv) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    constexpr int kCount = 40000;
    const std::vector<int> sent = pattern(number(p.from, p.to), kCount);
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Status status;
    if (p.sender) {
      CALL(MPI_Isend(sent.data(), kCount, MPI_INT, p.to, p.tag, kWorld, &request));
      CALL(MPI_Wait(&request, &status));
      CHECK(request == MPI_REQUEST_NULL);
      return;
    }
    std::vector<int> got(kCount, -1);
    CALL(MPI_Irecv(got.data(), kCount, MPI_INT, p.from, p.tag, kWorld, &request));
    CALL(MPI_Wait(&request, &status));
    CHECK(got == sent && request == MPI_REQUEST_NULL);
    CHECK_STATUS(status, p.from, p.tag, kCount, MPI_INT);
  });
}

/// Receives complete in the order of their posting where both match.
CASE(irecv_order) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    std::array<int, 3> values{number(p.from, 0), number(p.from, 1), number(p.from, 2)};
    std::array<MPI_Request, 3> requests;
    for (std::size_t i = 0; i < 3; ++i) {
      if (p.sender) {
        CALL(MPI_Isend(&values[i], 1, MPI_INT, p.to, p.tag, kWorld, &requests[i]));
      } else {
        values[i] = -1;
        CALL(MPI_Irecv(&values[i], 1, MPI_INT, i == 1 || !c.flow(p.from, p.to) ? p.from : MPI_ANY_SOURCE, p.tag, kWorld,
                       &requests[i]));
      }
    }
    for (std::size_t i = 3; i-- > 0;) CALL(MPI_Wait(&requests[i], MPI_STATUS_IGNORE));
    for (int i = 0; i < 3; ++i) CHECK_EQ(values[static_cast<std::size_t>(i)], number(p.from, i));
  });
}

CASE(sendrecv) {
  c.each_link(Needs::both, [&](const Pair& p) {
    const int sent = number(c.rank, p.other());
    int got = -1;
    MPI_Status status;
    CALL(MPI_Sendrecv(&sent, 1, MPI_INT, p.other(), p.tag, &got, 1, MPI_INT, p.other(), p.tag, kWorld, &status));
    CHECK_EQ(got, number(p.other(), c.rank));
    CHECK_STATUS(status, p.other(), p.tag, 1, MPI_INT);
  });
}

CASE(sendrecv_replace) {
  c.each_link(Needs::both, [&](const Pair& p) {
    std::vector<int> data = pattern(c.rank, 5000);
    MPI_Status status;
    CALL(MPI_Sendrecv_replace(data.data(), 5000, MPI_INT, p.other(), p.tag, p.other(), p.tag, kWorld, &status));
    CHECK(data == pattern(p.other(), 5000));
    CHECK_STATUS(status, p.other(), p.tag, 5000, MPI_INT);
  });
}

/// The shift along a line of ranks: legal wherever neighbours may send upwards.
CASE(sendrecv_shift) {
  const int up = c.rank + 1 < c.size ? c.rank + 1 : MPI_PROC_NULL, down = c.rank > 0 ? c.rank - 1 : MPI_PROC_NULL;
  int sent = number(c.rank), got = -1;
  MPI_Status status;
  CALL(MPI_Sendrecv(&sent, 1, MPI_INT, up, c.tag, &got, 1, MPI_INT, down, c.tag, kWorld, &status));
  CHECK_EQ(got, c.rank > 0 ? number(c.rank - 1) : -1);
  CHECK_EQ(status.MPI_SOURCE, down);
  CALL(MPI_Sendrecv_replace(&sent, 1, MPI_INT, up, c.tag, down, c.tag, kWorld, &status));
  CHECK_EQ(sent, c.rank > 0 ? number(c.rank - 1) : number(0));
}

CASE(wrong_arguments) {
  int value = 0;
  // The furthest rank that this one may send to, and the furthest that may send here.
  int to = c.rank, from = c.rank;
  for (int peer = 0; peer < c.size; ++peer) {
    if (c.flow(c.rank, peer)) to = peer;
    if (c.flow(c.size - 1 - peer, c.rank)) from = c.size - 1 - peer;
  }
  MPI_Request request = MPI_REQUEST_NULL;
  CALL_FAILS(MPI_ERR_RANK, MPI_Send(&value, 1, MPI_INT, c.size, c.tag, kWorld));
  CALL_FAILS(MPI_ERR_RANK, MPI_Isend(&value, 1, MPI_INT, -77, c.tag, kWorld, &request));
  CALL_FAILS(MPI_ERR_RANK, MPI_Recv(&value, 1, MPI_INT, c.size, c.tag, kWorld, MPI_STATUS_IGNORE));
  CALL_FAILS(MPI_ERR_TAG, MPI_Send(&value, 1, MPI_INT, to, -5, kWorld));
  CALL_FAILS(MPI_ERR_TAG, MPI_Send(&value, 1, MPI_INT, to, MPI_ANY_TAG, kWorld));
  CALL_FAILS(MPI_ERR_TAG, MPI_Recv(&value, 1, MPI_INT, from, -5, kWorld, MPI_STATUS_IGNORE));
  CALL_FAILS(MPI_ERR_COUNT, MPI_Send(&value, -1, MPI_INT, to, c.tag, kWorld));
  CALL_FAILS(MPI_ERR_COUNT, MPI_Irecv(&value, -1, MPI_INT, from, c.tag, kWorld, &request));
  CALL_FAILS(MPI_ERR_TYPE, MPI_Send(&value, 1, MPI_DATATYPE_NULL, to, c.tag, kWorld));
  CALL_FAILS(MPI_ERR_RANK, MPI_Ssend(&value, 1, MPI_INT, c.size, c.tag, kWorld));
  CALL_FAILS(MPI_ERR_RANK, MPI_Send_init(&value, 1, MPI_INT, c.size + 3, c.tag, kWorld, &request));
  CALL_FAILS(MPI_ERR_RANK, MPI_Probe(c.size, c.tag, kWorld, MPI_STATUS_IGNORE));
}

#if SLUICE_MPI4
CASE(isendrecv) {
  c.each_link(Needs::both, [&](const Pair& p) {
    const int sent = number(c.rank, p.other());
    int got = -1, both = sent;
    MPI_Status status;
    MPI_Request request;
    CALL(MPI_Isendrecv(&sent, 1, MPI_INT, p.other(), p.tag, &got, 1, MPI_INT, p.other(), p.tag, kWorld, &request));
    CALL(MPI_Wait(&request, &status));
    CHECK_EQ(got, number(p.other(), c.rank));
    CALL(MPI_Isendrecv_replace(&both, 1, MPI_INT, p.other(), p.tag, p.other(), p.tag, kWorld, &request));
    CALL(MPI_Wait(&request, &status));
    CHECK_EQ(both, number(p.other(), c.rank));
  });
}
#endif

}  // namespace
}  // namespace sluice::conformance
