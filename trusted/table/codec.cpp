// Encoded table: little numbers and counted texts, back to back; see encode() for the order.
#include <algorithm>
#include <cstring>
#include <type_traits>

#include "trusted/table/table.hpp"
#include "wire/limits.hpp"
#include "wire/privilege_table.hpp"

namespace sluice::table {
namespace {

constexpr std::uint32_t kMagic = 0x534c5252;  // "SLRR"
constexpr std::uint32_t kVersion = 3;

class Writer {
 public:
  template <typename Number>
  void number(Number value) {
    static_assert(std::is_unsigned_v<Number>);
    const auto* first = reinterpret_cast<const std::byte*>(&value);
    bytes_.insert(bytes_.end(), first, first + sizeof value);
  }
  void text(const std::string& value) {
    number(static_cast<std::uint32_t>(value.size()));
    const auto* first = reinterpret_cast<const std::byte*>(value.data());
    bytes_.insert(bytes_.end(), first, first + value.size());
  }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

/// Reads from untrusted bytes. After the first failure everything reads as zero or empty, and error() says what failed.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : rest_(bytes) {}

  template <typename Number>
  Number number() {
    Number value = 0;
    if (failed_ || rest_.size() < sizeof value) {
      fail(TableError::malformed);
      return 0;
    }
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_ = rest_.subspan(sizeof value);
    return value;
  }
  /// A number that must not exceed `most`.
  std::uint32_t bounded(std::uint32_t most) {
    const auto value = number<std::uint32_t>();
    if (value > most) fail(TableError::over_limit);
    return failed_ ? 0 : value;
  }
  bool flag() {
    const auto value = number<std::uint32_t>();
    if (value > 1) fail(TableError::malformed);
    return !failed_ && value == 1;
  }
  /// A text for a zero-terminated field of `field` bytes.
  std::string text(std::size_t field) {
    const std::uint32_t size = bounded(static_cast<std::uint32_t>(field - 1));
    if (failed_ || rest_.size() < size) {
      fail(TableError::malformed);
      return {};
    }
    std::string value(reinterpret_cast<const char*>(rest_.data()), size);
    rest_ = rest_.subspan(size);
    return value;
  }
  void fail(TableError error) {
    if (!failed_) error_ = error;
    failed_ = true;
  }
  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] TableError error() const { return error_; }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }

 private:
  std::span<const std::byte> rest_;
  bool failed_ = false;
  TableError error_ = TableError::malformed;
};

Subject read_subject(Reader& in) {
  Subject subject;
  subject.name = in.text(wire::kNameBytes);
  subject.label = in.text(wire::kLabelBytes);
  subject.first_rank = in.bounded(wire::kMaxRanks);
  subject.rank_count = in.bounded(wire::kMaxRanks);
  subject.in_world = in.flag();
  return subject;
}

Flow read_flow(Reader& in, std::uint32_t subjects) {
  Flow flow;
  flow.from = in.number<std::uint32_t>();
  flow.to = in.number<std::uint32_t>();
  if (flow.from >= subjects || flow.to >= subjects) in.fail(TableError::inconsistent);
  flow.queue_bytes = in.number<std::uint64_t>();
  const auto when_full = in.number<std::uint32_t>();
  if (when_full > static_cast<std::uint32_t>(WhenFull::drop)) in.fail(TableError::malformed);
  flow.when_full = in.failed() ? WhenFull::stop_receiver : static_cast<WhenFull>(when_full);
  flow.spill_bytes = in.number<std::uint64_t>();
  const auto path = in.number<std::uint32_t>();
  if (path > static_cast<std::uint32_t>(Path::shared)) in.fail(TableError::malformed);
  flow.path = path == static_cast<std::uint32_t>(Path::shared) ? Path::shared : Path::relay;
  flow.policy_line = in.number<std::uint32_t>();
  flow.downgrade = in.text(wire::kNameBytes);
  return flow;
}

Decision read_decision(Reader& in) {
  Decision decision;
  decision.allowed = in.flag();
  decision.policy_line = in.number<std::uint32_t>();
  decision.reason = in.text(wire::kReasonBytes);
  decision.hint = in.text(wire::kHintBytes);
  return decision;
}

}  // namespace

std::vector<std::byte> encode(const RunTable& table) {
  Writer out;
  out.number(kMagic);
  out.number(kVersion);
  out.number(static_cast<std::uint32_t>(table.subjects.size()));
  out.number(static_cast<std::uint32_t>(table.flows.size()));
  for (const Subject& subject : table.subjects) {
    out.text(subject.name);
    out.text(subject.label);
    out.number(subject.first_rank);
    out.number(subject.rank_count);
    out.number(std::uint32_t{subject.in_world});
  }
  for (const Flow& flow : table.flows) {
    out.number(flow.from);
    out.number(flow.to);
    out.number(flow.queue_bytes);
    out.number(static_cast<std::uint32_t>(flow.when_full));
    out.number(flow.spill_bytes);
    out.number(static_cast<std::uint32_t>(flow.path));
    out.number(flow.policy_line);
    out.text(flow.downgrade);
  }
  for (const Decision& decision : table.decisions) {
    out.number(std::uint32_t{decision.allowed});
    out.number(decision.policy_line);
    out.text(decision.reason);
    out.text(decision.hint);
  }
  out.text(table.lattice);
  return out.take();
}

Result<RunTable, TableError> decode(std::span<const std::byte> bytes) {
  Reader in(bytes);
  if (in.number<std::uint32_t>() != kMagic) return TableError::malformed;
  if (in.number<std::uint32_t>() != kVersion) return TableError::wrong_version;
  const std::uint32_t subjects = in.bounded(wire::kMaxSubjects);
  const std::uint32_t flows = in.bounded(wire::kMaxSubjects * (wire::kMaxSubjects - 1));
  RunTable table;
  for (std::uint32_t i = 0; i < subjects && !in.failed(); ++i) table.subjects.push_back(read_subject(in));
  for (std::uint32_t i = 0; i < flows && !in.failed(); ++i) table.flows.push_back(read_flow(in, subjects));
  for (std::uint32_t i = 0; i < subjects * subjects && !in.failed(); ++i) table.decisions.push_back(read_decision(in));
  table.lattice = in.text(wire::kLatticeBytes);
  if (!in.failed() && !in.at_end()) in.fail(TableError::malformed);
  if (in.failed()) return in.error();
  if (const auto checked = check(table); !checked.ok()) return checked.error();
  return table;
}

}  // namespace sluice::table
