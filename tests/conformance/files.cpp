// Files (MPI 3.1, chapter 13): refused on a communicator that spans subjects, the host's own inside a subject.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

#include "tests/conformance/communicators.hpp"

namespace sluice::conformance {
namespace {

constexpr int kEach = 16;  ///< ints that a rank writes

/// A file that the ranks of the subject have open, with the own rank's data, and what was read.
struct TestFile {
  MPI_File fh = MPI_FILE_NULL;
  MPI_Status status{};
  MPI_Request request = MPI_REQUEST_NULL;
  std::vector<int> sent, got;
  std::string path;
  int rank = 0, size = 0;
  MPI_Comm comm;

  explicit TestFile(const Case& c) : comm(c.subject) {
    CALL(MPI_Comm_rank(comm, &rank));
    CALL(MPI_Comm_size(comm, &size));
    int number_of_run = static_cast<int>(::getpid());
    CALL(MPI_Bcast(&number_of_run, 1, MPI_INT, 0, comm));
    path = "/tmp/conformance-" + std::to_string(number_of_run) + "-" + std::to_string(c.tag);
    sent = pattern(number(rank, c.tag), kEach);
    got.assign(kEach, -1);
    CALL(MPI_File_open(comm, path.c_str(), MPI_MODE_CREATE | MPI_MODE_RDWR | MPI_MODE_DELETE_ON_CLOSE, MPI_INFO_NULL,
                       &fh));
    CALL(MPI_File_set_view(fh, 0, MPI_INT, MPI_INT, "native", MPI_INFO_NULL));
    tag_ = c.tag;
  }
  TestFile(const TestFile&) = delete;
  TestFile& operator=(const TestFile&) = delete;
  ~TestFile() {
    if (fh != MPI_FILE_NULL) MPI_File_close(&fh);
  }
  [[nodiscard]] MPI_Offset mine() const { return rank * kEach; }
  void seek() { CALL(MPI_File_seek(fh, mine(), MPI_SEEK_SET)); }
  /// The shared pointer to the start, when all have done what they did.
  void rewind() {
    CALL(MPI_Barrier(comm));
    CALL(MPI_File_seek_shared(fh, 0, MPI_SEEK_SET));
    CALL(MPI_Barrier(comm));
  }
  void wait() { CALL(MPI_Wait(&request, &status)); }
  void wrote() {
    CHECK_EQ(count_of(status, MPI_INT), kEach);
    CALL(MPI_File_sync(fh));
    CALL(MPI_Barrier(comm));
    CALL(MPI_File_sync(fh));
  }
  void read_own() {
    CHECK_EQ(count_of(status, MPI_INT), kEach);
    CHECK(got == sent);
    got.assign(kEach, -1);
  }
  void read_somebodys() {
    bool found = false;
    for (int i = 0; i < size; ++i) found = found || got == pattern(number(i, tag_), kEach);
    CHECK(found);
    got.assign(kEach, -1);
  }

 private:
  int tag_ = 0;
};

#define FORM(name) MPI_File_##name
#define NAMED(name) CASE(name)
#include "tests/conformance/files_forms.inc"
#undef FORM
#undef NAMED
#if SLUICE_MPI4
#define FORM(name) MPI_File_##name##_c
#define NAMED(name) CASE(name##_large)
#include "tests/conformance/files_forms.inc"
#undef FORM
#undef NAMED
#endif

CASE(file_questions) {
  TestFile f(c);
  CALL(MPI_File_write_at_all(f.fh, f.mine(), f.sent.data(), kEach, MPI_INT, MPI_STATUS_IGNORE));
  f.status = {};
  int mode = 0, atomic = -1, group_size = 0;
  MPI_Offset place = -1, bytes = -1;
  MPI_Aint extent = 0;
  MPI_Group group;
  MPI_Info info;
  CALL(MPI_File_get_amode(f.fh, &mode));
  CHECK((mode & MPI_MODE_RDWR) != 0);
  CALL(MPI_File_get_group(f.fh, &group));
  CALL(MPI_Group_size(group, &group_size));
  CHECK_EQ(group_size, f.size);
  CALL(MPI_Group_free(&group));
  CALL(MPI_File_get_info(f.fh, &info));
  CALL(MPI_File_set_info(f.fh, info));
  CALL(MPI_Info_free(&info));
  CALL(MPI_File_get_type_extent(f.fh, MPI_INT, &extent));
  CHECK_EQ(extent, 4);
  CALL(MPI_File_seek(f.fh, 3, MPI_SEEK_SET));
  CALL(MPI_File_get_position(f.fh, &place));
  CHECK_EQ(place, 3);
  CALL(MPI_File_get_byte_offset(f.fh, 3, &bytes));
  CHECK_EQ(bytes, 12);
  CALL(MPI_File_get_position_shared(f.fh, &place));
  CHECK_EQ(place, 0);
  CALL(MPI_Barrier(f.comm));
  CALL(MPI_File_set_atomicity(f.fh, 1));
  CALL(MPI_File_get_atomicity(f.fh, &atomic));
  CHECK(atomic != 0);
  CALL(MPI_File_set_atomicity(f.fh, 0));
  CALL(MPI_File_preallocate(f.fh, 8192));
  CALL(MPI_File_set_size(f.fh, 4000));
  CALL(MPI_File_get_size(f.fh, &bytes));
  CHECK_EQ(bytes, 4000);
  MPI_Datatype element, type;
  std::array<char, MPI_MAX_DATAREP_STRING> format{};
  CALL(MPI_File_get_view(f.fh, &place, &element, &type, format.data()));
  CHECK(place == 0 && std::string(format.data()) == "native");
  CHECK(MPI_File_f2c(MPI_File_c2f(f.fh)) == f.fh);
}

int file_errors = 0;
void count_file_error(MPI_File*, int*, ...) { ++file_errors; }

CASE(file_errors_and_deletion) {
  TestFile f(c);
  MPI_Errhandler handler, back;
  file_errors = 0;
  CALL(MPI_File_create_errhandler(count_file_error, &handler));
  CALL(MPI_File_set_errhandler(f.fh, handler));
  CALL(MPI_File_get_errhandler(f.fh, &back));
  CHECK(back == handler);
  CALL(MPI_File_call_errhandler(f.fh, MPI_ERR_OTHER));
  CHECK_EQ(file_errors, 1);
  CALL(MPI_Errhandler_free(&handler));
  CALL_FAILS(MPI_ERR_NO_SUCH_FILE, MPI_File_delete("/tmp/conformance-no-such-file", MPI_INFO_NULL));
}

/// A view that gives each rank every size-th element.
CASE(file_views) {
  TestFile f(c);
  MPI_Datatype type, spaced;
  CALL(MPI_Type_create_resized(MPI_INT, 0, 4L * f.size, &spaced));
  CALL(MPI_Type_contiguous(1, spaced, &type));
  CALL(MPI_Type_commit(&type));
  CALL(MPI_File_set_view(f.fh, 4L * f.rank, MPI_INT, type, "native", MPI_INFO_NULL));
  CALL(MPI_File_write_all(f.fh, f.sent.data(), kEach, MPI_INT, &f.status));
  f.wrote();
  CALL(MPI_File_set_view(f.fh, 0, MPI_INT, MPI_INT, "native", MPI_INFO_NULL));
  std::vector<int> all(static_cast<std::size_t>(f.size * kEach), -1);
  CALL(MPI_File_read_at(f.fh, 0, all.data(), static_cast<int>(all.size()), MPI_INT, &f.status));
  for (int i = 0; i < kEach; ++i) {
    CHECK_EQ(all[static_cast<std::size_t>(i * f.size + f.rank)], f.sent[static_cast<std::size_t>(i)]);
  }
  CALL(MPI_Type_free(&type));
  CALL(MPI_Type_free(&spaced));
}

int extent_of(MPI_Datatype, MPI_Aint* extent, void*) {
  *extent = 4;
  return MPI_SUCCESS;
}

/// A format of the program's own, once in a process.
CASE(file_formats) {
  static bool registered = false;
  if (registered) return;
  registered = true;
  // Open MPI 4.1.4 has no formats of the program.
  if (SLUICE_MPI4 == 0) {
    CHECK(MPI_Register_datarep("conformance", MPI_CONVERSION_FN_NULL, MPI_CONVERSION_FN_NULL, extent_of, nullptr) !=
          MPI_SUCCESS);
    return;
  }
  CALL(MPI_Register_datarep("conformance", MPI_CONVERSION_FN_NULL, MPI_CONVERSION_FN_NULL, extent_of, nullptr));
#if SLUICE_MPI4
  CALL(MPI_Register_datarep_c("conformance large", MPI_CONVERSION_FN_NULL_C, MPI_CONVERSION_FN_NULL_C, extent_of,
                              nullptr));
#endif
}

/// A file that ranks of several subjects open together would let them signal: refused.
CASE(file_of_the_world) {
  MPI_File file = MPI_FILE_NULL;
  const std::string path = "/tmp/conformance-world-" + std::to_string(c.tag);
  CALL(MPI_File_open(MPI_COMM_WORLD, path.c_str(), MPI_MODE_CREATE | MPI_MODE_RDWR | MPI_MODE_DELETE_ON_CLOSE,
                     MPI_INFO_NULL, &file));
  int value = number(c.rank), got = -1;
  CALL(MPI_File_write_at_all(file, 4L * c.rank, &value, 1, MPI_INT, MPI_STATUS_IGNORE));
  CALL(MPI_File_sync(file));
  CALL(MPI_Barrier(MPI_COMM_WORLD));
  CALL(MPI_File_sync(file));
  CALL(MPI_File_read_at(file, 4L * c.rank, &got, 1, MPI_INT, MPI_STATUS_IGNORE));
  CHECK_EQ(got, value);
  CALL(MPI_File_close(&file));
}

#if SLUICE_MPI4
CASE(file_type_extent_large) {
  TestFile f(c);
  MPI_Count extent = 0;
  CALL(MPI_File_get_type_extent_c(f.fh, MPI_DOUBLE, &extent));
  CHECK_EQ(extent, 8);
}
#endif

}  // namespace
}  // namespace sluice::conformance
