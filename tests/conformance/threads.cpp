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

/// Sends and receives of several threads complete together with those of the others.
THREADS_CASE(threads_nonblocking) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    if (!c.flow(p.from, p.to)) return;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&p, t] {
        std::array<int, kMessages> values{};
        std::array<MPI_Request, kMessages> requests;
        for (int i = 0; i < kMessages; ++i) {
          const auto place = static_cast<std::size_t>(i);
          values[place] = p.sender ? number(p.from, t, i) : -1;
          good(p.sender ? MPI_Isend(&values[place], 1, MPI_INT, p.to, p.tag + t, kWorld, &requests[place])
                        : MPI_Irecv(&values[place], 1, MPI_INT, p.from, p.tag + t, kWorld, &requests[place]),
               "MPI_Isend or MPI_Irecv");
        }
        good(MPI_Waitall(kMessages, requests.data(), MPI_STATUSES_IGNORE), "MPI_Waitall");
        for (int i = 0; i < kMessages; ++i) CHECK_EQ(values[static_cast<std::size_t>(i)], number(p.from, t, i));
      });
    }
    for (std::thread& thread : threads) thread.join();
  });
}

/// Each thread makes communicators from one of its own, and uses them.
THREADS_CASE(threads_communicators) {
  if (!c.all_both()) return;
  std::array<MPI_Comm, kThreads> own;
  for (MPI_Comm& comm : own) CALL(MPI_Comm_dup(kWorld, &comm));
  std::vector<std::thread> threads;
  for (const MPI_Comm mine : own) {
    threads.emplace_back([&c, mine] {
      for (int round = 0; round < 3; ++round) {
        MPI_Comm copy, half;
        good(MPI_Comm_dup(mine, &copy), "MPI_Comm_dup");
        good(MPI_Comm_split(mine, c.rank % 2, -c.rank, &half), "MPI_Comm_split");
        int sum = -1, size = -1, value = c.rank + round;
        good(MPI_Allreduce(&value, &sum, 1, MPI_INT, MPI_SUM, copy), "MPI_Allreduce");
        CHECK_EQ(sum, c.size * (c.size - 1) / 2 + c.size * round);
        good(MPI_Comm_size(half, &size), "MPI_Comm_size");
        CHECK_EQ(size, (c.size + (c.rank % 2 == 0 ? 1 : 0)) / 2);
        good(MPI_Bcast(&value, 1, MPI_INT, 0, half), "MPI_Bcast");
        CHECK_EQ(value, c.size - 1 - (c.rank + c.size - 1) % 2 + round);
        good(MPI_Comm_free(&copy), "MPI_Comm_free");
        good(MPI_Comm_free(&half), "MPI_Comm_free");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (MPI_Comm& comm : own) CALL(MPI_Comm_free(&comm));
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
