// The functions of MPI 4.0 with counts of MPI_Count, for messages between two ranks (MPI 4.0, section 2.5.8). Large
// amounts have tests of their own; here the values are small and every function is called.
#include "tests/conformance/harness.hpp"

#if SLUICE_MPI4
#include <sys/mman.h>

#include <array>
#include <vector>

namespace sluice::conformance {
namespace {

const MPI_Comm kWorld = MPI_COMM_WORLD;
constexpr MPI_Count kInts = 5;

/// Receives `times` messages of kInts ints.
void receive(const Pair& p, int times) {
  for (int i = 0; i < times; ++i) {
    std::vector<int> got(kInts, -1);
    MPI_Status status;
    MPI_Count count = -1;
    CALL(MPI_Recv_c(got.data(), kInts, MPI_INT, p.from, p.tag, kWorld, &status));
    CHECK(got == pattern(p.from, kInts));
    CALL(MPI_Get_count_c(&status, MPI_INT, &count));
    CHECK_EQ(count, kInts);
    CALL(MPI_Get_elements_c(&status, MPI_INT, &count));
    CHECK_EQ(count, kInts);
  }
}

CASE(large_send) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    const std::vector<int> data = pattern(p.from, kInts);
    if (p.sender) return CALL(MPI_Send_c(data.data(), kInts, MPI_INT, p.to, p.tag, kWorld));
    receive(p, 1);
  });
}

CASE(large_nonblocking) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    std::vector<int> data = pattern(p.from, kInts);
    MPI_Request request;
    if (p.sender) {
      CALL(MPI_Isend_c(data.data(), kInts, MPI_INT, p.to, p.tag, kWorld, &request));
    } else {
      data.assign(kInts, -1);
      CALL(MPI_Irecv_c(data.data(), kInts, MPI_INT, p.from, p.tag, kWorld, &request));
    }
    CALL(MPI_Wait(&request, MPI_STATUS_IGNORE));
    CHECK(data == pattern(p.from, kInts));
  });
}

CASE(large_synchronous) {
  c.each_link(Needs::both, [&](const Pair& p) {
    const std::vector<int> data = pattern(p.from, kInts);
    if (!p.sender) return receive(p, 2);
    MPI_Request request;
    CALL(MPI_Ssend_c(data.data(), kInts, MPI_INT, p.to, p.tag, kWorld));
    CALL(MPI_Issend_c(data.data(), kInts, MPI_INT, p.to, p.tag, kWorld, &request));
    CALL(MPI_Wait(&request, MPI_STATUS_IGNORE));
  });
}

CASE(large_synchronous_nonblocking) {
  c.each_link(Needs::both, [&](const Pair& p) {
    const std::vector<int> data = pattern(p.from, kInts);
    if (!p.sender) return receive(p, 1);
    MPI_Request request;
    CALL(MPI_Issend_c(data.data(), kInts, MPI_INT, p.to, p.tag, kWorld, &request));
    CALL(MPI_Wait(&request, MPI_STATUS_IGNORE));
  });
}

CASE(large_buffered) {
  std::vector<char> memory(4096 + MPI_BSEND_OVERHEAD);
  CALL(MPI_Buffer_attach_c(memory.data(), static_cast<MPI_Count>(memory.size())));
  c.each_link(Needs::one_way, [&](const Pair& p) {
    const std::vector<int> data = pattern(p.from, kInts);
    if (!p.sender) return receive(p, 2);
    MPI_Request request;
    CALL(MPI_Bsend_c(data.data(), kInts, MPI_INT, p.to, p.tag, kWorld));
    CALL(MPI_Ibsend_c(data.data(), kInts, MPI_INT, p.to, p.tag, kWorld, &request));
    CALL(MPI_Wait(&request, MPI_STATUS_IGNORE));
  });
  void* address = nullptr;
  MPI_Count bytes = 0;
  CALL(MPI_Buffer_detach_c(&address, &bytes));
  CHECK(address == memory.data());
}

/// Ready sends: where there is a way back the receiver says when it is.
CASE(large_ready) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    std::vector<int> data = pattern(p.from, kInts);
    int ready = 1;
    std::array<MPI_Request, 2> requests;
    if (p.sender) {
      if (p.both_way) CALL(MPI_Recv(&ready, 1, MPI_INT, p.to, p.tag + 1, kWorld, MPI_STATUS_IGNORE));
      CALL(MPI_Rsend_c(data.data(), kInts, MPI_INT, p.to, p.tag, kWorld));
      CALL(MPI_Irsend_c(data.data(), kInts, MPI_INT, p.to, p.tag, kWorld, &requests[0]));
      return CALL(MPI_Wait(&requests[0], MPI_STATUS_IGNORE));
    }
    std::vector<int> first(kInts), second(kInts);
    CALL(MPI_Irecv_c(first.data(), kInts, MPI_INT, p.from, p.tag, kWorld, &requests[0]));
    CALL(MPI_Irecv_c(second.data(), kInts, MPI_INT, p.from, p.tag, kWorld, &requests[1]));
    if (p.both_way) CALL(MPI_Send(&ready, 1, MPI_INT, p.from, p.tag + 1, kWorld));
    CALL(MPI_Waitall(2, requests.data(), MPI_STATUSES_IGNORE));
    CHECK(first == data && second == data);
  });
}

CASE(large_sendrecv) {
  c.each_link(Needs::both, [&](const Pair& p) {
    const std::vector<int> sent = pattern(c.rank, kInts), expected = pattern(p.other(), kInts);
    std::vector<int> got(kInts), same = sent;
    MPI_Request request;
    CALL(MPI_Sendrecv_c(sent.data(), kInts, MPI_INT, p.other(), p.tag, got.data(), kInts, MPI_INT, p.other(), p.tag,
                        kWorld, MPI_STATUS_IGNORE));
    CHECK(got == expected);
    CALL(MPI_Sendrecv_replace_c(same.data(), kInts, MPI_INT, p.other(), p.tag, p.other(), p.tag, kWorld,
                                MPI_STATUS_IGNORE));
    CHECK(same == expected);
    got.assign(kInts, -1);
    CALL(MPI_Isendrecv_c(sent.data(), kInts, MPI_INT, p.other(), p.tag, got.data(), kInts, MPI_INT, p.other(), p.tag,
                         kWorld, &request));
    CALL(MPI_Wait(&request, MPI_STATUS_IGNORE));
    CHECK(got == expected);
    CALL(MPI_Isendrecv_replace_c(got.data(), kInts, MPI_INT, p.other(), p.tag, p.other(), p.tag, kWorld, &request));
    CALL(MPI_Wait(&request, MPI_STATUS_IGNORE));
    CHECK(got == sent);
  });
}

using MakeSend = int (*)(const void*, MPI_Count, MPI_Datatype, int, int, MPI_Comm, MPI_Request*);

/// Persistent sends of all modes, each started twice.
void persistent(const Case& c, Needs needs, MakeSend make, const char* name) {
  c.each_link(needs, [&](const Pair& p) {
    std::vector<int> data = pattern(p.from, kInts);
    int ready = 1;
    MPI_Request request;
    if (p.sender) {
      require(make(data.data(), kInts, MPI_INT, p.to, p.tag, kWorld, &request), name, __FILE__, __LINE__);
    } else {
      CALL(MPI_Recv_init_c(data.data(), kInts, MPI_INT, p.from, p.tag, kWorld, &request));
    }
    for (int round = 0; round < 2; ++round) {
      if (!p.sender) data.assign(kInts, -1);
      if (p.sender && p.both_way) CALL(MPI_Recv(&ready, 1, MPI_INT, p.to, p.tag + 1, kWorld, MPI_STATUS_IGNORE));
      CALL(MPI_Start(&request));
      if (!p.sender && p.both_way) CALL(MPI_Send(&ready, 1, MPI_INT, p.from, p.tag + 1, kWorld));
      CALL(MPI_Wait(&request, MPI_STATUS_IGNORE));
      CHECK(data == pattern(p.from, kInts));
    }
    CALL(MPI_Request_free(&request));
  });
}

CASE(large_send_init) { persistent(c, Needs::one_way, MPI_Send_init_c, "MPI_Send_init_c"); }
CASE(large_ssend_init) { persistent(c, Needs::both, MPI_Ssend_init_c, "MPI_Ssend_init_c"); }
CASE(large_rsend_init) { persistent(c, Needs::one_way, MPI_Rsend_init_c, "MPI_Rsend_init_c"); }
CASE(large_bsend_init) {
  std::vector<char> memory(4096 + MPI_BSEND_OVERHEAD);
  CALL(MPI_Buffer_attach(memory.data(), static_cast<int>(memory.size())));
  persistent(c, Needs::one_way, MPI_Bsend_init_c, "MPI_Bsend_init_c");
  void* address = nullptr;
  int bytes = 0;
  CALL(MPI_Buffer_detach(&address, &bytes));
}

CASE(large_matched_probes) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    const std::vector<int> data = pattern(p.from, kInts);
    for (int i = 0; i < 2 && p.sender; ++i) CALL(MPI_Send_c(data.data(), kInts, MPI_INT, p.to, p.tag, kWorld));
    if (p.sender) return;
    MPI_Message message;
    MPI_Request request;
    std::vector<int> got(kInts, -1);
    CALL(MPI_Mprobe(p.from, p.tag, kWorld, &message, MPI_STATUS_IGNORE));
    CALL(MPI_Mrecv_c(got.data(), kInts, MPI_INT, &message, MPI_STATUS_IGNORE));
    CHECK(got == data);
    got.assign(kInts, -1);
    CALL(MPI_Mprobe(p.from, p.tag, kWorld, &message, MPI_STATUS_IGNORE));
    CALL(MPI_Imrecv_c(got.data(), kInts, MPI_INT, &message, &request));
    CALL(MPI_Wait(&request, MPI_STATUS_IGNORE));
    CHECK(got == data);
  });
}

CASE(large_pack) {
  const std::vector<int> data = pattern(c.rank, kInts);
  std::vector<int> back(kInts);
  std::vector<char> memory(256);
  MPI_Count size = 0, position = 0;
  CALL(MPI_Pack_size_c(kInts, MPI_INT, kWorld, &size));
  CHECK(size >= kInts * 4);
  CALL(MPI_Pack_c(data.data(), kInts, MPI_INT, memory.data(), 256, &position, kWorld));
  size = position;
  position = 0;
  CALL(MPI_Unpack_c(memory.data(), size, &position, back.data(), kInts, MPI_INT, kWorld));
  CHECK(back == data);
}

/// More than an int holds.
constexpr MPI_Count kBeyondInt = (MPI_Count{1} << 31) + 5;

CASE(bcast_beyond_int) {
  MPI_Datatype nothing;
  CALL(MPI_Type_contiguous(0, MPI_INT, &nothing));
  CALL(MPI_Type_commit(&nothing));
  int value = c.rank;
  c.each_root([&](int root) {
    CALL(MPI_Bcast_c(&value, kBeyondInt, nothing, root, kWorld));
    CHECK_EQ(value, c.rank);
  });
  CALL(MPI_Type_free(&nothing));
}

/// Memory beyond 2 GiB, of which a program uses the first pages and the last; and where each rank's byte lies in it.
class FarApart {
 public:
  explicit FarApart(const Case& c) : counts(static_cast<std::size_t>(c.size), 1) {
    void* got = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(got != MAP_FAILED);
    if (got == MAP_FAILED) throw Stopped{};
    memory_ = static_cast<unsigned char*>(got);
    for (int i = 0; i + 1 < c.size; ++i) places.push_back(i);
    places.push_back(kBeyondInt);
  }
  FarApart(const FarApart&) = delete;
  FarApart& operator=(const FarApart&) = delete;
  ~FarApart() { ::munmap(memory_, kBytes); }

  [[nodiscard]] unsigned char* data() const { return memory_; }
  [[nodiscard]] unsigned char& of(int rank) const { return memory_[places[static_cast<std::size_t>(rank)]]; }

  std::vector<MPI_Count> counts;
  std::vector<MPI_Aint> places;

 private:
  static constexpr std::size_t kBytes = kBeyondInt + 4096;
  unsigned char* memory_ = nullptr;
};

CASE(gatherv_beyond_int) {
  const FarApart far(c);
  const auto mine = static_cast<unsigned char>(c.rank + 1);
  c.each_root([&](int root) {
    for (int i = 0; i < c.size; ++i) far.of(i) = 0;
    CALL(MPI_Gatherv_c(&mine, 1, MPI_UNSIGNED_CHAR, far.data(), far.counts.data(), far.places.data(), MPI_UNSIGNED_CHAR,
                       root, kWorld));
    for (int i = 0; i < c.size; ++i) CHECK_EQ(far.of(i), c.rank == root ? i + 1 : 0);
  });
}

CASE(scatterv_beyond_int) {
  const FarApart far(c);
  c.each_root([&](int root) {
    for (int i = 0; i < c.size; ++i) far.of(i) = static_cast<unsigned char>(c.rank == root ? i + 1 : 0);
    unsigned char got = 0;
    CALL(MPI_Scatterv_c(far.data(), far.counts.data(), far.places.data(), MPI_UNSIGNED_CHAR, &got, 1, MPI_UNSIGNED_CHAR,
                        root, kWorld));
    CHECK_EQ(got, c.rank + 1);
  });
}

/// The host MPI alone does not look for this.
CASE(count_beyond_any_message) {
  if (c.one_subject()) return;
  int value = 0;
  CALL_FAILS(MPI_ERR_COUNT, MPI_Bcast_c(&value, MPI_Count{1} << 62, MPI_INT, 0, kWorld));
  CALL_FAILS(MPI_ERR_COUNT,
             MPI_Scatter_c(&value, MPI_Count{1} << 41, MPI_CHAR, &value, MPI_Count{1} << 41, MPI_CHAR, 0, kWorld));
}

}  // namespace
}  // namespace sluice::conformance
#endif
