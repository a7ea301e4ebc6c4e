#include "trusted/launcher/elf.hpp"

#include <elf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

namespace sluice::launcher {
namespace {

/// A minimal ELF file that needs libmpi.so.40 and has the run path $ORIGIN:/opt.
std::vector<std::byte> example() {
  const char strings[] = "\0libmpi.so.40\0$ORIGIN:/opt";
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_phoff = sizeof header;
  header.e_phnum = 2;
  header.e_phentsize = sizeof(Elf64_Phdr);
  const std::uint64_t dynamic_at = sizeof header + 2 * sizeof(Elf64_Phdr);
  const Elf64_Dyn dynamic[] = {
      {DT_NEEDED, {1}}, {DT_RUNPATH, {14}}, {DT_STRTAB, {0x1000 + dynamic_at + 4 * sizeof(Elf64_Dyn)}}, {DT_NULL, {0}}};
  const std::uint64_t size = dynamic_at + sizeof dynamic + sizeof strings;
  Elf64_Phdr headers[2] = {};
  headers[0] = {PT_LOAD, PF_R, 0, 0x1000, 0x1000, size, size, 0x1000};
  headers[1] = {PT_DYNAMIC, PF_R, dynamic_at, 0x1000 + dynamic_at, 0, sizeof dynamic, sizeof dynamic, 8};
  std::vector<std::byte> file(size);
  std::memcpy(file.data(), &header, sizeof header);
  std::memcpy(file.data() + sizeof header, headers, sizeof headers);
  std::memcpy(file.data() + dynamic_at, dynamic, sizeof dynamic);
  std::memcpy(file.data() + dynamic_at + sizeof dynamic, strings, sizeof strings);
  return file;
}

TEST(Elf, ReadsNeedsAndPaths) {
  const auto result = read_dependencies(example());
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result.value().needed, std::vector<std::string>{"libmpi.so.40"});
  EXPECT_EQ(result.value().paths, (std::vector<std::string>{"$ORIGIN", "/opt"}));
}

TEST(Elf, RefusesWhatIsNoElfFile) {
  const std::string script = "#!/bin/sh\n";
  EXPECT_EQ(read_dependencies(std::as_bytes(std::span(script))).error(), ElfError::not_elf);
  EXPECT_EQ(read_dependencies(std::span<const std::byte>()).error(), ElfError::not_elf);
}

TEST(Elf, EveryCutIsAnErrorOrEmpty) {
  const auto file = example();
  for (std::size_t size = 0; size < file.size(); ++size) {
    const auto result = read_dependencies(std::span(file).first(size));
    EXPECT_FALSE(result.ok() && result.value().paths.size() == 2) << size;
  }
}

TEST(Elf, SurvivesDamage) {
  std::mt19937 random(1);
  std::size_t changed = 0;
  for (int i = 0; i < 20000; ++i) {
    auto file = example();
    for (int flips = 0; flips < 3; ++flips) file[random() % file.size()] = static_cast<std::byte>(random());
    const auto result = read_dependencies(file);
    if (!result || result.value().needed != std::vector<std::string>{"libmpi.so.40"}) ++changed;
  }
  EXPECT_GT(changed, 100U);  // the damage does reach what is read
}

TEST(Elf, ReadsTheRunningProgram) {
  const auto result = read_dependencies(std::string("/proc/self/exe"));
  ASSERT_TRUE(result.ok());
  bool libc = false;
  for (const std::string& name : result.value().needed) libc |= name.starts_with("libc.so");
  EXPECT_TRUE(libc);
}

}  // namespace
}  // namespace sluice::launcher
