// Random traffic over all flows of a run and inside its subjects. Every rank derives the same plan from the seed, so
// each knows what it must receive, from whom, in which order, and with which content.
//
// usage: traffic SEED MESSAGES MAX_BYTES_PER_FLOW
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <random>

#include "tests/integration/layout.hpp"
#include "tests/support/subjects.hpp"

namespace sluice::testing {
namespace {

constexpr std::size_t kLargest = std::size_t{8} << 20;
constexpr int kTags = 5;
constexpr std::size_t kMostDerived = std::size_t{256} << 10;  ///< layouts with gaps are slow to check

struct Message {
  std::uint64_t id;
  int from, to, tag;
  Content content;
  std::size_t bytes;
};

using Messages = std::deque<const Message*>;

std::size_t random_size(std::mt19937_64& random) {
  if (random() % 8 == 0) return 0;
  if (random() % 16 == 0) return kLargest;
  const double exponent = std::uniform_real_distribution<>(0, 23)(random);
  return std::min(kLargest, static_cast<std::size_t>(std::exp2(exponent)));
}

/// All messages of the run, in the order in which each rank sends its own.
std::vector<Message> plan(std::uint64_t seed, int per_pair, std::size_t most_per_flow, const Job& job) {
  std::mt19937_64 random(seed);
  std::vector<Message> messages;
  int subjects = 0;
  MPIX_Subject_count(&subjects);
  std::vector<std::size_t> used(static_cast<std::size_t>(subjects * subjects));
  for (int i = 0; i < per_pair * job.size() * job.size(); ++i) {
    Message message{};
    message.id = seed + static_cast<std::uint64_t>(i);
    message.from = static_cast<int>(random() % static_cast<unsigned>(job.size()));
    message.to = static_cast<int>(random() % static_cast<unsigned>(job.size()));
    message.tag = static_cast<int>(random() % kTags);
    message.content = static_cast<Content>(random() % 3);
    message.bytes = random_size(random);
    if (message.content != Content::bytes) message.bytes = std::min(message.bytes, kMostDerived);
    if (message.content == Content::ints) message.bytes -= message.bytes % (kIntBlock * sizeof(int));
    if (message.content == Content::pairs) message.bytes -= message.bytes % kPairBytes;
    int from = 0, to = 0, allowed = 0;
    MPIX_Subject_of_rank(message.from, &from);
    MPIX_Subject_of_rank(message.to, &to);
    MPIX_Flow_allowed(from, to, &allowed);
    std::size_t& flow = used[static_cast<std::size_t>(from * subjects + to)];
    if (allowed == 0 || message.from == message.to || flow + message.bytes > most_per_flow) continue;
    flow += message.bytes;
    messages.push_back(message);
  }
  return messages;
}

class Traffic {
 public:
  Traffic(const Job& job, std::uint64_t seed, const std::vector<Message>& messages)
      : job_(job),
        random_(mixed(seed, static_cast<std::uint64_t>(job.rank()))),
        expected_(static_cast<std::size_t>(job.size())) {
    for (const Message& message : messages) {
      if (message.from == job.rank()) outgoing_.push_back(&message);
      if (message.to == job.rank()) expected_[static_cast<std::size_t>(message.from)].push_back(&message);
    }
  }

  void run() {
    start_mutual_sends();
    while (!outgoing_.empty() || pending() > 0) {
      if (!outgoing_.empty() && (random_() % 2 == 0 || pending() == 0)) {
        send_one();
      } else {
        receive_some();
      }
    }
    CHECK_EQ(MPI_Waitall(static_cast<int>(sends_.size()), sends_.data(), MPI_STATUSES_IGNORE), MPI_SUCCESS);
  }

 private:
  struct Posted {
    const Message* message;  ///< null: found out from the status
    Layout layout;
  };

  [[nodiscard]] std::size_t pending() const {
    std::size_t count = 0;
    for (const Messages& queue : expected_) count += queue.size();
    return count;
  }

  /// Whether `rank` may send to this one too: in the same subject, or over a flow back.
  [[nodiscard]] bool may_answer(int rank) const {
    int subject = -1;
    int allowed = 0;
    MPIX_Subject_of_rank(rank, &subject);
    MPIX_Flow_allowed(subject, job_.subject(), &allowed);
    return allowed != 0;
  }

  Layout& fill(const Message& message) {
    sent_.emplace_back(message.content, message.bytes, random_);
    sent_.back().put(payload(message.id, message.bytes));
    return sent_.back();
  }

  void isend(const Message& message) {
    Layout& layout = fill(message);
    sends_.emplace_back();
    CHECK_EQ(MPI_Isend(layout.buffer(), layout.count(), layout.type(), message.to, message.tag, MPI_COMM_WORLD,
                       &sends_.back()),
             MPI_SUCCESS);
  }

  /// Sends to ranks that may answer are started before anything waits, so that no ring of ranks waits for itself.
  void start_mutual_sends() {
    for (const Message* message : outgoing_) {
      if (may_answer(message->to)) isend(*message);
    }
    std::erase_if(outgoing_, [this](const Message* message) { return may_answer(message->to); });
  }

  void send_one() {
    const Message& message = *outgoing_.front();
    outgoing_.pop_front();
    if (random_() % 2 == 0) {
      isend(message);
      return;
    }
    Layout& layout = fill(message);
    CHECK_EQ(MPI_Send(layout.buffer(), layout.count(), layout.type(), message.to, message.tag, MPI_COMM_WORLD),
             MPI_SUCCESS);
    sent_.pop_back();  // the send is over: its buffer may go
  }

  void receive_some() {
    switch (random_() % 4) {
      case 0:
        receive_named();
        break;
      case 1:
        receive_probed();
        break;
      case 2:
        receive_any();
        break;
      default:
        receive_batch();
    }
  }

  /// Takes the first message of `from` with `tag` (any if negative) off the expected ones.
  const Message* expect(int from, int tag) {
    Messages& queue = expected_[static_cast<std::size_t>(from)];
    const auto found =
        std::find_if(queue.begin(), queue.end(), [tag](const Message* m) { return tag < 0 || m->tag == tag; });
    if (found == queue.end()) return nullptr;
    const Message* message = *found;
    queue.erase(found);
    return message;
  }

  /// Any message that is still to come.
  const Message* pick() {
    std::size_t index = random_() % pending();
    for (const Messages& queue : expected_) {
      if (index < queue.size()) return queue[index];
      index -= queue.size();
    }
    return nullptr;
  }

  static void verify(const Message& message, const Layout& layout, const MPI_Status& status) {
    CHECK_EQ(status.MPI_SOURCE, message.from);
    CHECK_EQ(status.MPI_TAG, message.tag);
    int bytes = -1;
    MPI_Get_count(&status, MPI_BYTE, &bytes);
    CHECK_EQ(bytes, message.bytes);
    CHECK(layout.take() == payload(message.id, message.bytes));
    CHECK(layout.gaps_untouched());
  }

  void receive_into(const Message& message, int from, int tag) {
    Layout layout(message.content, message.bytes, random_);
    MPI_Status status;
    CHECK_EQ(MPI_Recv(layout.buffer(), layout.count(), layout.type(), from, tag, MPI_COMM_WORLD, &status), MPI_SUCCESS);
    verify(message, layout, status);
  }

  void receive_named() {
    const Message* wanted = pick();
    const int tag = random_() % 2 == 0 ? wanted->tag : MPI_ANY_TAG;
    const Message* message = expect(wanted->from, tag);
    receive_into(*message, message->from, tag);
  }

  /// Probe for anything, then receive just that.
  void receive_probed() {
    MPI_Status status;
    if (random_() % 2 == 0) {
      CHECK_EQ(MPI_Probe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &status), MPI_SUCCESS);
    } else {
      int flag = 0;
      while (flag == 0) MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &flag, &status);
    }
    const Message* message = expect(status.MPI_SOURCE, -1);
    if (!CHECK(message != nullptr)) std::exit(1);
    CHECK_EQ(status.MPI_TAG, message->tag);
    int bytes = -1;
    MPI_Get_count(&status, MPI_BYTE, &bytes);
    CHECK_EQ(bytes, message->bytes);
    receive_into(*message, status.MPI_SOURCE, status.MPI_TAG);
  }

  void receive_any() {
    std::vector<std::byte> buffer(kLargest);
    MPI_Status status;
    CHECK_EQ(MPI_Recv(buffer.data(), static_cast<int>(buffer.size()), MPI_BYTE, MPI_ANY_SOURCE, MPI_ANY_TAG,
                      MPI_COMM_WORLD, &status),
             MPI_SUCCESS);
    const Message* message = expect(status.MPI_SOURCE, -1);
    if (!CHECK(message != nullptr)) std::exit(1);
    CHECK_EQ(status.MPI_TAG, message->tag);
    int bytes = -1;
    MPI_Get_count(&status, MPI_BYTE, &bytes);
    CHECK_EQ(bytes, message->bytes);
    buffer.resize(message->bytes);
    CHECK(buffer == payload(message->id, message->bytes));
  }

  /// Several receives at once, from other subjects and the own one, completed in one of MPI's ways.
  void receive_batch() {
    std::vector<Posted> posted;
    std::vector<MPI_Request> requests;
    const std::size_t wanted = std::min<std::size_t>(1 + random_() % 6, pending());
    while (posted.size() < wanted) {
      const Message* next = pick();
      const Message* message = expect(next->from, next->tag);
      posted.push_back({message, Layout(message->content, message->bytes, random_)});
      requests.push_back(MPI_REQUEST_NULL);
      Layout& layout = posted.back().layout;
      CHECK_EQ(MPI_Irecv(layout.buffer(), layout.count(), layout.type(), message->from, message->tag, MPI_COMM_WORLD,
                         &requests.back()),
               MPI_SUCCESS);
    }
    if (random_() % 3 == 0) {
      complete_together(requests, posted);
    } else {
      complete_one_by_one(requests, posted);
    }
  }

  void complete_together(std::vector<MPI_Request>& requests, const std::vector<Posted>& posted) {
    std::vector<MPI_Status> statuses(requests.size());
    const int count = static_cast<int>(requests.size());
    if (random_() % 2 == 0) {
      CHECK_EQ(MPI_Waitall(count, requests.data(), statuses.data()), MPI_SUCCESS);
    } else {
      int flag = 0;
      while (flag == 0) CHECK_EQ(MPI_Testall(count, requests.data(), &flag, statuses.data()), MPI_SUCCESS);
    }
    for (std::size_t i = 0; i < posted.size(); ++i) verify(*posted[i].message, posted[i].layout, statuses[i]);
  }

  /// The arrays also hold all sends that go on, and so MPI_REQUEST_NULL once those are over.
  void complete_one_by_one(std::vector<MPI_Request>& requests, const std::vector<Posted>& posted) {
    const std::size_t receives = posted.size();
    requests.insert(requests.end(), sends_.begin(), sends_.end());
    std::size_t left = receives;
    while (left > 0) {
      std::vector<int> indexes(requests.size());
      std::vector<MPI_Status> statuses(requests.size());
      const int done = complete_some(requests, indexes, statuses);
      for (int i = 0; i < done; ++i) {
        const auto index = static_cast<std::size_t>(indexes[static_cast<std::size_t>(i)]);
        if (index >= receives) continue;
        verify(*posted[index].message, posted[index].layout, statuses[static_cast<std::size_t>(i)]);
        --left;
      }
    }
    std::copy(requests.begin() + static_cast<std::ptrdiff_t>(receives), requests.end(), sends_.begin());
  }

  int complete_some(std::vector<MPI_Request>& requests, std::vector<int>& indexes, std::vector<MPI_Status>& statuses) {
    const int count = static_cast<int>(requests.size());
    int done = 0;
    int flag = 1;
    switch (random_() % 4) {
      case 0:
        CHECK_EQ(MPI_Waitany(count, requests.data(), indexes.data(), statuses.data()), MPI_SUCCESS);
        done = 1;
        break;
      case 1:
        CHECK_EQ(MPI_Testany(count, requests.data(), indexes.data(), &flag, statuses.data()), MPI_SUCCESS);
        done = flag;
        break;
      case 2:
        CHECK_EQ(MPI_Waitsome(count, requests.data(), &done, indexes.data(), statuses.data()), MPI_SUCCESS);
        break;
      default:
        CHECK_EQ(MPI_Testsome(count, requests.data(), &done, indexes.data(), statuses.data()), MPI_SUCCESS);
    }
    if (!CHECK(done != MPI_UNDEFINED && (done == 0 || indexes[0] != MPI_UNDEFINED))) std::exit(1);
    return done;
  }

  const Job& job_;
  std::mt19937_64 random_;
  Messages outgoing_;
  std::vector<Messages> expected_;  ///< by source, in the order of sending
  std::deque<Layout> sent_;         ///< buffers of sends that go on
  std::vector<MPI_Request> sends_;
};

}  // namespace
}  // namespace sluice::testing

int main(int argc, char** argv) {
  using namespace sluice::testing;
  const Job job(&argc, &argv, 90);
  const std::uint64_t seed = std::strtoull(argv[1], nullptr, 10);
  Verdict::get().start(job.name() + " rank " + std::to_string(job.rank()) + " seed " + argv[1], 90);
  Verdict::get().begin("traffic");
  const auto messages = plan(seed, std::atoi(argv[2]), std::strtoull(argv[3], nullptr, 10), job);
  Traffic(job, seed, messages).run();
  return Job::finish();
}
