// The subjects that must notice nothing.
//
//   honest send COUNT      sends COUNT numbered, patterned messages to every rank that it may send to
//   honest receive         receives until every sending rank has ended (60 s at most), and judges every frame
//   honest idle            joins and waits for its connection's end, 60 s at most
//
// `send` prints a trace that must not depend on the receivers. `receive` prints one line for each sending subject:
//   FROM name messages M probes P patterned H ended E cut C malformed X
// malformed counts frames whose source is no rank of that subject, or that do not make up messages.
#include <chrono>
#include <map>

#include "tests/attacks/hostile.hpp"

namespace {

using namespace sluice;           // NOLINT(google-build-using-namespace)
using namespace sluice::attacks;  // NOLINT(google-build-using-namespace)
using wire::FrameKind;

constexpr std::chrono::seconds kLongest{60};

/// What the privilege control table says beyond what RawRank reads of it.
class Table {
 public:
  explicit Table(const RawRank& rank) : table_(rank.table()) {}

  [[nodiscard]] const wire::SubjectEntry& subject(std::uint32_t index) const { return subjects()[index]; }
  [[nodiscard]] std::uint32_t capabilities() const {
    std::uint32_t count = 0;
    for (std::uint32_t rank = 0; rank < table_->rank_count; ++rank) {
      if (capability()[rank] != wire::kNoCapability) ++count;
    }
    return count;
  }
  [[nodiscard]] const wire::InflowEntry& inflow(std::uint32_t index) const {
    return reinterpret_cast<const wire::InflowEntry*>(capability() + table_->rank_count)[index];
  }
  [[nodiscard]] std::uint32_t inflows() const { return table_->inflow_count; }

 private:
  [[nodiscard]] const wire::SubjectEntry* subjects() const {
    return reinterpret_cast<const wire::SubjectEntry*>(table_ + 1);
  }
  [[nodiscard]] const std::uint32_t* capability() const {
    const auto* decisions = reinterpret_cast<const wire::DecisionEntry*>(subjects() + table_->subject_count);
    return reinterpret_cast<const std::uint32_t*>(decisions + 2 * std::size_t{table_->subject_count});
  }

  const wire::PrivilegeTable* table_;
};

std::byte pattern(std::uint64_t message, std::uint64_t place) {
  return static_cast<std::byte>((message * 31 + place * 7) & 0xff);
}

/// Sizes from nothing to several fragments.
std::uint64_t size_of(std::uint64_t message) { return message * 977 % 50'000; }

int send_all(RawRank& rank, std::uint64_t count) {
  const std::uint32_t capabilities = Table(rank).capabilities();
  for (std::uint64_t message = 0; message < count; ++message) {
    std::vector<std::byte> bytes(size_of(message));
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = pattern(message, i);
    for (std::uint32_t capability = 0; capability < capabilities; ++capability) {
      const bool sent = rank.send(capability, kHonestTag, bytes.data(), bytes.size());
      say("SEND " + std::to_string(message) + " to " + std::to_string(capability) + (sent ? " ok" : " failed"));
    }
    ::usleep(10'000);
  }
  return 0;
}

/// What came from one sending rank, judged frame by frame.
struct Source {
  std::uint64_t total = 0;
  std::int32_t tag = 0;
  std::vector<std::byte> bytes;
  std::uint64_t patterned = 0;
  bool open = false;
  bool ended = false;
};

class Judge {
 public:
  explicit Judge(const wire::SubjectEntry& from) : from_(from) {}

  void see(const testing::Received& received) {
    const wire::FrameHeader& header = received.header;
    const bool own = header.endpoint >= from_.first_rank && header.endpoint < from_.first_rank + from_.rank_count;
    if (!own || header.payload > wire::kMaxFragmentBytes) return spoiled();
    Source& source = sources_[header.endpoint];
    if (source.ended) return spoiled();
    switch (header.kind) {
      case FrameKind::message_start:
        if (source.open) return spoiled();
        source.open = true;
        source.total = header.extent;
        source.tag = header.tag;
        source.bytes.clear();
        return add(source, received);
      case FrameKind::message_part:
        if (!source.open || header.extent != source.bytes.size()) return spoiled();
        return add(source, received);
      case FrameKind::sender_ended:
        source.ended = true;
        if (source.open != (header.extent == 1)) spoiled();
        cut_ += header.extent == 1 ? 1 : 0;
        return;
      default:
        return spoiled();
    }
  }

  [[nodiscard]] std::uint32_t ended() const {
    std::uint32_t count = 0;
    for (const auto& [rank, source] : sources_) count += source.ended ? 1 : 0;
    return count;
  }
  [[nodiscard]] bool all_ended() const { return ended() == from_.rank_count; }
  [[nodiscard]] std::string report() const {
    return std::string("FROM ") + from_.name + " messages " + std::to_string(messages_) + " probes " +
           std::to_string(probes_) + " patterned " + std::to_string(patterned_) + " ended " + std::to_string(ended()) +
           " cut " + std::to_string(cut_) + " malformed " + std::to_string(malformed_);
  }

 private:
  void spoiled() { ++malformed_; }

  void add(Source& source, const testing::Received& received) {
    source.bytes.insert(source.bytes.end(), received.payload.begin(), received.payload.end());
    if (source.bytes.size() > source.total) return spoiled();
    if (source.bytes.size() < source.total) return;
    source.open = false;
    ++messages_;
    const bool probe = source.tag == kProbeTag && source.total == sizeof kProbeText &&
                       std::memcmp(source.bytes.data(), kProbeText, sizeof kProbeText) == 0;
    probes_ += probe ? 1 : 0;
    if (source.tag == kHonestTag) judge_pattern(source);
  }

  void judge_pattern(Source& source) {
    const std::uint64_t message = source.patterned++;
    bool right = source.total == size_of(message);
    for (std::size_t i = 0; right && i < source.bytes.size(); ++i) right = source.bytes[i] == pattern(message, i);
    patterned_ += right ? 1 : 0;
  }

  const wire::SubjectEntry& from_;
  std::map<std::uint32_t, Source> sources_;
  std::uint64_t messages_ = 0;
  std::uint64_t probes_ = 0;
  std::uint64_t patterned_ = 0;
  std::uint64_t cut_ = 0;
  std::uint64_t malformed_ = 0;
};

int receive_all(RawRank& rank) {
  const Table table(rank);
  std::vector<Judge> judges;
  for (std::uint32_t inflow = 0; inflow < table.inflows(); ++inflow) {
    judges.emplace_back(table.subject(table.inflow(inflow).source_subject));
  }
  const auto deadline = std::chrono::steady_clock::now() + kLongest;
  bool all_ended = judges.empty();
  while (!all_ended && std::chrono::steady_clock::now() < deadline) {
    all_ended = true;
    for (std::uint32_t inflow = 0; inflow < judges.size(); ++inflow) {
      if (judges[inflow].all_ended()) continue;
      while (const auto received = rank.receive(inflow, 0)) judges[inflow].see(*received);
      all_ended = all_ended && judges[inflow].all_ended();
    }
  }
  for (const Judge& judge : judges) say(judge.report());
  return all_ended ? 0 : 4;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string task = argc > 1 ? argv[1] : "";
  RawRank rank;
  if (task != "send" && task != "receive" && task != "idle") {
    std::fprintf(stderr, "usage: honest send COUNT | receive | idle\n");
    return 2;
  }
  join(rank);
  say("MAILBOXES " + std::to_string(count_mailboxes()));
  if (task == "send") return send_all(rank, argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 100);
  if (task == "receive") return receive_all(rank);
  return rank.dropped(60'000) ? 0 : 4;
}
