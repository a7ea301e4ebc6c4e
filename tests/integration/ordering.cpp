// MPI's rules of order (MPI 3.1, section 3.5) on MPI_COMM_WORLD of two subjects that may send to each other:
// `left` has ranks 0 and 1, `right` has ranks 2 and 3. Rank 2 receives; what it is to receive is sent when it says so.
#include <array>
#include <map>
#include <vector>

#include "tests/support/subjects.hpp"

namespace sluice::testing {
namespace {

constexpr int kReceiver = 2;
constexpr int kRemote = 0;
constexpr int kOtherRemote = 1;
constexpr int kLocal = 3;
constexpr int kGo = 30001;
constexpr int kMany = 300;

/// Tells `rank` to begin.
void go(int rank) { CHECK_EQ(send_int(0, rank, kGo), MPI_SUCCESS); }
void wait_for_go() { receive_int(kReceiver, kGo); }

/// Sends ints to the receiver, each with its tag, once the receiver says so.
void send_when_told(const std::vector<std::pair<int, int>>& value_and_tag) {
  wait_for_go();
  for (const auto& [value, tag] : value_and_tag) CHECK_EQ(send_int(value, kReceiver, tag), MPI_SUCCESS);
}

/// A receive of one int that was posted, and its value when it is done.
struct Posted {
  int value = -1;
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Status status{};

  void post(int from, int tag) {
    CHECK_EQ(MPI_Irecv(&value, 1, MPI_INT, from, tag, MPI_COMM_WORLD, &request), MPI_SUCCESS);
  }
  int wait() {
    CHECK_EQ(MPI_Wait(&request, &status), MPI_SUCCESS);
    return value;
  }
};

void same_tag_stays_in_order(const Job& job) {
  if (job.rank() == kRemote) {
    wait_for_go();
    for (int i = 0; i < kMany; ++i) {
      std::vector<int> data(1 + mixed(1, static_cast<unsigned>(i)) % 20000, i);
      CHECK_EQ(MPI_Send(data.data(), static_cast<int>(data.size()), MPI_INT, kReceiver, 5, MPI_COMM_WORLD),
               MPI_SUCCESS);
    }
  }
  if (job.rank() != kReceiver) return;
  go(kRemote);
  std::vector<int> data(20001);
  for (int i = 0; i < kMany; ++i) {
    MPI_Status status;
    const int from = i % 2 == 0 ? kRemote : MPI_ANY_SOURCE;
    const int tag = i % 3 == 0 ? 5 : MPI_ANY_TAG;
    CHECK_EQ(MPI_Recv(data.data(), 20001, MPI_INT, from, tag, MPI_COMM_WORLD, &status), MPI_SUCCESS);
    int count = 0;
    MPI_Get_count(&status, MPI_INT, &count);
    CHECK_EQ(data[0], i);
    CHECK_EQ(count, 1 + mixed(1, static_cast<unsigned>(i)) % 20000);
  }
}

void tags_select_from_what_waits(const Job& job) {
  if (job.rank() == kRemote) send_when_told({{10, 1}, {20, 2}, {11, 1}, {30, 3}});
  if (job.rank() != kReceiver) return;
  go(kRemote);
  CHECK_EQ(receive_int(kRemote, 3), 30);
  CHECK_EQ(receive_int(kRemote, 2), 20);
  CHECK_EQ(receive_int(kRemote, MPI_ANY_TAG), 10);
  CHECK_EQ(receive_int(MPI_ANY_SOURCE, 1), 11);
}

/// The first of two receives that both accept a message gets it, whichever of them is the wildcard.
void first_posted_receive_wins(const Job& job, int sender) {
  if (job.rank() == sender) {
    send_when_told({{1, 7}, {2, 7}});
    send_when_told({{3, 7}, {4, 7}});
    send_when_told({{5, 8}, {6, 7}});
  }
  if (job.rank() != kReceiver) return;
  Posted wildcard, named;
  wildcard.post(MPI_ANY_SOURCE, MPI_ANY_TAG);
  named.post(sender, 7);
  go(sender);
  CHECK_EQ(named.wait(), 2);
  CHECK_EQ(wildcard.wait(), 1);
  named.post(sender, 7);
  wildcard.post(MPI_ANY_SOURCE, 7);
  go(sender);
  CHECK_EQ(wildcard.wait(), 4);
  CHECK_EQ(named.wait(), 3);
  named.post(sender, 7);
  wildcard.post(MPI_ANY_SOURCE, MPI_ANY_TAG);
  go(sender);
  CHECK_EQ(wildcard.wait(), 5);
  CHECK_EQ(wildcard.status.MPI_TAG, 8);
  CHECK_EQ(named.wait(), 6);
}
void first_posted_receive_wins_remote(const Job& job) { first_posted_receive_wins(job, kRemote); }
void first_posted_receive_wins_local(const Job& job) { first_posted_receive_wins(job, kLocal); }

/// A blocking receive, too, leaves the first message to the wildcard that was posted before it.
void blocking_receive_does_not_overtake(const Job& job) {
  for (const int sender : {kRemote, kLocal}) {
    if (job.rank() == sender) send_when_told({{1, 7}, {2, 7}});
    if (job.rank() != kReceiver) continue;
    Posted wildcard;
    wildcard.post(MPI_ANY_SOURCE, 7);
    go(sender);
    CHECK_EQ(receive_int(sender, 7), 2);
    CHECK_EQ(wildcard.wait(), 1);
    CHECK_EQ(wildcard.status.MPI_SOURCE, sender);
  }
}

/// A receive that is posted after the message came does not take what a pending wildcard could have had.
void wildcard_takes_from_both_sides(const Job& job) {
  if (job.rank() == kRemote) send_when_told({{1, 9}});
  if (job.rank() == kLocal) send_when_told({{2, 9}});
  if (job.rank() != kReceiver) return;
  Posted first, second;
  first.post(MPI_ANY_SOURCE, 9);
  second.post(MPI_ANY_SOURCE, 9);
  go(kRemote);
  CHECK_EQ(first.wait(), 1);
  go(kLocal);
  CHECK_EQ(second.wait(), 2);
  CHECK_EQ(first.status.MPI_SOURCE, kRemote);
  CHECK_EQ(second.status.MPI_SOURCE, kLocal);
}

void numbered(int tag) {
  wait_for_go();
  for (int i = 0; i < kMany; ++i) CHECK_EQ(send_int(i, kReceiver, tag), MPI_SUCCESS);
}

/// Two remote senders and a local one race to receives from anywhere; each one's messages stay in order.
void senders_race_to_blocking_receives(const Job& job) {
  if (job.rank() != kReceiver) return numbered(4);
  for (const int sender : {kRemote, kOtherRemote, kLocal}) go(sender);
  std::array<int, 4> next{};
  for (int i = 0; i < 3 * kMany; ++i) {
    MPI_Status status;
    const int value = receive_int(MPI_ANY_SOURCE, i % 2 == 0 ? 4 : MPI_ANY_TAG, &status);
    if (!CHECK(status.MPI_SOURCE >= 0 && status.MPI_SOURCE < 4)) return;
    CHECK_EQ(value, next[static_cast<std::size_t>(status.MPI_SOURCE)]++);
  }
  for (const int sender : {kRemote, kOtherRemote, kLocal}) CHECK_EQ(next[static_cast<std::size_t>(sender)], kMany);
}

/// The same with receives in flight, of which several complete at once: they match in the order of posting.
void senders_race_to_posted_receives(const Job& job) {
  if (job.rank() != kReceiver) return numbered(4);
  std::vector<Posted> posted(3 * kMany);
  for (Posted& receive : posted) receive.post(MPI_ANY_SOURCE, 4);
  for (const int sender : {kRemote, kOtherRemote, kLocal}) go(sender);
  std::vector<MPI_Request> requests;
  for (const Posted& receive : posted) requests.push_back(receive.request);
  std::vector<MPI_Status> statuses(requests.size());
  CHECK_EQ(MPI_Waitall(static_cast<int>(requests.size()), requests.data(), statuses.data()), MPI_SUCCESS);
  std::map<int, int> next;
  for (std::size_t i = 0; i < posted.size(); ++i) CHECK_EQ(posted[i].value, next[statuses[i].MPI_SOURCE]++);
  CHECK_EQ(next.size(), 3);
}

void probe_shows_what_a_receive_would_take(const Job& job) {
  if (job.rank() == kRemote) send_when_told({{1, 11}, {2, 12}});
  if (job.rank() != kReceiver) return;
  MPI_Status status;
  int flag = 1;
  CHECK_EQ(MPI_Iprobe(kRemote, 12, MPI_COMM_WORLD, &flag, &status), MPI_SUCCESS);
  CHECK_EQ(flag, 0);
  go(kRemote);
  CHECK_EQ(MPI_Probe(kRemote, 12, MPI_COMM_WORLD, &status), MPI_SUCCESS);
  CHECK_EQ(status.MPI_TAG, 12);
  CHECK_EQ(MPI_Probe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &status), MPI_SUCCESS);
  CHECK_EQ(status.MPI_TAG, 11);
  CHECK_EQ(status.MPI_SOURCE, kRemote);
  CHECK_EQ(receive_int(status.MPI_SOURCE, status.MPI_TAG), 1);
  CHECK_EQ(receive_int(MPI_ANY_SOURCE, MPI_ANY_TAG), 2);
}

/// The same tag on MPI_COMM_SUBJECT and on MPI_COMM_WORLD: no message crosses from one to the other.
void communicators_are_apart(const Job& job) {
  int value = 0;
  if (job.rank() == kLocal) {
    wait_for_go();
    value = 1;
    CHECK_EQ(MPI_Send(&value, 1, MPI_INT, 0, 13, MPI_COMM_SUBJECT), MPI_SUCCESS);
    CHECK_EQ(send_int(2, kReceiver, 13), MPI_SUCCESS);
  }
  if (job.rank() != kReceiver) return;
  Posted world;
  world.post(MPI_ANY_SOURCE, 13);
  go(kLocal);
  CHECK_EQ(MPI_Recv(&value, 1, MPI_INT, 1, 13, MPI_COMM_SUBJECT, MPI_STATUS_IGNORE), MPI_SUCCESS);
  CHECK_EQ(value, 1);
  CHECK_EQ(world.wait(), 2);
}

struct Case {
  const char* name;
  void (*run)(const Job&);
};

constexpr Case kCases[] = {
    {"same_tag_stays_in_order", same_tag_stays_in_order},
    {"tags_select_from_what_waits", tags_select_from_what_waits},
    {"first_posted_receive_wins_remote", first_posted_receive_wins_remote},
    {"first_posted_receive_wins_local", first_posted_receive_wins_local},
    {"blocking_receive_does_not_overtake", blocking_receive_does_not_overtake},
    {"wildcard_takes_from_both_sides", wildcard_takes_from_both_sides},
    {"senders_race_to_blocking_receives", senders_race_to_blocking_receives},
    {"senders_race_to_posted_receives", senders_race_to_posted_receives},
    {"probe_shows_what_a_receive_would_take", probe_shows_what_a_receive_would_take},
    {"communicators_are_apart", communicators_are_apart},
};

}  // namespace
}  // namespace sluice::testing

int main(int argc, char** argv) {
  using namespace sluice::testing;
  const Job job(&argc, &argv);
  for (const Case& one : kCases) {
    Verdict::get().begin(one.name);
    one.run(job);
  }
  return Job::finish();
}
