// Completion of several requests of any kind, and requests that the program makes itself (MPI 3.1, sections 3.7
// and 12.2).
#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include "tests/conformance/harness.hpp"

namespace sluice::conformance {
namespace {

const MPI_Comm kWorld = MPI_COMM_WORLD;
constexpr std::size_t kMany = 6;

/// Sends kMany ints as the sender of `p`; the receiver gets their receives in `requests`, with a null request, an
/// inactive one and one to itself among them.
struct Mixture {
  std::array<int, kMany> values{};
  int own = -1;
  int inactive = 0;
  std::array<MPI_Request, kMany + 3> requests;

  Mixture(const Case& c, const Pair& p) {
    requests.fill(MPI_REQUEST_NULL);
    for (std::size_t i = 0; i < kMany; ++i) {
      values[i] = p.sender ? number(p.from, static_cast<int>(i)) : -1;
      // By descending tag, so that they do not arrive in the order of the array.
      const int tag = p.tag + static_cast<int>(i % 3);
      if (p.sender) {
        CALL(MPI_Isend(&values[i], 1, MPI_INT, p.to, tag, kWorld, &requests[i]));
      } else {
        CALL(MPI_Irecv(&values[i], 1, MPI_INT, p.from, tag, kWorld, &requests[i]));
      }
    }
    CALL(MPI_Irecv(&own, 1, MPI_INT, c.rank, p.tag + 3, kWorld, &requests[kMany + 1]));
    CALL(MPI_Send_init(&inactive, 1, MPI_INT, c.rank, p.tag + 3, kWorld, &requests[kMany + 2]));
    const int self = number(c.rank);
    CALL(MPI_Send(&self, 1, MPI_INT, c.rank, p.tag + 3, kWorld));
  }
  [[nodiscard]] int size() const { return static_cast<int>(requests.size()); }
  void finish(const Case& c, const Pair& p) {
    for (std::size_t i = 0; i < kMany; ++i) {
      CHECK_EQ(values[i], number(p.from, static_cast<int>(i)));
      CHECK(requests[i] == MPI_REQUEST_NULL);
    }
    CHECK_EQ(own, number(c.rank));
    CHECK(requests[kMany + 2] != MPI_REQUEST_NULL);
    CALL(MPI_Request_free(&requests[kMany + 2]));
  }
  /// The status that belongs to request `i`.
  void check(const Case& c, const Pair& p, std::size_t i, const MPI_Status& status) const {
    if (i == kMany + 1) return CHECK_STATUS(status, c.rank, p.tag + 3, 1, MPI_INT);
    if (i >= kMany) return CHECK_EMPTY(status);
    if (!p.sender) CHECK_STATUS(status, p.from, p.tag + static_cast<int>(i % 3), 1, MPI_INT);
  }
};

CASE(waitall_mixture) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    Mixture m(c, p);
    std::array<MPI_Status, kMany + 3> statuses;
    CALL(MPI_Waitall(m.size(), m.requests.data(), statuses.data()));
    for (std::size_t i = 0; i < statuses.size(); ++i) m.check(c, p, i, statuses[i]);
    m.finish(c, p);
  });
}

CASE(waitany_mixture) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    Mixture m(c, p);
    std::array<int, kMany + 3> seen{};
    for (std::size_t i = 0; i < kMany + 1; ++i) {
      int index = -1;
      MPI_Status status;
      CALL(MPI_Waitany(m.size(), m.requests.data(), &index, &status));
      if (index < 0 || index >= m.size()) return CHECK_EQ(index, 0);
      ++seen[static_cast<std::size_t>(index)];
      m.check(c, p, static_cast<std::size_t>(index), status);
    }
    int index = 0;
    MPI_Status status;
    CALL(MPI_Waitany(m.size(), m.requests.data(), &index, &status));
    CHECK_EQ(index, MPI_UNDEFINED);
    CHECK_EMPTY(status);
    CHECK_EQ(std::count(seen.begin(), seen.end(), 1), kMany + 1);
    m.finish(c, p);
  });
}

CASE(waitsome_mixture) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    Mixture m(c, p);
    std::array<int, kMany + 3> indices{};
    std::array<MPI_Status, kMany + 3> statuses;
    for (std::size_t done = 0; done < kMany + 1;) {
      int count = 0;
      CALL(MPI_Waitsome(m.size(), m.requests.data(), &count, indices.data(), statuses.data()));
      if (count <= 0) return CHECK_EQ(count, 1);
      for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
        m.check(c, p, static_cast<std::size_t>(indices[i]), statuses[i]);
      }
      done += static_cast<std::size_t>(count);
    }
    int count = 0;
    CALL(MPI_Waitsome(m.size(), m.requests.data(), &count, indices.data(), statuses.data()));
    CHECK_EQ(count, MPI_UNDEFINED);
    m.finish(c, p);
  });
}

CASE(testall_mixture) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    Mixture m(c, p);
    std::array<MPI_Status, kMany + 3> statuses;
    for (int flag = 0; flag == 0;) CALL(MPI_Testall(m.size(), m.requests.data(), &flag, statuses.data()));
    for (std::size_t i = 0; i < statuses.size(); ++i) m.check(c, p, i, statuses[i]);
    m.finish(c, p);
  });
}

CASE(testany_mixture) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    Mixture m(c, p);
    for (std::size_t done = 0; done < kMany + 1;) {
      int index = -1, flag = 0;
      MPI_Status status;
      CALL(MPI_Testany(m.size(), m.requests.data(), &index, &flag, &status));
      if (flag == 0) {
        CHECK_EQ(index, MPI_UNDEFINED);
        continue;
      }
      if (index < 0 || index >= m.size()) return CHECK_EQ(index, 0);
      m.check(c, p, static_cast<std::size_t>(index), status);
      ++done;
    }
    m.finish(c, p);
  });
}

CASE(testsome_mixture) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    Mixture m(c, p);
    std::array<int, kMany + 3> indices{};
    std::array<MPI_Status, kMany + 3> statuses;
    for (std::size_t done = 0; done < kMany + 1;) {
      int count = 0;
      CALL(MPI_Testsome(m.size(), m.requests.data(), &count, indices.data(), statuses.data()));
      if (count < 0) return CHECK_EQ(count, 0);
      for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
        m.check(c, p, static_cast<std::size_t>(indices[i]), statuses[i]);
      }
      done += static_cast<std::size_t>(count);
    }
    m.finish(c, p);
  });
}

CASE(wait_and_test_of_null) {
  MPI_Request none = MPI_REQUEST_NULL;
  MPI_Status status;
  int flag = 0, index = 0, count = 0;
  CALL(MPI_Wait(&none, &status));
  CHECK_EMPTY(status);
  CALL(MPI_Test(&none, &flag, &status));
  CHECK(flag != 0);
  CHECK_EMPTY(status);
  CALL(MPI_Waitany(1, &none, &index, &status));
  CHECK_EQ(index, MPI_UNDEFINED);
  CALL(MPI_Waitany(0, nullptr, &index, &status));
  CHECK_EQ(index, MPI_UNDEFINED);
  CALL(MPI_Testany(1, &none, &index, &flag, &status));
  CHECK(flag != 0 && index == MPI_UNDEFINED);
  CALL(MPI_Waitsome(1, &none, &count, &index, &status));
  CHECK_EQ(count, MPI_UNDEFINED);
  CALL(MPI_Testsome(1, &none, &count, &index, &status));
  CHECK_EQ(count, MPI_UNDEFINED);
  CALL(MPI_Waitall(0, nullptr, MPI_STATUSES_IGNORE));
  CALL(MPI_Testall(1, &none, &flag, MPI_STATUSES_IGNORE));
  CHECK(flag != 0);
  CALL(MPI_Request_get_status(none, &flag, &status));
  CHECK(flag != 0);
  CHECK_EMPTY(status);
}

#ifdef OPEN_MPI
constexpr bool kWaitHangsOnFailed = true;
#else
constexpr bool kWaitHangsOnFailed = false;
#endif

bool with_threads() {
  int level = MPI_THREAD_SINGLE;
  CALL(MPI_Query_thread(&level));
  return level == MPI_THREAD_MULTIPLE;
}

/// One of three receives is truncated: MPI_ERR_IN_STATUS, and the statuses say which. With threads, Open MPI itself
/// never returns from MPI_Waitall where one has failed before it waits, so there only what crosses subjects is tried.
CASE(error_in_status) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    std::array<int, 3> values{1, 2, 3};
    std::array<MPI_Request, 3> requests;
    std::array<MPI_Status, 3> statuses;
    if (kWaitHangsOnFailed && with_threads() && c.subject_of(p.from) == c.subject_of(p.to)) return;
    if (p.sender) {
      for (int i = 0; i < 3; ++i) CALL(MPI_Send(values.data(), 3, MPI_INT, p.to, p.tag + i, kWorld));
      return;
    }
    std::array<std::array<int, 3>, 3> got{};
    for (std::size_t i = 0; i < 3; ++i) {
      CALL(
          MPI_Irecv(got[i].data(), i == 1 ? 1 : 3, MPI_INT, p.from, p.tag + static_cast<int>(i), kWorld, &requests[i]));
    }
    for (std::size_t left = 3; left != 0;) {
      const int code = MPI_Waitall(3, requests.data(), statuses.data());
      CHECK_EQ(class_of(code), MPI_ERR_IN_STATUS);
      left = 0;
      for (std::size_t i = 0; i < 3; ++i) {
        const int error = class_of(statuses[i].MPI_ERROR);
        // A host may give up with requests pending; then it is called again.
        if (error == MPI_ERR_PENDING) ++left;
        if (i == 1) CHECK(error == MPI_ERR_TRUNCATE || error == MPI_ERR_PENDING);
        if (i != 1) CHECK(error == MPI_SUCCESS || error == MPI_ERR_PENDING);
      }
      if (left == 3) return CHECK_EQ(left, 0);
      if (left != 0) break;
    }
    // One that has failed is over: Open MPI keeps its handle, and sometimes never returns from waiting for it again.
    for (std::size_t i = 0; i < 3; ++i) {
      if (class_of(statuses[i].MPI_ERROR) == MPI_ERR_PENDING) CALL(MPI_Wait(&requests[i], MPI_STATUS_IGNORE));
    }
    CHECK(got[0] == values && got[2] == values);
  });
}

CASE(request_get_status) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    int value = number(p.from), got = -1, flag = 0;
    MPI_Request request;
    MPI_Status status;
    if (p.sender) return CALL(MPI_Send(&value, 1, MPI_INT, p.to, p.tag, kWorld));
    CALL(MPI_Irecv(&got, 1, MPI_INT, p.from, p.tag, kWorld, &request));
    while (flag == 0) CALL(MPI_Request_get_status(request, &flag, &status));
    CHECK(request != MPI_REQUEST_NULL);
    CHECK_STATUS(status, p.from, p.tag, 1, MPI_INT);
    CHECK_EQ(got, value);
    CALL(MPI_Request_get_status(request, &flag, MPI_STATUS_IGNORE));
    CHECK(flag != 0);
    CALL(MPI_Wait(&request, &status));
    CHECK_STATUS(status, p.from, p.tag, 1, MPI_INT);
  });
}

CASE(request_free_of_active) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    int value = number(p.from), done = -1;
    static int got;
    MPI_Request request;
    if (p.sender) {
      CALL(MPI_Isend(&value, 1, MPI_INT, p.to, p.tag, kWorld, &request));
      CALL(MPI_Request_free(&request));
      CHECK(request == MPI_REQUEST_NULL);
      return CALL(MPI_Send(&value, 1, MPI_INT, p.to, p.tag + 1, kWorld));
    }
    got = -1;
    CALL(MPI_Irecv(&got, 1, MPI_INT, p.from, p.tag, kWorld, &request));
    CALL(MPI_Request_free(&request));
    CALL(MPI_Recv(&done, 1, MPI_INT, p.from, p.tag + 1, kWorld, MPI_STATUS_IGNORE));
    // Messages do not overtake, so the freed receive has its message.
    CHECK_EQ(got, value);
    CHECK_EQ(done, value);
  });
}

CASE(request_handles) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    int value = number(p.from);
    MPI_Request request;
    if (p.sender) return CALL(MPI_Send(&value, 1, MPI_INT, p.to, p.tag, kWorld));
    value = -1;
    CALL(MPI_Irecv(&value, 1, MPI_INT, p.from, p.tag, kWorld, &request));
    MPI_Request back = MPI_Request_f2c(MPI_Request_c2f(request));
    CHECK(back == request);
    MPI_Status status, converted;
    CALL(MPI_Wait(&back, &status));
    CHECK_EQ(value, number(p.from));
    std::array<MPI_Fint, 32> fortran{};
    CALL(MPI_Status_c2f(&status, fortran.data()));
    CALL(MPI_Status_f2c(fortran.data(), &converted));
    CHECK_STATUS(converted, p.from, p.tag, 1, MPI_INT);
  });
}

int query_grequest(void* state, MPI_Status* status) {
  status->MPI_SOURCE = 3;
  status->MPI_TAG = *static_cast<int*>(state);
  MPI_Status_set_elements(status, MPI_INT, 7);
  MPI_Status_set_cancelled(status, 0);
  return MPI_SUCCESS;
}
int free_grequest(void* state) {
  ++*static_cast<int*>(state);
  return MPI_SUCCESS;
}
int cancel_grequest(void* state, int complete) {
  if (complete == 0) *static_cast<int*>(state) += 100;
  return MPI_SUCCESS;
}

/// Together with a receive from another rank, so that the library has a say in it.
CASE(generalized_requests) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    int value = number(p.from), state = 40, flag = -1;
    if (p.sender) return CALL(MPI_Send(&value, 1, MPI_INT, p.to, p.tag, kWorld));
    int got = -1;
    std::array<MPI_Request, 2> requests;
    std::array<MPI_Status, 2> statuses;
    CALL(MPI_Irecv(&got, 1, MPI_INT, p.from, p.tag, kWorld, &requests[0]));
    CALL(MPI_Grequest_start(query_grequest, free_grequest, cancel_grequest, &state, &requests[1]));
    CALL(MPI_Test(&requests[1], &flag, MPI_STATUS_IGNORE));
    CHECK_EQ(flag, 0);
    CALL(MPI_Cancel(&requests[1]));
    CHECK_EQ(state, 140);
    CALL(MPI_Grequest_complete(requests[1]));
    CALL(MPI_Waitall(2, requests.data(), statuses.data()));
    CHECK_STATUS(statuses[0], p.from, p.tag, 1, MPI_INT);
    CHECK_STATUS(statuses[1], 3, 140, 7, MPI_INT);
    CHECK_EQ(state, 141);
    CHECK_EQ(got, value);
  });
}

CASE(status_setters) {
  MPI_Status status{};
  int elements = -1, cancelled = -1;
  CALL(MPI_Status_set_elements(&status, MPI_DOUBLE, 5));
  CALL(MPI_Get_elements(&status, MPI_DOUBLE, &elements));
  CHECK_EQ(elements, 5);
  MPI_Count many = -1;
  CALL(MPI_Status_set_elements_x(&status, MPI_INT, 3000000000));
  CALL(MPI_Get_elements_x(&status, MPI_INT, &many));
  CHECK_EQ(many, 3000000000);
  CALL(MPI_Get_elements(&status, MPI_INT, &elements));
  CHECK_EQ(elements, MPI_UNDEFINED);
  CALL(MPI_Status_set_cancelled(&status, 1));
  CALL(MPI_Test_cancelled(&status, &cancelled));
  CHECK(cancelled != 0);
}

#if SLUICE_MPI4
int poll_grequest(void* state, MPI_Status* status) {
  static_cast<void>(status);
  return MPI_Grequest_complete(*static_cast<MPI_Request*>(state));
}
int wait_grequests(int count, void** states, double, MPI_Status*) {
  for (int i = 0; i < count; ++i) MPI_Grequest_complete(*static_cast<MPI_Request*>(states[i]));
  return MPI_SUCCESS;
}
int query_nothing(void*, MPI_Status* status) {
  MPI_Status_set_elements(status, MPI_INT, 1);
  MPI_Status_set_cancelled(status, 0);
  return MPI_SUCCESS;
}
int free_nothing(void*) { return MPI_SUCCESS; }
int cancel_nothing(void*, int) { return MPI_SUCCESS; }

/// MPICH's own generalized requests, which poll.
CASE(polling_grequests) {
  static MPI_Request request;
  CALL(MPIX_Grequest_start(query_nothing, free_nothing, cancel_nothing, poll_grequest, wait_grequests, &request,
                           &request));
  MPI_Request waited = request;
  CALL(MPI_Wait(&waited, MPI_STATUS_IGNORE));
  MPIX_Grequest_class kind{};
  CALL(MPIX_Grequest_class_create(query_nothing, free_nothing, cancel_nothing, poll_grequest, wait_grequests, &kind));
  CALL(MPIX_Grequest_class_allocate(kind, &request, &request));
  waited = request;
  CALL(MPI_Wait(&waited, MPI_STATUS_IGNORE));
}
#endif

CASE(cancel_receive) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    int value = number(p.from), got = -1, flag = -1;
    MPI_Request request;
    MPI_Status status;
    if (p.sender) return CALL(MPI_Send(&value, 1, MPI_INT, p.to, p.tag, kWorld));
    CALL(MPI_Irecv(&got, 1, MPI_INT, p.from, p.tag + 1, kWorld, &request));
    CALL(MPI_Cancel(&request));
    if (CALL_UNLESS_ENDED(p, MPI_Wait(&request, &status))) {
      CALL(MPI_Test_cancelled(&status, &flag));
      CHECK(flag != 0 && request == MPI_REQUEST_NULL);
    }
    CALL(MPI_Irecv(&got, 1, MPI_INT, MPI_ANY_SOURCE, p.tag + 1, kWorld, &request));
    CALL(MPI_Cancel(&request));
    if (CALL_UNLESS_ENDED(p, MPI_Wait(&request, &status))) {
      CALL(MPI_Test_cancelled(&status, &flag));
      CHECK(flag != 0);
    }
    CALL(MPI_Recv(&got, 1, MPI_INT, p.from, p.tag, kWorld, &status));
    CALL(MPI_Test_cancelled(&status, &flag));
    CHECK_EQ(flag, 0);
    CHECK_EQ(got, value);
  });
}

/// A receive that has its message is not cancelled any more, nor is one that was.
CASE(cancel_too_late) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    int value = number(p.from), got = -1, flag = -1;
    MPI_Request request;
    MPI_Status status;
    if (p.sender) {
      CALL(MPI_Send(&value, 1, MPI_INT, p.to, p.tag, kWorld));
      return CALL(MPI_Send(&value, 1, MPI_INT, p.to, p.tag + 1, kWorld));
    }
    CALL(MPI_Irecv(&got, 1, MPI_INT, p.from, p.tag, kWorld, &request));
    int after = -1;
    CALL(MPI_Recv(&after, 1, MPI_INT, p.from, p.tag + 1, kWorld, MPI_STATUS_IGNORE));
    CALL(MPI_Cancel(&request));
    CALL(MPI_Wait(&request, &status));
    CALL(MPI_Test_cancelled(&status, &flag));
    CHECK_EQ(flag, 0);
    CHECK_STATUS(status, p.from, p.tag, 1, MPI_INT);
    CHECK_EQ(got, value);
  });
}

/// It succeeds or it does not (MPI 3.1, section 3.8.4): either the receiver has the message or the sender the cancel.
CASE(cancel_send) {
  c.each_link(Needs::both, [&](const Pair& p) {
    int value = number(p.from), cancelled = -1;
    MPI_Request request;
    MPI_Status status;
    if (p.sender) {
      CALL(MPI_Issend(&value, 1, MPI_INT, p.to, p.tag, kWorld, &request));
      CALL(MPI_Cancel(&request));
      // The other side receives in any case; a cancelled message is sent again.
      int flag = 0;
      CALL(MPI_Send(&flag, 1, MPI_INT, p.to, p.tag + 1, kWorld));
      CALL(MPI_Wait(&request, &status));
      CALL(MPI_Test_cancelled(&status, &cancelled));
      if (cancelled != 0) CALL(MPI_Send(&value, 1, MPI_INT, p.to, p.tag, kWorld));
      return;
    }
    int got = -1;
    CALL(MPI_Recv(&got, 1, MPI_INT, p.from, p.tag + 1, kWorld, MPI_STATUS_IGNORE));
    CALL(MPI_Recv(&got, 1, MPI_INT, p.from, p.tag, kWorld, MPI_STATUS_IGNORE));
    CHECK_EQ(got, value);
  });
}

}  // namespace
}  // namespace sluice::conformance
