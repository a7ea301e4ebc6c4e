// Several threads in MPI at the same time (MPI 3.1, section 12.4).
#include <array>
#include <thread>
#include <vector>

#include "tests/conformance/harness.hpp"

namespace sluice::conformance {
namespace {

const MPI_Comm kWorld = MPI_COMM_WORLD;
constexpr int kThreads = 3, kMessages = 20;

/// Fails without throwing: threads have nobody to catch it.
void good(int code, const char* what) {
  if (code != MPI_SUCCESS) fail(__FILE__, __LINE__, std::string(what) + ": " + text_of(code));
}

/// Each thread has a tag of its own.
THREADS_CASE(threads_send_and_receive) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    if (!c.flow(p.from, p.to)) return;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&p, t] {
        for (int i = 0; i < kMessages; ++i) {
          int value = number(p.from, t, i);
          if (p.sender) {
            good(MPI_Send(&value, 1, MPI_INT, p.to, p.tag + t, kWorld), "MPI_Send");
            continue;
          }
          MPI_Status status;
          value = -1;
          good(MPI_Recv(&value, 1, MPI_INT, i % 2 == 0 ? p.from : MPI_ANY_SOURCE, p.tag + t, kWorld, &status),
               "MPI_Recv");
          CHECK_EQ(value, number(p.from, t, i));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  });
}

/// Threads that wait in different calls for different requests.
THREADS_CASE(threads_wait) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    if (!c.flow(p.from, p.to)) return;
    if (p.sender) {
      for (int t = kThreads; t-- > 0;) {
        const int value = number(p.from, t);
        CALL(MPI_Send(&value, 1, MPI_INT, p.to, p.tag + t, kWorld));
      }
      return;
    }
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&p, t] {
        int value = -1, index = -1, flag = 0;
        MPI_Request request;
        good(MPI_Irecv(&value, 1, MPI_INT, p.from, p.tag + t, kWorld, &request), "MPI_Irecv");
        if (t == 0) good(MPI_Wait(&request, MPI_STATUS_IGNORE), "MPI_Wait");
        if (t == 1) good(MPI_Waitany(1, &request, &index, MPI_STATUS_IGNORE), "MPI_Waitany");
        while (t == 2 && flag == 0) {
          good(MPI_Test(&request, &flag, MPI_STATUS_IGNORE), "MPI_Test");
          std::this_thread::yield();
        }
        CHECK_EQ(value, number(p.from, t));
      });
    }
    for (std::thread& thread : threads) thread.join();
  });
}

THREADS_CASE(threads_level) {
  int level = -1, main = 0;
  CALL(MPI_Query_thread(&level));
  CHECK_EQ(level, MPI_THREAD_MULTIPLE);
  CALL(MPI_Is_thread_main(&main));
  CHECK(main != 0);
  std::thread([] {
    int other = -1;
    good(MPI_Is_thread_main(&other), "MPI_Is_thread_main");
    CHECK_EQ(other, 0);
  }).join();
}

}  // namespace
}  // namespace sluice::conformance
