// More than a queue holds, where the policy says that it is to spill or to be dropped.
//
// usage: overflow WHAT FILE
//   `low` sends messages of many sizes and then broadcasts, without a pause. `high` makes no MPI call until FILE is
//   there. spill  every message and broadcast must come, whole and in order drop   each comes, or the receive that
//   would have taken it says that it is missing; and the counts agree
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/subjects.hpp"

namespace sluice::testing {
namespace {

constexpr int kMessages = 600;
constexpr int kBroadcasts = 40;
constexpr int kTags = 3;
constexpr std::size_t kBroadcastBytes = 300000;

/// Many small ones, some of several fragments, some larger than a segment.
std::size_t size_of(int i) {
  const std::uint64_t choice = mixed(99, static_cast<std::uint64_t>(i));
  if (choice % 10 < 6) return choice / 16 % 5000;
  return choice / 16 % (choice % 10 < 9 ? 40000 : 400000);
}

void send_all() {
  for (int i = 0; i < kMessages; ++i) {
    CHECK_EQ(send_bytes(payload(static_cast<unsigned>(i), size_of(i)), Job::rank_of("high"), i % kTags), MPI_SUCCESS);
  }
  for (int i = 0; i < kBroadcasts; ++i) {
    std::vector<std::byte> data = payload(1000U + static_cast<unsigned>(i), kBroadcastBytes);
    CHECK_EQ(MPI_Bcast(data.data(), static_cast<int>(data.size()), MPI_BYTE, 0, MPI_COMM_WORLD), MPI_SUCCESS);
  }
  std::puts("all sent");
  std::fflush(stdout);
}

struct Account {
  long long missed = 0;
  long long missed_bytes = 0;
  int came = 0;

  /// True if the data must be there.
  bool note(int code, std::size_t bytes, bool drops) {
    if (code == MPI_SUCCESS) {
      ++came;
      return true;
    }
    CHECK(drops);
    CHECK_EQ(error_class(code), MPIX_ERR_MISSED);
    ++missed;
    missed_bytes += static_cast<long long>(bytes);
    return false;
  }
};

void receive_one(int i, Account& account, bool drops) {
  const int low = Job::rank_of("low");
  std::vector<std::byte> data(size_of(i));
  MPI_Status status;
  if (i % 7 == 0) CHECK_EQ(MPI_Probe(low, i % kTags, MPI_COMM_WORLD, &status), MPI_SUCCESS);
  int code = MPI_SUCCESS;
  if (i % 5 == 0) {
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Irecv(data.data(), static_cast<int>(data.size()), MPI_BYTE, low, i % kTags, MPI_COMM_WORLD, &request);
    code = MPI_Wait(&request, &status);
  } else {
    code = MPI_Recv(data.data(), static_cast<int>(data.size()), MPI_BYTE, low, i % kTags, MPI_COMM_WORLD, &status);
  }
  CHECK_EQ(status.MPI_SOURCE, low);
  CHECK_EQ(status.MPI_TAG, i % kTags);
  if (account.note(code, size_of(i), drops)) {
    CHECK(data == payload(static_cast<unsigned>(i), size_of(i)));
  }
}

void receive_all(bool drops) {
  const int low = Job::rank_of("low");
  Account account;
  // Each tag in its own order, the tags among themselves in another than that of sending.
  for (int tag = kTags - 1; tag >= 0; --tag) {
    for (int i = tag; i < kMessages; i += kTags) receive_one(i, account, drops);
  }
  const long long missed_receives = account.missed;
  for (int i = 0; i < kBroadcasts; ++i) {
    std::vector<std::byte> data(kBroadcastBytes);
    const int code = MPI_Bcast(data.data(), static_cast<int>(data.size()), MPI_BYTE, 0, MPI_COMM_WORLD);
    if (account.note(code, kBroadcastBytes, drops)) {
      CHECK(data == payload(1000U + static_cast<unsigned>(i), kBroadcastBytes));
    }
  }
  int value = 0;
  CHECK_EQ(error_class(MPI_Recv(&value, 1, MPI_INT, low, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE)), MPIX_ERR_ENDED);
  long long messages = -1, bytes = -1;
  CHECK_EQ(MPIX_Missed(low, &messages, &bytes), MPI_SUCCESS);
  // A broadcast may be several messages.
  const long long missed_broadcasts = account.missed - missed_receives;
  CHECK(messages >= account.missed);
  CHECK((messages - missed_receives) % std::max(missed_broadcasts, 1LL) == 0);
  CHECK_EQ(bytes, account.missed_bytes);
  CHECK_EQ(account.came + account.missed, kMessages + kBroadcasts);
  CHECK_EQ(account.missed != 0, drops);
  CHECK(account.came > 20);
  CHECK_EQ(MPIX_Missed(99, &messages, &bytes), MPI_ERR_RANK);
  std::printf("came %d, missed %lld of %lld bytes\n", account.came, account.missed, account.missed_bytes);
}

}  // namespace
}  // namespace sluice::testing

int main(int argc, char** argv) {
  using namespace sluice::testing;
  const Job job(&argc, &argv);
  const std::string what = argc > 1 ? argv[1] : "";
  Verdict::get().begin("overflow");
  if (job.is("low")) {
    send_all();
  } else {
    const char* file = argv[2];
    CHECK(await([file] { return ::access(file, F_OK) == 0; }, 50));
    receive_all(what == "drop");
  }
  return Job::finish();
}
