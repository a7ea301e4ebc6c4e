// Every kind of derived datatype, as the type of a send and as the type of a receive. What the host MPI does with a
// message to oneself is the reference.
#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "tests/integration/point_to_point.hpp"

namespace sluice::testing {
namespace {

const MPI_Comm kWorld = MPI_COMM_WORLD;
constexpr std::size_t kRoom = std::size_t{8} << 20;  ///< bytes of the buffers
constexpr std::size_t kStart = kRoom / 2;            ///< where elements begin: some types reach back

struct Sample {
  std::string name;
  MPI_Datatype type;
  int count;
};

void add(std::vector<Sample>& samples, const char* name, int count, MPI_Datatype type) {
  MPI_Type_commit(&type);
  samples.push_back({name, type, count});
}

MPI_Datatype structure() {
  const int lengths[] = {1, 3, 0, 2};
  const MPI_Aint places[] = {-8, 16, 40, 64};
  const MPI_Datatype types[] = {MPI_DOUBLE, MPI_INT, MPI_CHAR, MPI_SHORT};
  MPI_Datatype made = MPI_DATATYPE_NULL;
  MPI_Type_create_struct(4, lengths, places, types, &made);
  return made;
}

void add_vectors(std::vector<Sample>& samples) {
  MPI_Datatype type = MPI_DATATYPE_NULL, inner = MPI_DATATYPE_NULL;
  MPI_Type_contiguous(7, MPI_INT, &type);
  add(samples, "contiguous", 100, type);
  MPI_Type_vector(5, 2, 4, MPI_DOUBLE, &type);
  add(samples, "vector", 33, type);
  MPI_Type_create_hvector(5, 1, -12, MPI_INT, &type);
  add(samples, "hvector backwards", 3, type);
  MPI_Type_vector(100000, 3, 5, MPI_INT, &type);
  add(samples, "vector of more than a megabyte", 1, type);
  MPI_Type_vector(3, 1, 3, MPI_SHORT, &inner);
  MPI_Type_create_resized(inner, -4, 64, &type);
  MPI_Type_free(&inner);
  add(samples, "resized with a negative lower bound", 50, type);
  MPI_Type_vector(4, 1, 4, MPI_INT, &inner);
  MPI_Type_create_resized(inner, 0, 4, &type);
  MPI_Type_free(&inner);
  add(samples, "resized to interleave", 4, type);
}

void add_lists(std::vector<Sample>& samples) {
  const int lengths[] = {2, 0, 3, 1};
  const int places[] = {9, 0, 1, -5};
  const MPI_Aint bytes[] = {100, 0, -40, 7};
  MPI_Datatype type = MPI_DATATYPE_NULL;
  MPI_Type_indexed(4, lengths, places, MPI_FLOAT, &type);
  add(samples, "indexed", 5, type);
  MPI_Type_create_hindexed(4, lengths, bytes, MPI_CHAR, &type);
  add(samples, "hindexed", 5, type);
  MPI_Type_create_indexed_block(3, 2, places, MPI_LONG, &type);
  add(samples, "indexed_block", 5, type);
  MPI_Type_create_hindexed_block(4, 1, bytes, MPI_CHAR, &type);
  add(samples, "hindexed_block", 5, type);
  add(samples, "struct", 40, structure());
  MPI_Datatype inner = structure();
  MPI_Type_contiguous(3, inner, &type);
  MPI_Type_free(&inner);
  add(samples, "contiguous of struct", 9, type);
}

void add_arrays(std::vector<Sample>& samples) {
  MPI_Datatype type = MPI_DATATYPE_NULL, inner = MPI_DATATYPE_NULL;
  const int sizes[] = {10, 12}, some[] = {4, 5}, from[] = {3, 6};
  MPI_Type_create_subarray(2, sizes, some, from, MPI_ORDER_FORTRAN, MPI_INT, &type);
  add(samples, "subarray", 3, type);
  const int spread[] = {MPI_DISTRIBUTE_CYCLIC, MPI_DISTRIBUTE_BLOCK};
  const int how[] = {2, MPI_DISTRIBUTE_DFLT_DARG}, grid[] = {2, 2};
  MPI_Type_create_darray(4, 2, 2, sizes, spread, how, grid, MPI_ORDER_C, MPI_DOUBLE, &type);
  add(samples, "darray", 2, type);
  MPI_Type_dup(MPI_DOUBLE_INT, &type);
  add(samples, "dup of a pair", 20, type);
  MPI_Type_contiguous(0, MPI_INT, &type);
  add(samples, "nothing", 10, type);
  MPI_Type_contiguous(0, MPI_INT, &inner);
  MPI_Type_create_resized(inner, 0, 8, &type);
  MPI_Type_free(&inner);
  add(samples, "nothing that takes room", 10, type);
  samples.push_back({"long double and int", MPI_LONG_DOUBLE_INT, 10});
  samples.push_back({"short and int", MPI_SHORT_INT, 10});
}

std::vector<Sample> all_samples() {
  std::vector<Sample> samples;
  add_vectors(samples);
  add_lists(samples);
  add_arrays(samples);
  return samples;
}

void free_all(std::vector<Sample>& samples) {
  for (Sample& sample : samples) {
    if (sample.type != MPI_LONG_DOUBLE_INT && sample.type != MPI_SHORT_INT) MPI_Type_free(&sample.type);
  }
}

std::size_t bytes_of(const Sample& sample) {
  int size = 0;
  MPI_Type_size(sample.type, &size);
  return static_cast<std::size_t>(size) * static_cast<std::size_t>(sample.count);
}

/// A message to oneself, which stays with the host MPI.
void to_oneself(const void* from, int from_count, MPI_Datatype from_type, void* to, int to_count,
                MPI_Datatype to_type) {
  CHECK_EQ(
      MPI_Sendrecv(from, from_count, from_type, 0, 0, to, to_count, to_type, 0, 0, MPI_COMM_SELF, MPI_STATUS_IGNORE),
      MPI_SUCCESS);
}

/// The type on the sender's side, bytes here.
void receive_as_bytes(const Sample& sample) {
  const std::vector<std::byte> data = payload(1, kRoom);
  std::vector<std::byte> expected(bytes_of(sample) + 1), got(bytes_of(sample) + 1);
  to_oneself(data.data() + kStart, sample.count, sample.type, expected.data(), static_cast<int>(bytes_of(sample)),
             MPI_BYTE);
  MPI_Status status{};
  CHECK_EQ(MPI_Recv(got.data(), static_cast<int>(got.size()), MPI_BYTE, kRemote, 1, kWorld, &status), MPI_SUCCESS);
  CHECK_EQ(count_of(status, MPI_BYTE), bytes_of(sample));
  if (!CHECK(got == expected)) std::fprintf(stderr, "sent as %s\n", sample.name.c_str());
}

/// Bytes on the sender's side, the type here; `cut` bytes are missing at the end.
void receive_as_type(const Sample& sample, std::size_t cut) {
  std::vector<std::byte> expected(kRoom), got(kRoom);
  const std::size_t bytes = bytes_of(sample) - cut;
  const std::vector<std::byte> packed = payload(2, bytes_of(sample));
  MPI_Status status{}, reference{};
  CHECK_EQ(MPI_Sendrecv(packed.data(), static_cast<int>(bytes), MPI_BYTE, 0, 0, expected.data() + kStart, sample.count,
                        sample.type, 0, 0, MPI_COMM_SELF, &reference),
           MPI_SUCCESS);
  CHECK_EQ(MPI_Recv(got.data() + kStart, sample.count, sample.type, kRemote, 2, kWorld, &status), MPI_SUCCESS);
  if (!CHECK(got == expected)) std::fprintf(stderr, "received as %s\n", sample.name.c_str());
  CHECK_EQ(count_of(status, sample.type), count_of(reference, sample.type));
  int elements = -1, reference_elements = -2;
  MPI_Count elements_x = -1;
  MPI_Get_elements(&status, sample.type, &elements);
  MPI_Get_elements(&reference, sample.type, &reference_elements);
  MPI_Get_elements_x(&status, sample.type, &elements_x);
  CHECK_EQ(elements, reference_elements);
  CHECK_EQ(elements_x, reference_elements);
}

/// Absolute addresses and MPI_BOTTOM.
void absolute(bool sender) {
  std::array<int, 4> numbers{1, 2, 3, 4};
  double value = 0.5;
  if (!sender) {
    numbers = {};
    value = 0;
  }
  MPI_Aint places[2] = {};
  MPI_Get_address(&numbers[1], places);
  MPI_Get_address(&value, &places[1]);
  const int lengths[2] = {2, 1};
  const MPI_Datatype types[2] = {MPI_INT, MPI_DOUBLE};
  MPI_Datatype type = MPI_DATATYPE_NULL;
  MPI_Type_create_struct(2, lengths, places, types, &type);
  MPI_Type_commit(&type);
  if (sender) {
    CHECK_EQ(MPI_Send(MPI_BOTTOM, 1, type, kReceiver, 3, kWorld), MPI_SUCCESS);
  } else {
    CHECK_EQ(MPI_Recv(MPI_BOTTOM, 1, type, kRemote, 3, kWorld, MPI_STATUS_IGNORE), MPI_SUCCESS);
    CHECK((numbers == std::array<int, 4>{0, 2, 3, 0}));
    CHECK_EQ(value, 0.5);
  }
  MPI_Type_free(&type);
}

void largest_tag(const Job& job) {
  void* found = nullptr;
  int there = 0;
  MPI_Comm_get_attr(kWorld, MPI_TAG_UB, static_cast<void*>(&found), &there);
  if (!CHECK(there != 0)) return;
  // The two hosts' bounds differ: what both can say.
  const int tag = std::min(*static_cast<int*>(found), 268435455);
  if (job.rank() == kRemote) {
    CHECK_EQ(send_int(5, kReceiver, tag), MPI_SUCCESS);
    CHECK_EQ(error_class(send_int(5, kReceiver, -3)), MPI_ERR_TAG);
  }
  if (is_receiver(job)) CHECK_EQ(receive_int(kRemote, tag), 5);
}

}  // namespace

void derived_types(const Job& job) {
  Verdict::get().begin("derived_types");
  if (job.rank() == kRemote) {
    const std::vector<std::byte> data = payload(1, kRoom);
    std::vector<Sample> samples = all_samples();
    for (const Sample& sample : samples) {
      CHECK_EQ(MPI_Send(data.data() + kStart, sample.count, sample.type, kReceiver, 1, kWorld), MPI_SUCCESS);
      const std::vector<std::byte> packed = payload(2, bytes_of(sample));
      for (const std::size_t cut : {std::size_t{0}, std::size_t{4}}) {
        if (cut > packed.size()) continue;
        CHECK_EQ(MPI_Send(packed.data(), static_cast<int>(packed.size() - cut), MPI_BYTE, kReceiver, 2, kWorld),
                 MPI_SUCCESS);
      }
    }
    free_all(samples);
    absolute(true);
  }
  if (is_receiver(job)) {
    std::vector<Sample> samples = all_samples();
    for (const Sample& sample : samples) {
      receive_as_bytes(sample);
      for (const std::size_t cut : {std::size_t{0}, std::size_t{4}}) {
        if (cut <= bytes_of(sample)) receive_as_type(sample, cut);
      }
    }
    free_all(samples);
    absolute(false);
  }
  largest_tag(job);
}

}  // namespace sluice::testing
