#include "trusted/launcher/host_mpi.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace sluice::launcher {
namespace {

namespace fs = std::filesystem;

class DetectHostMpi : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/sluice-host-mpi-test-XXXXXX";
    ASSERT_NE(mkdtemp(pattern), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return folder_ / name;
  }

  fs::path folder_;
};

TEST_F(DetectHostMpi, OfLibrariesOfBoth) {
  const auto openmpi = detect_host_mpi(SLUICE_TEST_OPENMPI_PROGRAM);
  ASSERT_TRUE(openmpi.ok()) << openmpi.error();
  EXPECT_EQ(openmpi.value(), HostMpi::openmpi);
  const auto mpich = detect_host_mpi(SLUICE_TEST_MPICH_PROGRAM);
  ASSERT_TRUE(mpich.ok()) << mpich.error();
  EXPECT_EQ(mpich.value(), HostMpi::mpich);
}

TEST_F(DetectHostMpi, SaysWhatToWriteWhereItCannotTell) {
  for (const fs::path& image : {fs::path("/usr/bin/env"), write("note", "no program\n"), folder_ / "absent",
                                write("loop", "#!" + (folder_ / "loop").string() + "\n")}) {
    const auto result = detect_host_mpi(image);
    ASSERT_FALSE(result.ok()) << image;
    EXPECT_NE(result.error().find("write `mpi: openmpi` or `mpi: mpich`"), std::string::npos) << result.error();
  }
}

TEST_F(DetectHostMpi, FollowsAScript) {
  const auto script = write("script", std::string("#!") + SLUICE_TEST_MPICH_PROGRAM + "\n");
  const auto result = detect_host_mpi(script);
  ASSERT_TRUE(result.ok()) << result.error();
  EXPECT_EQ(result.value(), HostMpi::mpich);
}

TEST_F(DetectHostMpi, PythonOfTheSystemByItsMpi4py) {
  if (!fs::exists("/usr/lib/python3/dist-packages/mpi4py")) FAIL() << "this test needs the package python3-mpi4py";
  for (const char* line : {"#!/usr/bin/python3\n", "#!/usr/bin/env python3\n", "#!/usr/bin/env -S python3 -u\n"}) {
    if (fs::exists("/usr/local/bin/python3") && std::string(line).find("env") != std::string::npos) continue;
    const auto result = detect_host_mpi(write("script.py", line));
    ASSERT_TRUE(result.ok()) << result.error();
    EXPECT_EQ(result.value(), HostMpi::openmpi);
  }
}

TEST(MpiexecCommand, PreloadsIntoImagesOnly) {
  const auto openmpi = mpiexec_command(HostMpi::openmpi, 2, "/lib/x.so", "/img", {"-x", "a b"});
  EXPECT_EQ(openmpi, (std::vector<std::string>{"/usr/bin/mpiexec.openmpi", "--bind-to", "none", "--oversubscribe", "-n",
                                               "2", "/run/sluice/rank", "OMPI_COMM_WORLD_RANK", "--preload=/lib/x.so",
                                               "/img", "-x", "a b"}));
  const auto mpich = mpiexec_command(HostMpi::mpich, 3, "", "/img", {});
  EXPECT_EQ(mpich, (std::vector<std::string>{"/usr/bin/mpiexec.mpich", "-bind-to", "none", "-n", "3",
                                             "/run/sluice/rank", "PMI_RANK", "/img"}));
}

}  // namespace
}  // namespace sluice::launcher
