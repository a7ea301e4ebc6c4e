// Synchronous, buffered and ready sends (MPI 3.1, sections 3.4, 3.6, 3.7.2).
#include <array>
#include <vector>

#include "tests/conformance/harness.hpp"

namespace sluice::conformance {
namespace {

const MPI_Comm kWorld = MPI_COMM_WORLD;

/// Receives one int by `p` and compares.
void receive_one(const Pair& p, int expected) {
  int got = -1;
  MPI_Status status;
  CALL(MPI_Recv(&got, 1, MPI_INT, p.from, p.tag, kWorld, &status));
  CHECK_EQ(got, expected);
  CHECK_STATUS(status, p.from, p.tag, 1, MPI_INT);
}

/// Memory for buffered sends, attached while it lives.
class Attached {
 public:
  explicit Attached(std::size_t bytes) : memory_(bytes) {
    CALL(MPI_Buffer_attach(memory_.data(), static_cast<int>(bytes)));
  }
  Attached(const Attached&) = delete;
  Attached& operator=(const Attached&) = delete;
  ~Attached() { detach(); }
  void detach() {
    if (detached_) return;
    detached_ = true;
    void* address = nullptr;
    int bytes = 0;
    MPI_Buffer_detach(&address, &bytes);
    CHECK(address == memory_.data());
    CHECK_EQ(bytes, memory_.size());
  }

 private:
  std::vector<char> memory_;
  bool detached_ = false;
};

CASE(ssend) {
  c.each_link(Needs::both, [&](const Pair& p) {
    const int value = number(p.from, p.to);
    if (p.sender) return CALL(MPI_Ssend(&value, 1, MPI_INT, p.to, p.tag, kWorld));
    receive_one(p, value);
  });
}

/// A synchronous send is not complete before its receive has begun.
CASE(issend_waits_for_its_receive) {
  c.each_link(Needs::both, [&](const Pair& p) {
    const int value = number(p.from, p.to), go = 1;
    if (!p.sender) {
      // Begins with what is refused where nothing may come from there.
      int got = -1;
      CALL(MPI_Recv(&got, 1, MPI_INT, p.from, p.tag + 1, kWorld, MPI_STATUS_IGNORE));
      return receive_one(p, value);
    }
    MPI_Request request;
    int flag = -1;
    CALL(MPI_Issend(&value, 1, MPI_INT, p.to, p.tag, kWorld, &request));
    for (int i = 0; i < 20; ++i) {
      CALL(MPI_Test(&request, &flag, MPI_STATUS_IGNORE));
      CHECK_EQ(flag, 0);
    }
    CALL(MPI_Send(&go, 1, MPI_INT, p.to, p.tag + 1, kWorld));
    CALL(MPI_Wait(&request, MPI_STATUS_IGNORE));
    CHECK(request == MPI_REQUEST_NULL);
  });
}

CASE(issend_large) {
  c.each_link(Needs::both, [&](const Pair& p) {
    std::vector<int> data = pattern(p.from, 100000);
    MPI_Request request;
    if (p.sender) {
      CALL(MPI_Issend(data.data(), 100000, MPI_INT, p.to, p.tag, kWorld, &request));
    } else {
      data.assign(data.size(), -1);
      CALL(MPI_Irecv(data.data(), 100000, MPI_INT, p.from, p.tag, kWorld, &request));
    }
    CALL(MPI_Wait(&request, MPI_STATUS_IGNORE));
    CHECK(data == pattern(p.from, 100000));
  });
}

/// Received by probe, wildcard and matched probe, an acknowledgement comes all the same.
CASE(ssend_to_every_receive) {
  c.each_link(Needs::both, [&](const Pair& p) {
    int value = number(p.from, p.to);
    if (p.sender) {
      for (int i = 0; i < 4; ++i) CALL(MPI_Ssend(&value, 1, MPI_INT, p.to, p.tag, kWorld));
      return;
    }
    MPI_Status status;
    MPI_Message message;
    CALL(MPI_Probe(p.from, p.tag, kWorld, &status));
    receive_one(p, value);
    int got = -1;
    CALL(MPI_Recv(&got, 1, MPI_INT, MPI_ANY_SOURCE, p.tag, kWorld, &status));
    CHECK_EQ(got, value);
    CHECK_EQ(status.MPI_SOURCE, p.from);
    CALL(MPI_Mprobe(p.from, p.tag, kWorld, &message, &status));
    CALL(MPI_Mrecv(&got, 1, MPI_INT, &message, &status));
    CHECK_EQ(got, value);
    // Truncated, but received.
    CALL_FAILS(MPI_ERR_TRUNCATE, MPI_Recv(&got, 0, MPI_INT, p.from, p.tag, kWorld, MPI_STATUS_IGNORE));
  });
}

CASE(bsend) {
  Attached buffer(4 * (4096 + MPI_BSEND_OVERHEAD));
  c.each_link(Needs::one_way, [&](const Pair& p) {
    std::vector<int> data = pattern(p.from, 1024);
    if (p.sender) {
      CALL(MPI_Bsend(data.data(), 1024, MPI_INT, p.to, p.tag, kWorld));
      data.assign(data.size(), -2);
      return;
    }
    std::vector<int> got(1024, -1);
    CALL(MPI_Recv(got.data(), 1024, MPI_INT, p.from, p.tag, kWorld, MPI_STATUS_IGNORE));
    CHECK(got == data);
  });
  buffer.detach();
}

CASE(ibsend) {
  Attached buffer(4 * (4096 + MPI_BSEND_OVERHEAD));
  c.each_link(Needs::one_way, [&](const Pair& p) {
    const int value = number(p.from, p.to);
    if (!p.sender) return receive_one(p, value);
    MPI_Request request;
    CALL(MPI_Ibsend(&value, 1, MPI_INT, p.to, p.tag, kWorld, &request));
    CALL(MPI_Wait(&request, MPI_STATUS_IGNORE));
  });
}

/// Detaching waits until what is in the buffer has gone; then it can be attached again.
CASE(buffer_detach_and_attach_again) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    for (int round = 0; round < 3; ++round) {
      const int value = number(p.from, p.to, round);
      if (p.sender) {
        Attached buffer(64 + MPI_BSEND_OVERHEAD);
        CALL(MPI_Bsend(&value, 1, MPI_INT, p.to, p.tag, kWorld));
      } else {
        receive_one(p, value);
      }
    }
  });
}

/// On a communicator of its own: Open MPI 4.1.4 delivers nothing after it to the same rank.
CASE(bsend_without_room) {
  Attached buffer(16 + MPI_BSEND_OVERHEAD);
  const std::vector<int> data(100000);
  MPI_Comm alone = MPI_COMM_NULL;
  CALL(MPI_Comm_dup(MPI_COMM_SELF, &alone));
  CALL_FAILS(MPI_ERR_BUFFER, MPI_Bsend(data.data(), 100000, MPI_INT, 0, c.tag, alone));
  CALL(MPI_Comm_free(&alone));
}

CASE(rsend) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    const int value = number(p.from, p.to);
    int got = -1, ready = 1;
    MPI_Request request;
    if (p.sender) {
      // Where nothing comes back the receive cannot be known to be posted; Sluice keeps the message.
      if (p.both_way) CALL(MPI_Recv(&ready, 1, MPI_INT, p.to, p.tag + 1, kWorld, MPI_STATUS_IGNORE));
      CALL(MPI_Rsend(&value, 1, MPI_INT, p.to, p.tag, kWorld));
      return;
    }
    CALL(MPI_Irecv(&got, 1, MPI_INT, p.from, p.tag, kWorld, &request));
    if (p.both_way) CALL(MPI_Send(&ready, 1, MPI_INT, p.from, p.tag + 1, kWorld));
    CALL(MPI_Wait(&request, MPI_STATUS_IGNORE));
    CHECK_EQ(got, value);
  });
}

CASE(irsend) {
  c.each_link(Needs::one_way, [&](const Pair& p) {
    const int value = number(p.from, p.to);
    int got = -1, ready = 1;
    MPI_Request request;
    if (p.sender) {
      if (p.both_way) CALL(MPI_Recv(&ready, 1, MPI_INT, p.to, p.tag + 1, kWorld, MPI_STATUS_IGNORE));
      CALL(MPI_Irsend(&value, 1, MPI_INT, p.to, p.tag, kWorld, &request));
      return CALL(MPI_Wait(&request, MPI_STATUS_IGNORE));
    }
    CALL(MPI_Irecv(&got, 1, MPI_INT, p.from, p.tag, kWorld, &request));
    if (p.both_way) CALL(MPI_Send(&ready, 1, MPI_INT, p.from, p.tag + 1, kWorld));
    CALL(MPI_Wait(&request, MPI_STATUS_IGNORE));
    CHECK_EQ(got, value);
  });
}

}  // namespace
}  // namespace sluice::conformance
