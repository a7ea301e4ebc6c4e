// Fuzz target. Covers: table::decode, table::check, and what the guard derives from a table that decodes:
// capabilities, inflows, segment_count, privilege_table, encode.
#include <algorithm>
#include <cstdlib>

#include "trusted/table/table.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice::table;
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto table = decode(bytes);
  if (!table.ok()) return 0;
  for (std::uint32_t i = 0; i < table.value().subjects.size(); ++i) {
    if (privilege_table(table.value(), i).empty()) std::abort();
    for (const Capability& capability : capabilities(table.value(), i)) {
      if (capability.flow >= table.value().flows.size()) std::abort();
    }
    for (const std::uint32_t flow : inflows(table.value(), i)) {
      if (segment_count(table.value(), table.value().flows[flow]) == 0) std::abort();
    }
  }
  const std::vector<std::byte> again = encode(table.value());
  if (again.size() != size || !std::equal(again.begin(), again.end(), bytes.begin())) std::abort();
  return 0;
}
