#include "untrusted/interpose/host_caller.hpp"

#include <link.h>

#include <array>
#include <atomic>
#include <mutex>
#include <string_view>
#include <vector>

namespace sluice::interpose {

namespace {

struct TextRange {
  std::uintptr_t first;
  std::uintptr_t last;
  bool host;
};

/// Text of every loaded object. Rebuilt when an address lies in none: a new object has appeared.
struct TextMap {
  std::mutex mutex;
  std::vector<TextRange> ranges;
};

TextMap& text_map() {
  static TextMap map;
  return map;
}

/// Call sites of the program that have been seen, one for each place. Few, and they hardly ever move.
constexpr std::size_t kSites = 1024;
std::array<std::atomic<std::uintptr_t>, kSites> program_sites;

bool is_host_object(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  static constexpr std::string_view kPrefixes[] = {"libmpi.so", "libopen-rte.so", "libopen-pal.so",
                                                   "libmca_",   "libmpich.so",    "mca_"};
  for (const std::string_view prefix : kPrefixes) {
    if (name.starts_with(prefix)) return true;
  }
  return false;
}

int add_object(dl_phdr_info* object, std::size_t, void* ranges) {
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& part = object->dlpi_phdr[i];
    if (part.p_type != PT_LOAD || (part.p_flags & PF_X) == 0) continue;
    const std::uintptr_t first = object->dlpi_addr + part.p_vaddr;
    static_cast<std::vector<TextRange>*>(ranges)->push_back(
        {first, first + part.p_memsz, is_host_object(object->dlpi_name)});
  }
  return 0;
}

const TextRange* range_of(const std::vector<TextRange>& ranges, std::uintptr_t address) {
  for (const TextRange& range : ranges) {
    if (address >= range.first && address < range.last) return &range;
  }
  return nullptr;
}

bool lies_in_host(std::uintptr_t address) {
  TextMap& map = text_map();
  const std::lock_guard lock(map.mutex);
  const TextRange* range = range_of(map.ranges, address);
  if (range == nullptr) {
    map.ranges.clear();
    ::dl_iterate_phdr(add_object, &map.ranges);
    range = range_of(map.ranges, address);
  }
  return range != nullptr && range->host;
}

/// The first object is the program.
int take_text(dl_phdr_info* object, std::size_t, void*) {
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& part = object->dlpi_phdr[i];
    if (part.p_type == PT_LOAD && (part.p_flags & PF_X) != 0) {
      const std::uintptr_t first = object->dlpi_addr + part.p_vaddr;
      program_text = {first, first + part.p_memsz};
    }
  }
  return 1;
}

}  // namespace

thread_local constinit const void* call_site = nullptr;
ProgramText program_text;

void find_program_text() { ::dl_iterate_phdr(take_text, nullptr); }

bool called_by_host(const void* return_address) {
  const auto address = reinterpret_cast<std::uintptr_t>(return_address);
  std::atomic<std::uintptr_t>& site = program_sites[(address ^ address >> 12) % kSites];
  if (site.load(std::memory_order_relaxed) == address) [[likely]]
    return false;
  if (lies_in_host(address)) return true;
  site.store(address, std::memory_order_relaxed);
  return false;
}

}  // namespace sluice::interpose
