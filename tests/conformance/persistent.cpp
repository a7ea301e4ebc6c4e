// Persistent requests (MPI 3.1, section 3.9).
#include <array>
#include <vector>

#include "tests/conformance/harness.hpp"

namespace sluice::conformance {
namespace {

const MPI_Comm kWorld = MPI_COMM_WORLD;
constexpr int kRounds = 3;

CASE(send_init_recv_init) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    int value = -1;
    MPI_Request request;
    MPI_Status status;
    if (p.sender) {
      CALL(MPI_Send_init(&value, 1, MPI_INT, p.to, p.tag, kWorld, &request));
    } else {
      CALL(MPI_Recv_init(&value, 1, MPI_INT, p.from, p.tag, kWorld, &request));
    }
    for (int round = 0; round < kRounds; ++round) {
      value = p.sender ? number(p.from, round) : -1;
      CALL(MPI_Start(&request));
      CALL(MPI_Wait(&request, &status));
      CHECK(request != MPI_REQUEST_NULL);
      CHECK_EQ(value, number(p.from, round));
      if (!p.sender) CHECK_STATUS(status, p.from, p.tag, 1, MPI_INT);
    }
    CALL(MPI_Request_free(&request));
    CHECK(request == MPI_REQUEST_NULL);
  });
}

/// One that is not started completes at once, with an empty status.
CASE(inactive_requests) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    int value = 0, flag = 0, index = 0;
    MPI_Request request;
    MPI_Status status;
    if (p.sender) {
      CALL(MPI_Send_init(&value, 1, MPI_INT, p.to, p.tag, kWorld, &request));
    } else {
      CALL(MPI_Recv_init(&value, 1, MPI_INT, p.from, p.tag, kWorld, &request));
    }
    CALL(MPI_Wait(&request, &status));
    CHECK_EMPTY(status);
    CALL(MPI_Test(&request, &flag, &status));
    CHECK(flag != 0);
    CHECK_EMPTY(status);
    CALL(MPI_Waitall(1, &request, &status));
    CHECK_EMPTY(status);
    CALL(MPI_Waitany(1, &request, &index, &status));
    CHECK_EQ(index, MPI_UNDEFINED);
    CHECK_EMPTY(status);
    CALL(MPI_Testany(1, &request, &index, &flag, &status));
    CHECK(index == MPI_UNDEFINED && flag != 0);
    CALL(MPI_Request_get_status(request, &flag, &status));
    CHECK(flag != 0);
    CHECK(request != MPI_REQUEST_NULL);
    CALL(MPI_Request_free(&request));
  });
}

CASE(startall) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    std::array<int, 3> values{};
    std::array<MPI_Request, 3> requests;
    std::array<MPI_Status, 3> statuses;
    for (int i = 0; i < 3; ++i) {
      const auto at = static_cast<std::size_t>(i);
      if (p.sender) {
        CALL(MPI_Send_init(&values[at], 1, MPI_INT, p.to, p.tag + i, kWorld, &requests[at]));
      } else {
        CALL(MPI_Recv_init(&values[at], 1, MPI_INT, i == 1 && c.flow(p.from, p.to) ? MPI_ANY_SOURCE : p.from, p.tag + i,
                           kWorld, &requests[at]));
      }
    }
    for (int round = 0; round < kRounds; ++round) {
      for (int i = 0; i < 3; ++i) values[static_cast<std::size_t>(i)] = p.sender ? number(p.from, round, i) : -1;
      CALL(MPI_Startall(3, requests.data()));
      CALL(MPI_Waitall(3, requests.data(), statuses.data()));
      for (int i = 0; i < 3; ++i) {
        CHECK_EQ(values[static_cast<std::size_t>(i)], number(p.from, round, i));
        if (!p.sender) CHECK_STATUS(statuses[static_cast<std::size_t>(i)], p.from, p.tag + i, 1, MPI_INT);
      }
    }
    for (MPI_Request& request : requests) CALL(MPI_Request_free(&request));
  });
}

CASE(ssend_init) {
  c.each_link(Needs::both, [&](const Pair& p) {
    int value = -1;
    MPI_Request request;
    if (p.sender) {
      CALL(MPI_Ssend_init(&value, 1, MPI_INT, p.to, p.tag, kWorld, &request));
    } else {
      CALL(MPI_Recv_init(&value, 1, MPI_INT, p.from, p.tag, kWorld, &request));
    }
    for (int round = 0; round < kRounds; ++round) {
      value = p.sender ? number(p.from, round) : -1;
      CALL(MPI_Start(&request));
      CALL(MPI_Wait(&request, MPI_STATUS_IGNORE));
      CHECK_EQ(value, number(p.from, round));
    }
    CALL(MPI_Request_free(&request));
  });
}

CASE(bsend_init) {
  std::vector<char> memory(1024 + MPI_BSEND_OVERHEAD);
  CALL(MPI_Buffer_attach(memory.data(), static_cast<int>(memory.size())));
  c.each_link(Needs::one_way, [&](const Pair& p) {
    int value = -1;
    MPI_Request request;
    if (p.sender) {
      CALL(MPI_Bsend_init(&value, 1, MPI_INT, p.to, p.tag, kWorld, &request));
    } else {
      CALL(MPI_Recv_init(&value, 1, MPI_INT, p.from, p.tag, kWorld, &request));
    }
    for (int round = 0; round < kRounds; ++round) {
      value = p.sender ? number(p.from, round) : -1;
      CALL(MPI_Start(&request));
      CALL(MPI_Wait(&request, MPI_STATUS_IGNORE));
      CHECK_EQ(value, number(p.from, round));
    }
    CALL(MPI_Request_free(&request));
  });
  void* address = nullptr;
  int bytes = 0;
  CALL(MPI_Buffer_detach(&address, &bytes));
  CHECK(address == memory.data());
}

CASE(rsend_init) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    int value = -1, ready = 1;
    MPI_Request request;
    if (p.sender) {
      CALL(MPI_Rsend_init(&value, 1, MPI_INT, p.to, p.tag, kWorld, &request));
    } else {
      CALL(MPI_Recv_init(&value, 1, MPI_INT, p.from, p.tag, kWorld, &request));
    }
    for (int round = 0; round < kRounds; ++round) {
      value = p.sender ? number(p.from, round) : -1;
      if (p.sender && p.both_way) CALL(MPI_Recv(&ready, 1, MPI_INT, p.to, p.tag + 1, kWorld, MPI_STATUS_IGNORE));
      CALL(MPI_Start(&request));
      if (!p.sender && p.both_way) CALL(MPI_Send(&ready, 1, MPI_INT, p.from, p.tag + 1, kWorld));
      CALL(MPI_Wait(&request, MPI_STATUS_IGNORE));
      CHECK_EQ(value, number(p.from, round));
    }
    CALL(MPI_Request_free(&request));
  });
}

/// A started request that is freed still does its work.
CASE(free_of_started_send) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    static int value;
    value = number(p.from, p.to);
    if (p.sender) {
      MPI_Request request;
      CALL(MPI_Send_init(&value, 1, MPI_INT, p.to, p.tag, kWorld, &request));
      CALL(MPI_Start(&request));
      CALL(MPI_Request_free(&request));
      CHECK(request == MPI_REQUEST_NULL);
      return;
    }
    int got = -1;
    CALL(MPI_Recv(&got, 1, MPI_INT, p.from, p.tag, kWorld, MPI_STATUS_IGNORE));
    CHECK_EQ(got, number(p.from, p.to));
  });
}

CASE(persistent_to_self) {
  int sent = number(c.rank), got = -1;
  MPI_Request requests[2];
  MPI_Status statuses[2];
  CALL(MPI_Send_init(&sent, 1, MPI_INT, c.rank, c.tag, kWorld, &requests[0]));
  CALL(MPI_Recv_init(&got, 1, MPI_INT, c.rank, c.tag, kWorld, &requests[1]));
  for (int round = 0; round < kRounds; ++round) {
    got = -1;
    CALL(MPI_Startall(2, requests));
    CALL(MPI_Waitall(2, requests, statuses));
    CHECK_EQ(got, sent);
    CHECK_STATUS(statuses[1], c.rank, c.tag, 1, MPI_INT);
  }
  for (MPI_Request& request : requests) CALL(MPI_Request_free(&request));
}

CASE(persistent_to_nobody) {
  int value = 3;
  MPI_Request request;
  for (int round = 0; round < 2; ++round) {
    if (round == 0) {
      CALL(MPI_Send_init(&value, 1, MPI_INT, MPI_PROC_NULL, c.tag, kWorld, &request));
    } else {
      CALL(MPI_Recv_init(&value, 1, MPI_INT, MPI_PROC_NULL, c.tag, kWorld, &request));
    }
    CALL(MPI_Start(&request));
    CALL(MPI_Wait(&request, MPI_STATUS_IGNORE));
    CALL(MPI_Request_free(&request));
    CHECK_EQ(value, 3);
  }
}

#if SLUICE_MPI4
CASE(partitioned) {
  constexpr int kPartitions = 4, kEach = 8;
  c.each_link(Needs::one_way, [&](const Pair& p) {
    std::vector<int> data(kPartitions * kEach);
    MPI_Request request;
    if (p.sender) {
      CALL(MPI_Psend_init(data.data(), kPartitions, kEach, MPI_INT, p.to, p.tag, kWorld, MPI_INFO_NULL, &request));
    } else {
      CALL(MPI_Precv_init(data.data(), kPartitions, kEach, MPI_INT, p.from, p.tag, kWorld, MPI_INFO_NULL, &request));
    }
    for (int round = 0; round < kRounds; ++round) {
      const std::vector<int> expected = pattern(number(p.from, round), data.size());
      data = p.sender ? expected : std::vector<int>(data.size(), -1);
      CALL(MPI_Start(&request));
      if (p.sender) {
        int last[1] = {3};
        CALL(MPI_Pready(1, request));
        CALL(MPI_Pready_list(1, last, request));
        CALL(MPI_Pready(0, request));
        CALL(MPI_Pready_range(2, 2, request));
      } else {
        for (int i = 0, flag = 0; i < kPartitions; i += flag) CALL(MPI_Parrived(request, i, &flag));
      }
      CALL(MPI_Wait(&request, MPI_STATUS_IGNORE));
      CHECK(data == expected);
    }
    CALL(MPI_Request_free(&request));
  });
}

/// Requests match in the order in which they were made, not in which they are started.
CASE(partitioned_order) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    std::array<int, 2> data{-1, -1};
    std::array<MPI_Request, 2> requests;
    for (std::size_t i = 0; i < 2; ++i) {
      if (p.sender) {
        data[i] = number(p.from, static_cast<int>(i));
        CALL(MPI_Psend_init(&data[i], 1, 1, MPI_INT, p.to, p.tag, kWorld, MPI_INFO_NULL, &requests[i]));
      } else {
        CALL(MPI_Precv_init(&data[i], 1, 1, MPI_INT, p.from, p.tag, kWorld, MPI_INFO_NULL, &requests[i]));
      }
    }
    for (const std::size_t i : {std::size_t{1}, std::size_t{0}}) {
      const std::size_t which = p.sender ? i : 1 - i;
      CALL(MPI_Start(&requests[which]));
      if (p.sender) CALL(MPI_Pready(0, requests[which]));
    }
    CALL(MPI_Waitall(2, requests.data(), MPI_STATUSES_IGNORE));
    for (int i = 0; i < 2; ++i) CHECK_EQ(data[static_cast<std::size_t>(i)], number(p.from, i));
    for (MPI_Request& request : requests) CALL(MPI_Request_free(&request));
  });
}
#endif

}  // namespace
}  // namespace sluice::conformance
