// What a low subject writes down of what it can observe without a clock.
#pragma once

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/subjects.hpp"

namespace sluice::testing {

class Trace {
 public:
  Trace(const char* folder, int rank) : file_(std::string(folder) + "/trace." + std::to_string(rank)) {}

  void code(const char* call, int code) {
    file_ << call << ": " << code << " class " << error_class(code) << " \"" << error_text(code) << "\"\n";
  }

  void status(const char* call, int code, const MPI_Status& status) {
    this->code(call, code);
    int count = -1, cancelled = -1;
    MPI_Get_count(&status, MPI_BYTE, &count);
    MPI_Test_cancelled(&status, &cancelled);
    file_ << "  source " << status.MPI_SOURCE << " tag " << status.MPI_TAG << " count " << count << " cancelled "
          << cancelled << '\n';
  }

  void value(const char* what, long value) { file_ << what << ": " << value << '\n'; }
  void flush() { file_.flush(); }
  void text(const char* what, const std::string& text) { file_ << what << ": " << text << '\n'; }

 private:
  std::ofstream file_;
};

inline MPI_Status cleared() {
  MPI_Status status;
  std::memset(&status, 0x5a, sizeof status);
  return status;
}

/// What a descriptor is: the kind of a socket or the like without its inode, the first folder of a path.
inline std::string kind_of(const std::string& target) {
  return target[0] == '/' ? target.substr(0, target.find('/', 1))
                          : target.substr(0, target.find_first_of("[0123456789"));
}

/// What the open descriptors are, sorted.
inline std::string descriptors() {
  std::vector<std::string> kinds;
  DIR* folder = ::opendir("/proc/self/fd");
  while (const dirent* entry = ::readdir(folder)) {
    char target[512] = "";
    const std::string path = std::string("/proc/self/fd/") + entry->d_name;
    if (::readlink(path.c_str(), target, sizeof target - 1) > 0) {
      kinds.push_back(kind_of(target));
    }
  }
  ::closedir(folder);
  std::sort(kinds.begin(), kinds.end());
  std::string all;
  for (const std::string& kind : kinds) all += kind + ' ';
  return all;
}

/// With `hold FILE` as the last two arguments: waits until the file is there and starts this program again without
/// them.
inline void start_again_when_watched(int argc, char** argv) {
  if (argc < 3 || std::strcmp(argv[argc - 2], "hold") != 0) return;
  const char* file = argv[argc - 1];
  CHECK(await([file] { return ::access(file, F_OK) == 0; }, 40));
  argv[argc - 2] = nullptr;
  ::execv(argv[0], argv);
  std::perror("execv");
  std::_Exit(1);
}

/// Half-way: the harness does to the high side what it will, and then makes the file.
inline void wait_for_gate(const Job& job, const char* gate) {
  static const char kSaid[] = "half way\n";
  if (job.rank() == 0) CHECK_EQ(::write(STDOUT_FILENO, kSaid, sizeof kSaid - 1), sizeof kSaid - 1);
  CHECK(await([gate] { return ::access(gate, F_OK) == 0; }, 40));
}

/// MPI_Finalize and the exit code.
inline int end_of(const Job& job, Trace& trace) {
  trace.flush();
  static_cast<void>(::getppid());  // a mark for whoever watches system calls
  const int finalized = MPI_Finalize();
  if (job.rank() != 0) return 0;  // and may be ended as soon as rank 0 has: its status is not 0
  trace.value("Finalize", finalized);
  // A status of its own, so that the comparison of exit codes means something.
  return Verdict::get().finish() == 0 ? 3 : 1;
}

}  // namespace sluice::testing
