#include "trusted/launcher/elf.hpp"

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "trusted/base/fd.hpp"

namespace sluice::launcher {
namespace {

constexpr std::size_t kMaxFile = std::size_t{1} << 30;
constexpr std::size_t kMaxEntries = 4096;

using Bytes = std::span<const std::byte>;

/// The T at `offset`, if it lies in the file.
template <typename T>
std::optional<T> at(Bytes file, std::uint64_t offset) {
  if (offset > file.size() || file.size() - offset < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, file.data() + offset, sizeof(T));
  return value;
}

/// The zero-terminated text at `offset`, if it ends inside the file.
std::optional<std::string> text_at(Bytes file, std::uint64_t offset) {
  if (offset >= file.size()) return std::nullopt;
  const std::string_view rest(reinterpret_cast<const char*>(file.data()) + offset, file.size() - offset);
  const std::size_t end = rest.find('\0');
  if (end == std::string_view::npos) return std::nullopt;
  return std::string(rest.substr(0, end));
}

std::optional<std::vector<Elf64_Phdr>> program_headers(Bytes file, const Elf64_Ehdr& header) {
  std::vector<Elf64_Phdr> result;
  if (header.e_phnum > kMaxEntries || (header.e_phnum > 0 && header.e_phentsize != sizeof(Elf64_Phdr)))
    return std::nullopt;
  for (std::uint64_t i = 0; i < header.e_phnum; ++i) {
    const auto entry = at<Elf64_Phdr>(file, header.e_phoff + i * sizeof(Elf64_Phdr));
    if (!entry) return std::nullopt;
    result.push_back(*entry);
  }
  return result;
}

/// File offset of a virtual address.
std::optional<std::uint64_t> offset_of(const std::vector<Elf64_Phdr>& headers, std::uint64_t address) {
  for (const Elf64_Phdr& segment : headers) {
    if (segment.p_type == PT_LOAD && address >= segment.p_vaddr && address - segment.p_vaddr < segment.p_filesz) {
      return segment.p_offset + (address - segment.p_vaddr);
    }
  }
  return std::nullopt;
}

void add_paths(std::vector<std::string>& paths, const std::string& list) {
  std::size_t start = 0;
  while (start <= list.size()) {
    const std::size_t end = std::min(list.find(':', start), list.size());
    if (end > start) paths.push_back(list.substr(start, end - start));
    start = end + 1;
  }
}

Result<Dependencies, ElfError> read_dynamic(Bytes file, const std::vector<Elf64_Phdr>& headers,
                                            const Elf64_Phdr& dynamic) {
  std::vector<Elf64_Dyn> entries;
  std::optional<std::uint64_t> strings;
  for (std::uint64_t i = 0; i < dynamic.p_filesz / sizeof(Elf64_Dyn) && i < kMaxEntries; ++i) {
    const auto entry = at<Elf64_Dyn>(file, dynamic.p_offset + i * sizeof(Elf64_Dyn));
    if (!entry) return ElfError::malformed;
    if (entry->d_tag == DT_NULL) break;
    if (entry->d_tag == DT_STRTAB) strings = offset_of(headers, entry->d_un.d_ptr);
    entries.push_back(*entry);
  }
  Dependencies result;
  for (const Elf64_Dyn& entry : entries) {
    const bool needed = entry.d_tag == DT_NEEDED;
    if (!needed && entry.d_tag != DT_RPATH && entry.d_tag != DT_RUNPATH) continue;
    if (!strings || entry.d_un.d_val > file.size()) return ElfError::malformed;
    const auto text = text_at(file, *strings + entry.d_un.d_val);
    if (!text) return ElfError::malformed;
    if (needed) {
      result.needed.push_back(*text);
    } else {
      add_paths(result.paths, *text);
    }
  }
  return result;
}

}  // namespace

Result<Dependencies, ElfError> read_dependencies(Bytes file) {
  const auto header = at<Elf64_Ehdr>(file, 0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_ident[EI_CLASS] != ELFCLASS64 ||
      header->e_ident[EI_DATA] != ELFDATA2LSB) {
    return ElfError::not_elf;
  }
  const auto headers = program_headers(file, *header);
  if (!headers) return ElfError::malformed;
  for (const Elf64_Phdr& segment : *headers) {
    if (segment.p_type == PT_DYNAMIC) return read_dynamic(file, *headers, segment);
  }
  return Dependencies{};
}

Result<Dependencies, ElfError> read_dependencies(const std::string& path) {
  const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!file || fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return ElfError::unreadable;
  const std::size_t size = std::min(static_cast<std::size_t>(status.st_size), kMaxFile);
  if (size == 0) return ElfError::not_elf;
  void* data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (data == MAP_FAILED) return ElfError::unreadable;
  auto result = read_dependencies(Bytes(static_cast<const std::byte*>(data), size));
  munmap(data, size);
  return result;
}

}  // namespace sluice::launcher
