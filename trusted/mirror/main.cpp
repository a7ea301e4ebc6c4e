// sluice-mirror (ROOT_FD FUSE_FD SECONDS direct|cached)...: serves mounts of one sandbox (mirror.hpp), each in a thread
// of its own. Started by the launcher.
#include <signal.h>
#include <sys/prctl.h>

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "trusted/mirror/mirror.hpp"

namespace {

using sluice::mirror::Reading;

constexpr int kWordsOfMount = 4;

/// One mount, as the command line tells of it.
struct Mount {
  int root = -1;
  int fuse = -1;
  int seconds = 0;
  Reading reading = Reading::direct;
};

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

std::optional<Mount> mount_of(char** words) {
  const auto root = number(words[0]);
  const auto fuse = number(words[1]);
  const auto seconds = number(words[2]);
  const std::string_view how = words[3];
  if (!root || !fuse || !seconds || (how != "direct" && how != "cached")) return std::nullopt;
  return Mount{*root, *fuse, *seconds, how == "direct" ? Reading::direct : Reading::cached};
}

int serve(const Mount& mount) {
  return sluice::mirror::serve(sluice::Fd(mount.root), sluice::Fd(mount.fuse), mount.seconds, mount.reading);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 1 + kWordsOfMount || (argc - 1) % kWordsOfMount != 0) return 2;
  std::vector<Mount> mounts;
  for (int i = 1; i < argc; i += kWordsOfMount) {
    const auto mount = mount_of(argv + i);
    if (!mount) return 2;
    mounts.push_back(*mount);
  }
  ::signal(SIGPIPE, SIG_IGN);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return 1;
  std::vector<std::thread> others;
  try {
    for (std::size_t i = 1; i < mounts.size(); ++i) others.emplace_back([&mounts, i] { serve(mounts[i]); });
  } catch (const std::system_error&) {
    return 1;
  }
  const int result = serve(mounts.front());
  for (std::thread& other : others) other.join();
  return result;
}
