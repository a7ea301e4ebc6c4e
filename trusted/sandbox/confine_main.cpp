// sluice-confine GATE RULES|- PROCESSES FILTER LISTENER|- PROGRAM [ARGUMENT...]: the first program in every sandbox.
// Says over the socket at descriptor GATE that the sandbox is there, and waits until it may go on. Confines itself by
// the Landlock rules of the file (- for none), to so many processes and threads, and by the system-call filter open at
// descriptor FILTER, whose listener it sends over the socket at descriptor LISTENER (- for none). Then it becomes the
// program, as which everything in the sandbox is confined.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "trusted/base/fd.hpp"
#include "trusted/sandbox/landlock.hpp"
#include "trusted/sandbox/listener.hpp"

namespace {

constexpr int kFailed = 126;

int fail(const std::string& what) {
  static_cast<void>(std::fprintf(stderr, "sluice-confine: %s\n", what.c_str()));
  return kFailed;
}

std::optional<std::string> text_of(const char* path) {
  const sluice::Fd file(::open(path, O_RDONLY | O_CLOEXEC));
  std::string text;
  std::array<char, 4096> block;
  ssize_t got = file ? 1 : -1;
  while (got > 0) {
    got = ::read(file.get(), block.data(), block.size());
    if (got > 0) text.append(block.data(), static_cast<std::size_t>(got));
  }
  return got < 0 ? std::nullopt : std::optional(std::move(text));
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

/// The descriptor of this number.
sluice::Fd given(std::string_view text) {
  int number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return sluice::Fd(error == std::errc{} && end == text.data() + text.size() ? number : -1);
}

/// Until the launcher has hidden what is not for this sandbox.
bool pass(const sluice::Fd& gate) {
  char byte = 'r';
  if (::write(gate.get(), &byte, 1) != 1) return false;
  ssize_t got = 0;
  do {
    got = ::read(gate.get(), &byte, 1);
  } while (got < 0 && errno == EINTR);
  return got == 1;
}

/// Empty, or what went wrong.
std::string deny_calls(const char* program, const char* socket) {
  using namespace sluice::sandbox;  // NOLINT(google-build-using-namespace)
  const sluice::Fd filter = given(program);
  if (std::strcmp(socket, "-") == 0) {
    const auto loaded = load_filter(filter);
    return loaded ? "" : loaded.error().what;
  }
  const sluice::Fd other_end = given(socket);
  const auto listener = load_heard_filter(filter);
  if (!listener) return listener.error().what;
  return send_listener(other_end, listener.value()) ? "" : "cannot send the listener of denied calls";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 7) return fail("needs GATE RULES PROCESSES FILTER LISTENER PROGRAM");
  if (!pass(given(argv[1]))) return fail("nobody opens the gate");
  ++argv;
  if (std::strcmp(argv[1], "-") != 0) {
    const auto text = text_of(argv[1]);
    if (!text) return fail(std::string("cannot read ") + argv[1]);
    const auto rules = sluice::sandbox::parse_rules(*text);
    if (!rules || rules.value().empty()) return fail(std::string("cannot use ") + argv[1]);
    const auto enforced = sluice::sandbox::enforce_rules(rules.value());
    if (!enforced) return fail(enforced.error().what);
  }
  if (!limit_processes(argv[2])) return fail("cannot limit processes");
  if (const std::string problem = deny_calls(argv[3], argv[4]); !problem.empty()) return fail(problem);
  ::execv(argv[5], argv + 5);
  return fail(std::string("cannot start ") + argv[5] + ": " + std::strerror(errno));
}
