// Messages of more than 2^31 bytes. The same 64 MiB of memory are mapped again and again, so that this needs no more.
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "tests/integration/point_to_point.hpp"

namespace sluice::testing {
namespace {

constexpr std::size_t kPiece = std::size_t{64} << 20;
constexpr std::size_t kGiga = std::size_t{1} << 30;
constexpr std::size_t kRoom = 3 * kGiga + kPiece;

/// Memory of kRoom bytes that repeats itself every kPiece bytes; null if there is none.
std::byte* repeated_memory() {
  const int file = ::memfd_create("large", 0);
  if (file < 0 || ::ftruncate(file, static_cast<off_t>(kPiece)) != 0) return nullptr;
  void* room = ::mmap(nullptr, kRoom, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (room == MAP_FAILED) return nullptr;
  auto* memory = static_cast<std::byte*>(room);
  for (std::size_t at = 0; at < kRoom; at += kPiece) {
    void* mapped = ::mmap(memory + at, kPiece, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0);
    if (mapped == MAP_FAILED) return nullptr;
  }
  ::close(file);
  return memory;
}

bool is_same(const std::byte* memory, const std::vector<std::byte>& expected) {
  return std::memcmp(memory, expected.data(), expected.size()) == 0;
}

/// Three elements of a gibibyte each: the count is small, the bytes are not.
void few_large_elements(const Job& job, std::byte* memory, const std::vector<std::byte>& data) {
  MPI_Datatype giga = MPI_DATATYPE_NULL;
  MPI_Type_contiguous(static_cast<int>(kGiga), MPI_BYTE, &giga);
  MPI_Type_commit(&giga);
  if (job.rank() == kRemote) {
    std::memcpy(memory, data.data(), kPiece);
    CHECK_EQ(MPI_Send(memory, 3, giga, kReceiver, 1, MPI_COMM_WORLD), MPI_SUCCESS);
  }
  if (is_receiver(job)) {
    MPI_Status status{};
    MPI_Count elements = -1;
    CHECK_EQ(MPI_Recv(memory, 3, giga, kRemote, 1, MPI_COMM_WORLD, &status), MPI_SUCCESS);
    CHECK_EQ(count_of(status, giga), 3);
    MPI_Get_elements_x(&status, MPI_BYTE, &elements);
    CHECK_EQ(elements, 3 * kGiga);
    CHECK_EQ(count_of(status, MPI_BYTE), MPI_UNDEFINED);
    CHECK(is_same(memory, data));
  }
  MPI_Type_free(&giga);
}

/// One element of more than 2^31 bytes that does not lie in one piece.
void one_element_with_gaps(const Job& job, std::byte* memory, const std::vector<std::byte>& data) {
  constexpr int kPieces = 33;  // of 64 MiB
  if (job.rank() == kRemote) {
    MPI_Datatype piece = MPI_DATATYPE_NULL, type = MPI_DATATYPE_NULL;
    MPI_Type_contiguous(static_cast<int>(kPiece), MPI_BYTE, &piece);
    MPI_Type_create_hvector(kPieces, 1, static_cast<MPI_Aint>(kPiece + kPiece / 4), piece, &type);
    MPI_Type_commit(&type);
    std::memcpy(memory, data.data(), kPiece);
    CHECK_EQ(MPI_Send(memory, 1, type, kReceiver, 2, MPI_COMM_WORLD), MPI_SUCCESS);
    MPI_Type_free(&piece);
    MPI_Type_free(&type);
  }
  if (!is_receiver(job)) return;
  MPI_Datatype piece = MPI_DATATYPE_NULL;
  MPI_Type_contiguous(static_cast<int>(kPiece), MPI_BYTE, &piece);
  MPI_Type_commit(&piece);
  MPI_Status status{};
  CHECK_EQ(MPI_Recv(memory, kPieces, piece, kRemote, 2, MPI_COMM_WORLD, &status), MPI_SUCCESS);
  CHECK_EQ(count_of(status, piece), kPieces);
  // The last piece was read a number of quarters further on.
  std::vector<std::byte> expected(kPiece);
  for (std::size_t at = 0; at < kPiece; ++at) expected[at] = data[(at + (kPieces - 1) * (kPiece / 4)) % kPiece];
  CHECK(is_same(memory, expected));
  MPI_Type_free(&piece);
}

#if MPI_VERSION >= 4
/// More elements than an int can count.
void many_small_elements(const Job& job, std::byte* memory, const std::vector<std::byte>& data) {
  constexpr MPI_Count count = static_cast<MPI_Count>(2 * kGiga + kPiece);
  if (job.rank() == kRemote) {
    std::memcpy(memory, data.data(), kPiece);
    CHECK_EQ(MPI_Send_c(memory, count, MPI_BYTE, kReceiver, 3, MPI_COMM_WORLD), MPI_SUCCESS);
    CHECK_EQ(MPI_Send_c(memory, 5, MPI_BYTE, kReceiver, 3, MPI_COMM_WORLD), MPI_SUCCESS);
  }
  if (is_receiver(job)) {
    MPI_Status status{};
    MPI_Count got = -1;
    std::memset(memory, 0, kPiece);
    MPI_Request request = MPI_REQUEST_NULL;
    CHECK_EQ(MPI_Irecv_c(memory, count, MPI_BYTE, MPI_ANY_SOURCE, 3, MPI_COMM_WORLD, &request), MPI_SUCCESS);
    CHECK_EQ(MPI_Wait(&request, &status), MPI_SUCCESS);
    MPI_Get_count_c(&status, MPI_BYTE, &got);
    CHECK_EQ(got, count);
    CHECK(is_same(memory, data));
    CHECK_EQ(MPI_Recv_c(memory, count, MPI_BYTE, kRemote, 3, MPI_COMM_WORLD, &status), MPI_SUCCESS);
    MPI_Get_count_c(&status, MPI_BYTE, &got);
    CHECK_EQ(got, 5);
  }
}
#endif

}  // namespace

void large_counts(const Job& job) {
  Verdict::get().begin("large_counts");
  if (job.rank() != kRemote && !is_receiver(job)) return;
  std::byte* memory = repeated_memory();
  if (!CHECK(memory != nullptr)) return;
  const std::vector<std::byte> data = payload(3, kPiece);
  few_large_elements(job, memory, data);
  one_element_with_gaps(job, memory, data);
#if MPI_VERSION >= 4
  many_small_elements(job, memory, data);
#endif
}

}  // namespace sluice::testing
