// sluice-mirror ROOT_FD FUSE_FD SECONDS direct|cached: serves one mount of one sandbox (mirror.hpp). Started by the
// launcher.
#include <signal.h>
#include <sys/prctl.h>

#include <charconv>
#include <optional>
#include <string_view>

#include "trusted/mirror/mirror.hpp"

namespace {

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const auto root = number(argv[1]);
  const auto fuse = number(argv[2]);
  const auto seconds = number(argv[3]);
  const std::string_view how = argv[4];
  if (!root || !fuse || !seconds || (how != "direct" && how != "cached")) return 2;
  ::signal(SIGPIPE, SIG_IGN);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return 1;
  return sluice::mirror::serve(sluice::Fd(*root), sluice::Fd(*fuse), *seconds,
                               how == "direct" ? sluice::mirror::Reading::direct : sluice::mirror::Reading::cached);
}
