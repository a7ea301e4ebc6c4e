#include "untrusted/interpose/privilege_view.hpp"

#include "wire/greeting.hpp"

namespace sluice::interpose {

const char* PrivilegeView::read(std::span<const std::byte> bytes) noexcept {
  if (bytes.size() < sizeof(wire::PrivilegeTable)) return "the privilege table is cut short";
  header_ = reinterpret_cast<const wire::PrivilegeTable*>(bytes.data());
  if (header_->magic != wire::kTableMagic) return "the privilege table is not one";
  if (header_->version != wire::kProtocolVersion) return "the privilege table is of another version";
  const std::size_t count = header_->subject_count;
  const std::size_t ranks = header_->rank_count;
  const std::size_t inflows = header_->inflow_count;
  const std::size_t lattice = header_->lattice_bytes;
  if (count == 0 || count > wire::kMaxSubjects || ranks > wire::kMaxRanks || inflows > wire::kMaxSubjects ||
      lattice == 0 || lattice > wire::kLatticeBytes) {
    return "the privilege table is over its limits";
  }
  const std::byte* place = bytes.data() + sizeof *header_;
  subjects_ = reinterpret_cast<const wire::SubjectEntry*>(place);
  place += count * sizeof *subjects_;
  to_ = reinterpret_cast<const wire::DecisionEntry*>(place);
  place += count * sizeof *to_;
  from_ = reinterpret_cast<const wire::DecisionEntry*>(place);
  place += count * sizeof *from_;
  capability_ = reinterpret_cast<const std::uint32_t*>(place);
  place += ranks * sizeof *capability_;
  inflow_ = reinterpret_cast<const wire::InflowEntry*>(place);
  place += inflows * sizeof *inflow_;
  allowed_ = reinterpret_cast<const std::uint8_t*>(place);
  place += count * count;
  lattice_ = reinterpret_cast<const char*>(place);
  place += header_->lattice_bytes;
  const auto total = static_cast<std::size_t>(place - bytes.data());
  if (total != header_->total_bytes || total > bytes.size()) return "the privilege table is cut short";
  return check();
}

const char* PrivilegeView::check() const noexcept {
  if (self() >= subject_count()) return "the privilege table is for no subject";
  for (std::uint32_t i = 0; i < inflow_count(); ++i) {
    if (inflow_[i].source_subject >= subject_count() || !in_world(inflow_[i].source_subject)) {
      return "the privilege table has a flow from no subject";
    }
  }
  std::uint32_t ranks = 0;
  for (std::uint32_t i = 0; i < subject_count(); ++i) ranks += in_world(i) ? subjects_[i].rank_count : 0U;
  return ranks == world_size() ? nullptr : "the privilege table's ranks do not add up";
}

std::uint32_t PrivilegeView::world_subjects() const noexcept {
  std::uint32_t count = 0;
  for (std::uint32_t i = 0; i < subject_count(); ++i) count += in_world(i) ? 1U : 0U;
  return count;
}

std::uint32_t PrivilegeView::subject_of(std::uint32_t world_rank) const noexcept {
  for (std::uint32_t i = 0; i < subject_count(); ++i) {
    if (world_rank - subjects_[i].first_rank < subjects_[i].rank_count) return i;
  }
  return 0;
}

}  // namespace sluice::interpose
