#include "cli/output.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "cli/exit_codes.hpp"

namespace sluice::cli {

policy::Colour colour() {
  const char* no_color = std::getenv("NO_COLOR");
  const bool wanted = ::isatty(STDOUT_FILENO) == 1 && (no_color == nullptr || *no_color == '\0');
  return wanted ? policy::Colour::yes : policy::Colour::no;
}

int print(std::string_view text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  return written ? kExitOk : fail("cannot write to standard output", kExitMissing);
}

int refuse(const policy::Refusal& refusal, const std::string& file, bool json) {
  const int code = refusal.kind == policy::LoadError::unreadable ? kExitMissing : kExitMistakes;
  if (json) {
    const int printed = print(policy::refusal_json(refusal, file));
    return printed == kExitOk ? code : printed;
  }
  const std::string text = policy::describe(refusal, file);
  std::fwrite(text.data(), 1, text.size(), stderr);
  if (code == kExitMistakes) {
    const std::string count = policy::counted(refusal.mistakes.size(), "mistake");
    std::fprintf(stderr, "%s in %s\n", count.c_str(), file.c_str());
  }
  return code;
}

int fail(std::string_view message, int exit_code) {
  std::fprintf(stderr, "sluice: %.*s\n", static_cast<int>(message.size()), message.data());
  return exit_code;
}

}  // namespace sluice::cli
