// Where a test program is in its run, and short forms of the MPI calls that tests make all the time.
#pragma once

#include <mpi.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "include/mpix_sluice.h"
#include "tests/support/checks.hpp"

namespace sluice::testing {

/// Initialises MPI, lets MPI_COMM_WORLD return its errors, and names the process for messages.
class Job {
 public:
  /// `seconds`: the process ends itself after that.
  explicit Job(int* argc, char*** argv, unsigned seconds = 60, int threads = MPI_THREAD_SINGLE) {
    if (threads == MPI_THREAD_SINGLE) {
      MPI_Init(argc, argv);
    } else {
      MPI_Init_thread(argc, argv, threads, &threads_);
    }
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
    MPIX_Subject_mine(&subject_);
    Verdict::get().start(name_of(subject_) + " rank " + std::to_string(rank_), seconds);
  }

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }
  [[nodiscard]] int subject() const { return subject_; }
  [[nodiscard]] int threads() const { return threads_; }
  [[nodiscard]] std::string name() const { return name_of(subject_); }
  [[nodiscard]] bool is(const char* name) const { return name_of(subject_) == name; }

  [[nodiscard]] static std::string name_of(int subject) {
    char name[MPIX_MAX_SUBJECT_NAME] = "";
    MPIX_Subject_name(subject, name);
    return name;
  }

  /// First world rank of the subject called `name`, plus `offset`. -1 if there is no such subject.
  [[nodiscard]] static int rank_of(const std::string& name, int offset = 0) {
    int count = 0;
    MPIX_Subject_count(&count);
    for (int subject = 0; subject < count; ++subject) {
      int first = -1;
      if (name_of(subject) == name && MPIX_Subject_ranks(subject, &first, nullptr) == MPI_SUCCESS)
        return first + offset;
    }
    return -1;
  }

  /// Own rank inside the subject.
  [[nodiscard]] int inner() const {
    int first = 0;
    MPIX_Subject_ranks(subject_, &first, nullptr);
    return rank_ - first;
  }

  /// MPI_Finalize and the exit code.
  static int finish() {
    const int code = Verdict::get().finish();
    MPI_Finalize();
    return code;
  }

 private:
  int rank_ = -1;
  int size_ = 0;
  int subject_ = -1;
  int threads_ = MPI_THREAD_SINGLE;
};

inline int error_class(int code) {
  int result = -1;
  MPI_Error_class(code, &result);
  return result;
}

inline std::string error_text(int code) {
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(code, text, &length);
  return text;
}

/// A number that depends on all of its arguments (splitmix64).
inline std::uint64_t mixed(std::uint64_t seed, std::uint64_t index) {
  std::uint64_t z = seed + (index + 1) * 0x9e3779b97f4a7c15U;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

/// The payload that belongs to `seed`.
inline std::vector<std::byte> payload(std::uint64_t seed, std::size_t bytes) {
  std::vector<std::byte> data(bytes);
  for (std::size_t at = 0; at < bytes; at += sizeof(std::uint64_t)) {
    const std::uint64_t word = mixed(seed, at);
    std::memcpy(data.data() + at, &word, bytes - at < sizeof word ? bytes - at : sizeof word);
  }
  return data;
}

inline int send_bytes(const std::vector<std::byte>& data, int to, int tag) {
  return MPI_Send(data.data(), static_cast<int>(data.size()), MPI_BYTE, to, tag, MPI_COMM_WORLD);
}

inline int send_int(int value, int to, int tag) { return MPI_Send(&value, 1, MPI_INT, to, tag, MPI_COMM_WORLD); }

/// Receives one int; -1 if that failed.
inline int receive_int(int from, int tag, MPI_Status* status = MPI_STATUS_IGNORE) {
  int value = -1;
  CHECK_EQ(MPI_Recv(&value, 1, MPI_INT, from, tag, MPI_COMM_WORLD, status), MPI_SUCCESS);
  return value;
}

/// Barrier between two world ranks that may send to each other.
inline void meet(int other) {
  constexpr int kMeetTag = 32000;
  CHECK_EQ(send_int(1, other, kMeetTag), MPI_SUCCESS);
  receive_int(other, kMeetTag);
}

}  // namespace sluice::testing
