// sluice-confine RULES|- PROCESSES PROGRAM [ARGUMENT...]: the first program in every sandbox. Confines itself by the
// Landlock rules of the file (- for none) and to so many processes and threads, then becomes the program, as which
// everything in the sandbox is confined.
#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include "trusted/sandbox/landlock.hpp"

namespace {

constexpr int kFailed = 126;

int fail(const std::string& what) {
  static_cast<void>(std::fprintf(stderr, "sluice-confine: %s\n", what.c_str()));
  return kFailed;
}

/// Counted in the sandbox's own user namespace (Linux 5.14), so other subjects' processes are no part of it.
bool limit_processes(std::string_view text) {
  rlim_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number == 0) return false;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NPROC, &limit) != 0) return false;
  if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < number) number = limit.rlim_max;
  limit = {number, number};
  return ::setrlimit(RLIMIT_NPROC, &limit) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return fail("needs RULES PROCESSES PROGRAM");
  if (std::strcmp(argv[1], "-") != 0) {
    std::ifstream file(argv[1], std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    const auto rules = sluice::sandbox::parse_rules(text.view());
    if (!file || !rules || rules.value().empty()) return fail(std::string("cannot read ") + argv[1]);
    const auto enforced = sluice::sandbox::enforce_rules(rules.value());
    if (!enforced) return fail(enforced.error().what);
  }
  if (!limit_processes(argv[2])) return fail("cannot limit processes");
  ::execv(argv[3], argv + 3);
  return fail(std::string("cannot start ") + argv[3] + ": " + std::strerror(errno));
}
