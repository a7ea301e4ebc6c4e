// A subject that tries to reach another one by everything that Linux offers.
//
//   intruder TARGET-FILE
//
// Waits for TARGET-FILE, which says what the victim has; then tries, and prints a verdict on each attempt.
#include <cstdio>

#include "tests/attacks/attempts.hpp"

int main(int argc, char** argv) {
  using namespace sluice::attacks;  // NOLINT(google-build-using-namespace)
  if (argc != 2) {
    std::fprintf(stderr, "usage: intruder TARGET-FILE\n");
    return 2;
  }
  const Target target = Target::await(argv[1]);
  for (const auto& group : {process_attempts(target), ipc_attempts(target), network_attempts(target),
                            file_attempts(target), kernel_attempts(target), lock_attempts(target)}) {
    run_attempts(group);
  }
  std::printf("INTRUDER DONE\n");
  return 0;
}
