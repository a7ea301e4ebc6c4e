// Reads a privilege control table (wire/privilege_table.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "wire/privilege_table.hpp"

namespace sluice::interpose {

/// View of a table that stays mapped for the rest of the process.
class PrivilegeView {
 public:
  PrivilegeView() noexcept = default;

  /// Takes `bytes` as the table. Returns what is wrong with it, or null.
  const char* read(std::span<const std::byte> bytes) noexcept;

  [[nodiscard]] std::uint32_t self() const noexcept { return header_->self; }
  [[nodiscard]] std::uint32_t subject_count() const noexcept { return header_->subject_count; }
  /// Ranks of the world. Subjects with a world of their own have none.
  [[nodiscard]] std::uint32_t world_size() const noexcept { return header_->rank_count; }
  [[nodiscard]] std::uint32_t inflow_count() const noexcept { return header_->inflow_count; }

  [[nodiscard]] const wire::SubjectEntry& subject(std::uint32_t index) const noexcept { return subjects_[index]; }
  /// Whether, and why, the own subject may send to `other`.
  [[nodiscard]] const wire::DecisionEntry& to(std::uint32_t other) const noexcept { return to_[other]; }
  /// Whether, and why, `other` may send to the own subject.
  [[nodiscard]] const wire::DecisionEntry& from(std::uint32_t other) const noexcept { return from_[other]; }
  [[nodiscard]] std::uint32_t capability(std::uint32_t world_rank) const noexcept { return capability_[world_rank]; }
  [[nodiscard]] const wire::InflowEntry& inflow(std::uint32_t index) const noexcept { return inflow_[index]; }
  [[nodiscard]] bool allowed(std::uint32_t from, std::uint32_t to) const noexcept {
    return from == to || allowed_[std::size_t{from} * subject_count() + to] != 0;
  }

  /// Levels, lowest first, and compartments: LEVEL/LEVEL//COMPARTMENT/COMPARTMENT.
  [[nodiscard]] std::string_view lattice() const noexcept { return {lattice_, header_->lattice_bytes - 1}; }

  /// Whether the subject takes part in the run's world.
  [[nodiscard]] bool in_world(std::uint32_t index) const noexcept {
    return subjects_[index].first_rank < world_size() &&
           subjects_[index].rank_count <= world_size() - subjects_[index].first_rank;
  }
  /// How many subjects take part in the run's world.
  [[nodiscard]] std::uint32_t world_subjects() const noexcept;
  /// Subject of a world rank. Precondition: world_rank < world_size().
  [[nodiscard]] std::uint32_t subject_of(std::uint32_t world_rank) const noexcept;

 private:
  [[nodiscard]] const char* check() const noexcept;

  const wire::PrivilegeTable* header_ = nullptr;
  const wire::SubjectEntry* subjects_ = nullptr;
  const wire::DecisionEntry* to_ = nullptr;
  const wire::DecisionEntry* from_ = nullptr;
  const std::uint32_t* capability_ = nullptr;
  const wire::InflowEntry* inflow_ = nullptr;
  const std::uint8_t* allowed_ = nullptr;
  const char* lattice_ = nullptr;
};

}  // namespace sluice::interpose
