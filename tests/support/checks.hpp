// Checks for MPI test programs. A failed check does not end the program: it says where and in which case, and the
// verdict at the end counts it.
#pragma once

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>

namespace sluice::testing {

class Verdict {
 public:
  static Verdict& get() {
    static Verdict verdict;
    return verdict;
  }

  /// Names this process in messages. The process ends itself `seconds` from now: nothing hangs.
  void start(const std::string& who, unsigned seconds) {
    who_ = who;
    std::signal(SIGALRM, [](int) {
      static const char text[] = "FAILED: out of time in case ";
      static_cast<void>(!::write(2, text, sizeof text - 1));
      static_cast<void>(!::write(2, case_, std::strlen(case_)));
      static_cast<void>(!::write(2, "\n", 1));
      ::_exit(9);
    });
    ::alarm(seconds);
  }

  /// The checks that follow belong to `name`, which must be a literal.
  void begin(const char* name) { case_ = name; }

  bool check(bool good, const char* expression, const std::string& detail, const char* file, int line) {
    ++checks_;
    if (good) return true;
    if (++failures_ <= kMostShown) {
      std::fprintf(stderr, "FAILED %s in %s: %s:%d: %s %s\n", who_.c_str(), case_, file, line, expression,
                   detail.c_str());
    }
    return false;
  }

  /// One line for the harness, and the exit code.
  int finish() const {
    const int failed = failures_;
    std::printf("%s %s: %d checks, %d failed\n", failed == 0 ? "PASSED" : "FAILED", who_.c_str(), checks_.load(),
                failed);
    std::fflush(stdout);
    return failed == 0 ? 0 : 1;
  }

 private:
  static constexpr int kMostShown = 20;
  std::string who_;
  inline static const char* case_ = "start";
  std::atomic<int> checks_ = 0;
  std::atomic<int> failures_ = 0;
};

template <typename T>
std::string shown(const T& value) {
  if constexpr (std::is_arithmetic_v<T>) {
    return std::to_string(value);
  } else if constexpr (std::is_convertible_v<T, std::string>) {
    return std::string(value);
  } else {
    return "(not shown)";
  }
}

template <typename A, typename B>
bool equal(const A& a, const B& b) {
  if constexpr (std::is_integral_v<A> && std::is_integral_v<B> && !std::is_same_v<A, bool> &&
                !std::is_same_v<B, bool>) {
    return std::cmp_equal(a, b);
  } else {
    return a == b;
  }
}

template <typename A, typename B>
bool check_equal(const A& a, const B& b, const char* expression, const char* file, int line) {
  const bool good = equal(a, b);
  return Verdict::get().check(good, expression, good ? "" : "; they are " + shown(a) + " and " + shown(b), file, line);
}

/// Calls `ready` until it returns true or `seconds` are over; returns whether it did.
template <typename Ready>
bool await(Ready&& ready, double seconds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (!ready()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    ::usleep(1000);
  }
  return true;
}

}  // namespace sluice::testing

// Both give the result, so that a case can stop where going on makes no sense.
#define CHECK(condition) ::sluice::testing::Verdict::get().check((condition), #condition, "", __FILE__, __LINE__)
#define CHECK_EQ(a, b) ::sluice::testing::check_equal((a), (b), #a " == " #b, __FILE__, __LINE__)
