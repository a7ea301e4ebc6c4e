// What the hostile ranks have in common: a rank without the library that joins the run, shows that its way to the
// victim is open, and then does what its name says.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "tests/support/raw_rank.hpp"

namespace sluice::attacks {

using testing::RawRank;

/// Tag and text of the one honest message that each hostile sender begins with. It is the positive control: the
/// victim must get it.
inline constexpr std::int32_t kProbeTag = 7;
inline constexpr char kProbeText[] = "probe";

/// Tag of the messages that honest subjects exchange meanwhile; they are numbered and patterned.
inline constexpr std::int32_t kHonestTag = 8;

/// Where the host MPI has put this process.
struct Place {
  std::uint32_t rank = 0;
  std::uint32_t size = 1;

  static Place from_environment() {
    const auto number = [](const char* openmpi, const char* mpich, std::uint32_t otherwise) {
      const char* text = std::getenv(openmpi);
      if (text == nullptr) text = std::getenv(mpich);
      return text != nullptr ? static_cast<std::uint32_t>(std::strtoul(text, nullptr, 10)) : otherwise;
    };
    return {number("OMPI_COMM_WORLD_RANK", "PMI_RANK", 0), number("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", 1)};
  }
};

/// Prints a line at once: the process may not live long.
inline void say(const std::string& text) {
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

/// One kind of misbehaviour, chosen by its name on the command line.
struct Misdeed {
  const char* name;
  std::function<void(RawRank&)> act;
};

/// Joins as this process's rank. Exits with 3 if the guard does not welcome it.
inline void join(RawRank& rank) {
  const Place place = Place::from_environment();
  rank.own_rank_in_subject_ = place.rank;
  if (rank.join(wire::kGuardSocketPath, place.rank, place.size) != wire::GreetingVerdict::welcome) {
    say("NOT WELCOME");
    std::exit(3);
  }
  say("JOINED");
}

/// Descriptors and mappings of mailboxes that this process has.
inline int count_mailboxes() {
  int count = 0;
  for (int fd = 0; fd < 1024; ++fd) {
    char link[256] = {};
    const std::string place = "/proc/self/fd/" + std::to_string(fd);
    if (::readlink(place.c_str(), link, sizeof link - 1) > 0 && std::strstr(link, "sluice-mailbox") != nullptr) ++count;
  }
  std::FILE* maps = std::fopen("/proc/self/maps", "r");
  char line[1024];
  while (maps != nullptr && std::fgets(line, sizeof line, maps) != nullptr) {
    if (std::strstr(line, "sluice-mailbox") != nullptr) ++count;
  }
  if (maps != nullptr) std::fclose(maps);
  return count;
}

/// Sends the probe and waits until the guard has taken it. Exits with 3 if it does not.
inline void send_probe(RawRank& rank) {
  bool taken = rank.send(0, kProbeTag, kProbeText, sizeof kProbeText);
  for (int waited = 0; taken && rank.control()->taken.load() < rank.position(); ++waited) {
    if (waited == 5000) taken = false;
    ::usleep(1000);
  }
  if (taken) return;
  say("PROBE NOT TAKEN");
  std::exit(3);
}

/// The Misdeed that `argv[1]` names; lists all and exits with 2 if there is none.
inline const Misdeed& chosen(const std::vector<Misdeed>& misdeeds, int argc, char** argv) {
  for (const Misdeed& misdeed : misdeeds) {
    if (argc == 2 && std::strcmp(argv[1], misdeed.name) == 0) return misdeed;
  }
  std::fprintf(stderr, "usage: %s MISDEED, one of:\n", argv[0]);
  for (const Misdeed& misdeed : misdeeds) std::fprintf(stderr, "  %s\n", misdeed.name);
  std::exit(2);
}

}  // namespace sluice::attacks
