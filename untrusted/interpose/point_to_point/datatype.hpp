// Layouts of MPI datatypes, and packing in pieces that fit the host MPI's int arguments.
//
// Packed elements are their bytes in the order of the type map.
#pragma once

#include <cstddef>
#include <cstdint>

#include "untrusted/interpose/host_mpi.hpp"

namespace sluice::interpose {

/// Without initializers: then the compiler copies it whole, and not in parts that overlap, which a processor waits for.
struct Layout {
  std::uint64_t size;   ///< bytes of data in one element
  std::int64_t extent;  ///< bytes from one element to the next
  int error;            ///< the host's code if the type is no type, else MPI_SUCCESS
  bool contiguous;      ///< elements are their bytes, one after the other, from the buffer's address
  bool predefined;      ///< cannot be freed
};

/// Fills the memory of basic types. Once, before layout_of().
void remember_basic_layouts();

/// Layout of `datatype`. Basic types cost a look-up.
Layout layout_of(MPI_Datatype datatype);

/// The address of element `index` of a buffer.
inline const void* element(const void* buffer, std::int64_t index, const Layout& layout) noexcept {
  // Not pointer arithmetic: the buffer may be MPI_BOTTOM, which points at nothing. Unsigned, as the index may be any.
  const std::uintptr_t address = reinterpret_cast<std::uintptr_t>(buffer) +
                                 static_cast<std::uintptr_t>(index) * static_cast<std::uintptr_t>(layout.extent);
  return reinterpret_cast<const void*>(address);  // NOLINT(performance-no-int-to-ptr)
}

/// How many elements are handled at a time if that is about `bytes` bytes; at least one.
std::int64_t elements_in(std::uint64_t bytes, const Layout& layout) noexcept;

/// Packs `count` elements from element `first` on into `packed`, which has room for their bytes. Returns an MPI error.
int pack(const void* buffer, std::int64_t first, std::int64_t count, MPI_Datatype datatype, const Layout& layout,
         std::byte* packed);

/// Unpacks `bytes` bytes of elements into `buffer`. The last element may be a partial one. Returns an MPI error.
int unpack(const std::byte* packed, std::uint64_t bytes, void* buffer, MPI_Datatype datatype, const Layout& layout);

}  // namespace sluice::interpose
