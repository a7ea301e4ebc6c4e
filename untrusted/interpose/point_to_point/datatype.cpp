#include "untrusted/interpose/point_to_point/datatype.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "untrusted/interpose/layer.hpp"

namespace sluice::interpose {

namespace {

struct Remembered {
  MPI_Datatype datatype = MPI_DATATYPE_NULL;
  Layout layout{};
};
constexpr std::size_t kPlaces = 256;
std::array<Remembered, kPlaces> remembered;

/// Bytes that one call of MPI_Unpack handles.
constexpr std::uint64_t kUnpackBytes = std::uint64_t{1} << 30;

/// Of messages to oneself on layer.self.
constexpr int kCopyTag = 0;

std::size_t place_of(MPI_Datatype datatype) noexcept {
  return static_cast<std::size_t>((handle_bits(datatype) * 0x9e3779b97f4a7c15U) >> 32) % kPlaces;
}

bool is_contiguous(MPI_Datatype datatype);

/// Whether a type made by MPI_Type_dup or MPI_Type_contiguous is made from a contiguous one.
bool made_of_contiguous(MPI_Datatype datatype, int integers, int addresses, int datatypes) {
  std::vector<int> counts(static_cast<std::size_t>(integers) + 1);
  std::vector<MPI_Aint> places(static_cast<std::size_t>(addresses) + 1);
  std::vector<MPI_Datatype> parts(static_cast<std::size_t>(datatypes) + 1);
  if (PMPI_Type_get_contents(datatype, integers, addresses, datatypes, counts.data(), places.data(), parts.data()) !=
      MPI_SUCCESS) {
    return false;
  }
  const bool contiguous = is_contiguous(parts[0]);
  for (int i = 0; i < datatypes; ++i) {
    int n = 0;
    int combiner = MPI_COMBINER_NAMED;
    MPI_Datatype& part = parts[static_cast<std::size_t>(i)];
    PMPI_Type_get_envelope(part, &n, &n, &n, &combiner);
    if (combiner != MPI_COMBINER_NAMED) PMPI_Type_free(&part);
  }
  return contiguous;
}

bool is_contiguous(MPI_Datatype datatype) {
  int integers = 0;
  int addresses = 0;
  int datatypes = 0;
  int combiner = MPI_COMBINER_NAMED;
  if (PMPI_Type_get_envelope(datatype, &integers, &addresses, &datatypes, &combiner) != MPI_SUCCESS) return false;
  MPI_Count size = 0;
  MPI_Count lower = 0;
  MPI_Count extent = 0;
  PMPI_Type_size_x(datatype, &size);
  PMPI_Type_get_extent_x(datatype, &lower, &extent);
  if (lower != 0 || size != extent) return false;
  if (combiner == MPI_COMBINER_NAMED) return true;
  if (combiner != MPI_COMBINER_DUP && combiner != MPI_COMBINER_CONTIGUOUS) return false;
  return made_of_contiguous(datatype, integers, addresses, datatypes);
}

Layout examine(MPI_Datatype datatype) {
  Layout layout{};
  int n = 0;
  int combiner = MPI_COMBINER_NAMED;
  layout.error = PMPI_Type_get_envelope(datatype, &n, &n, &n, &combiner);
  if (layout.error != MPI_SUCCESS) return layout;
  MPI_Count size = 0;
  MPI_Count lower = 0;
  MPI_Count extent = 0;
  PMPI_Type_size_x(datatype, &size);
  PMPI_Type_get_extent_x(datatype, &lower, &extent);
  layout.size = static_cast<std::uint64_t>(std::max<MPI_Count>(size, 0));
  layout.extent = extent;
  layout.contiguous = is_contiguous(datatype);
  layout.predefined = combiner == MPI_COMBINER_NAMED;
  return layout;
}

/// Elements at the program's, one end of a copy.
struct Side {
  void* buffer;
  int count;
  MPI_Datatype datatype;
};

/// Whether MPI_Pack and MPI_Unpack can handle this: sizes are int there, and MPICH refuses MPI_BOTTOM.
bool host_packs(const void* buffer, std::uint64_t bytes) noexcept {
  return buffer != nullptr && bytes <= static_cast<std::uint64_t>(std::numeric_limits<int>::max());
}

/// `bytes` bytes as a count of one datatype; more than int holds take a type of their own.
int make_bytes(std::uint64_t bytes, int* count, MPI_Datatype* datatype) {
  constexpr std::uint64_t piece = std::uint64_t{1} << 30;
  *datatype = MPI_BYTE;
  *count = static_cast<int>(bytes);
  if (bytes <= piece) return MPI_SUCCESS;
  MPI_Datatype block = MPI_DATATYPE_NULL;
  PMPI_Type_contiguous(static_cast<int>(piece), MPI_BYTE, &block);
  int lengths[] = {static_cast<int>(bytes / piece), static_cast<int>(bytes % piece)};
  const MPI_Aint places[] = {0, static_cast<MPI_Aint>(bytes - bytes % piece)};
  const MPI_Datatype parts[] = {block, MPI_BYTE};
  const int error = PMPI_Type_create_struct(2, lengths, places, parts, datatype);
  PMPI_Type_free(&block);
  *count = 1;
  return error == MPI_SUCCESS ? PMPI_Type_commit(datatype) : error;
}

/// Copies between elements and their packed bytes by a message to oneself, which takes whatever a message takes.
int copy(const Side& elements, std::byte* packed, std::uint64_t bytes, bool pack) {
  int count = 0;
  MPI_Datatype datatype = MPI_BYTE;
  if (const int error = make_bytes(bytes, &count, &datatype); error != MPI_SUCCESS) return error;
  const Side flat{packed, count, datatype};
  const Side& from = pack ? elements : flat;
  const Side& to = pack ? flat : elements;
  const int error = host.Sendrecv(from.buffer, from.count, from.datatype, 0, kCopyTag, to.buffer, to.count, to.datatype,
                                  0, kCopyTag, layer.self, MPI_STATUS_IGNORE);
  if (datatype != MPI_BYTE) PMPI_Type_free(&datatype);
  return error;
}

}  // namespace

void remember_basic_layouts() {
  const MPI_Datatype basic[] = {
      MPI_BYTE,    MPI_PACKED,   MPI_CHAR,     MPI_SIGNED_CHAR,      MPI_UNSIGNED_CHAR, MPI_SHORT,
      MPI_INT,     MPI_UNSIGNED, MPI_LONG,     MPI_UNSIGNED_LONG,    MPI_LONG_LONG,     MPI_UNSIGNED_LONG_LONG,
      MPI_FLOAT,   MPI_DOUBLE,   MPI_INT8_T,   MPI_INT16_T,          MPI_INT32_T,       MPI_INT64_T,
      MPI_UINT8_T, MPI_UINT16_T, MPI_UINT32_T, MPI_UINT64_T,         MPI_C_BOOL,        MPI_C_DOUBLE_COMPLEX,
      MPI_AINT,    MPI_COUNT,    MPI_WCHAR,    MPI_UNSIGNED_SHORT,   MPI_LONG_DOUBLE,   MPI_C_FLOAT_COMPLEX,
      MPI_INTEGER, MPI_REAL,     MPI_LOGICAL,  MPI_DOUBLE_PRECISION, MPI_CHARACTER,     MPI_DOUBLE_COMPLEX,
  };
  for (const MPI_Datatype datatype : basic) {
    if (datatype == MPI_DATATYPE_NULL) continue;
    std::size_t place = place_of(datatype);
    while (remembered[place].datatype != datatype && remembered[place].datatype != MPI_DATATYPE_NULL) {
      place = (place + 1) % kPlaces;
    }
    remembered[place] = {datatype, examine(datatype)};
  }
}

Layout layout_of(MPI_Datatype datatype) {
  if (datatype == MPI_DATATYPE_NULL) return examine(datatype);
  for (std::size_t place = place_of(datatype); remembered[place].datatype != MPI_DATATYPE_NULL;
       place = (place + 1) % kPlaces) {
    if (remembered[place].datatype == datatype) [[likely]]
      return remembered[place].layout;
  }
  return examine(datatype);
}

std::int64_t elements_in(std::uint64_t bytes, const Layout& layout) noexcept {
  const std::uint64_t count = layout.size == 0 ? 1 : bytes / layout.size;
  return static_cast<std::int64_t>(std::clamp<std::uint64_t>(count, 1, std::numeric_limits<int>::max()));
}

int pack(const void* buffer, std::int64_t first, std::int64_t count, MPI_Datatype datatype, const Layout& layout,
         std::byte* packed) {
  const std::uint64_t bytes = static_cast<std::uint64_t>(count) * layout.size;
  const void* source = element(buffer, first, layout);
  const Side from{const_cast<void*>(source), static_cast<int>(count), datatype};
  if (!host_packs(source, bytes)) return copy(from, packed, bytes, true);
  int position = 0;
  const int error = PMPI_Pack(source, from.count, datatype, packed, static_cast<int>(bytes), &position, layer.self);
  return error == MPI_SUCCESS && static_cast<std::uint64_t>(position) != bytes ? MPI_ERR_TYPE : error;
}

int unpack(const std::byte* packed, std::uint64_t bytes, void* buffer, MPI_Datatype datatype, const Layout& layout) {
  if (layout.size == 0) return MPI_SUCCESS;
  const std::uint64_t whole = bytes / layout.size;
  const auto step = static_cast<std::uint64_t>(elements_in(kUnpackBytes, layout));
  auto* from = const_cast<std::byte*>(packed);
  for (std::uint64_t done = 0; done < whole;) {
    const std::uint64_t count = std::min(step, whole - done);
    const std::uint64_t size = count * layout.size;
    void* target = const_cast<void*>(element(buffer, static_cast<std::int64_t>(done), layout));
    int position = 0;
    const int error = host_packs(target, size) ? PMPI_Unpack(from, static_cast<int>(size), &position, target,
                                                             static_cast<int>(count), datatype, layer.self)
                                               : copy({target, static_cast<int>(count), datatype}, from, size, false);
    if (error != MPI_SUCCESS) return error;
    done += count;
    from += size;
  }
  const std::uint64_t rest = bytes % layout.size;
  if (rest == 0) return MPI_SUCCESS;
  // MPI_Unpack takes whole elements only; a message to oneself may end inside one.
  void* target = const_cast<void*>(element(buffer, static_cast<std::int64_t>(whole), layout));
  return copy({target, 1, datatype}, from, rest, false);
}

}  // namespace sluice::interpose
