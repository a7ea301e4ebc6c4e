#include "trusted/sandbox/limit_group.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "trusted/sandbox/probe.hpp"

namespace sluice::sandbox {
namespace {

namespace fs = std::filesystem;

constexpr char kMountsOne[] =
    "24 1 0:22 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
    "25 1 0:23 / /sys/fs/cgroup/memory rw,nosuid shared:9 - cgroup cgroup rw,memory\n"
    "26 1 0:24 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

TEST(FindMemoryGroup, VersionOne) {
  const auto place = find_memory_group("3:cpu,cpuacct:/x\n4:memory:/job/7\n0::/scope\n", kMountsOne);
  ASSERT_TRUE(place);
  EXPECT_EQ(place.value().version, 1);
  EXPECT_EQ(place.value().folder, "/sys/fs/cgroup/memory/job/7");
}

TEST(FindMemoryGroup, VersionTwoAndAMountOfAPart) {
  const auto place =
      find_memory_group("0::/user.slice/a.scope\n", "30 1 0:24 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  ASSERT_TRUE(place);
  EXPECT_EQ(place.value().version, 2);
  EXPECT_EQ(place.value().folder, "/sys/fs/cgroup/user.slice/a.scope");
  const auto part =
      find_memory_group("0::/docker/7/in\n", "30 1 0:24 /docker/7 /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  ASSERT_TRUE(part);
  EXPECT_EQ(part.value().folder, "/sys/fs/cgroup/in");
}

TEST(FindMemoryGroup, NoneIsAProblemOfTheHostWithAWayOut) {
  for (const char* mounts : {"", "25 1 0:23 / /proc rw - proc proc rw\n", "broken"}) {
    const auto place = find_memory_group("4:memory:/\n", mounts);
    ASSERT_FALSE(place);
    EXPECT_EQ(place.error().kind, ProblemKind::host);
    EXPECT_FALSE(place.error().mend.empty());
  }
}

/// Touches memory until the kernel ends this process, or `bytes` are there.
int take(std::size_t bytes) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return errno;
  std::memset(memory, 1, bytes);
  return 0;
}

TEST(LimitGroup, EndsWhoNeedsMoreAndNobodyElse) {
  const auto place = find_memory_group();
  if (!place) {
    // An ordinary user, or a host without: that must be said.
    EXPECT_EQ(place.error().kind, ProblemKind::host);
    return;
  }
  const std::string name = group_name(::getpid(), 0);
  auto group = LimitGroup::make(place.value(), name, std::uint64_t{256} << 20U);
  ASSERT_TRUE(group) << group.error().what;
  const auto joined = [&](std::size_t bytes) {
    return try_in_child([&] { return ::write(group.value().entrance().get(), "0", 1) == 1 ? take(bytes) : errno; });
  };
  // The control: so much is there for who is not in the group, and a little for who is.
  EXPECT_EQ(try_in_child([] { return take(std::size_t{512} << 20U); }), 0);
  EXPECT_EQ(joined(std::size_t{16} << 20U), 0);
  EXPECT_EQ(group.value().ended_for_memory(), 0U);
  EXPECT_EQ(joined(std::size_t{512} << 20U), EINTR) << "not ended by a signal";
  EXPECT_GT(group.value().ended_for_memory(), 0U);
  EXPECT_EQ(::rmdir((place.value().folder / name).c_str()), 0);
}

}  // namespace
}  // namespace sluice::sandbox
