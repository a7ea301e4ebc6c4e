// Communicators of named subjects, or of those whose labels are in a range (mpix_sluice.h).
#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "include/mpix_sluice.h"
#include "untrusted/interpose/communicator/class_exchange.hpp"
#include "untrusted/interpose/communicator/group.hpp"
#include "untrusted/interpose/communicator/new_communicator.hpp"
#include "untrusted/interpose/label.hpp"
#include "untrusted/interpose/layer.hpp"
#include "untrusted/interpose/wrapper.hpp"

namespace sluice::interpose {

namespace {

/// Apart from what else is derived from the context of MPI_COMM_WORLD: no communicator has so high a number.
constexpr std::uint64_t kSecurityContexts = ~std::uint64_t{1};

/// Subjects by their index in the privilege table. Without a world of several subjects: the own one alone, and without
/// a guard one without a table.
using Subjects = std::vector<std::uint32_t>;

std::uint32_t own_subject() { return layer.greeted ? layer.session.table.self() : 0; }

Subjects world_subjects() {
  if (!layer.active) return {own_subject()};
  const PrivilegeView& table = layer.session.table;
  Subjects subjects;
  for (std::uint32_t i = 0; i < table.subject_count(); ++i) {
    if (table.in_world(i)) subjects.push_back(i);
  }
  return subjects;
}

std::string_view name_of(std::uint32_t subject) {
  return layer.greeted ? layer.session.table.subject(subject).name : "self";
}

/// The processes of the own subject, which are those of the host's MPI_COMM_WORLD, in their order. Collective over
/// them.
int make_own_part(MPI_Comm* made) {
  MPI_Group group = MPI_GROUP_NULL;
  int error = host.Comm_group(MPI_COMM_WORLD, &group);
  if (error == MPI_SUCCESS) error = host.Comm_create(MPI_COMM_WORLD, group, made);
  if (group != MPI_GROUP_NULL) host.Group_free(&group);
  if (error == MPI_SUCCESS) inherit_error_handler(MPI_COMM_WORLD, *made);
  return error;
}

RankList ranks_of(const Subjects& subjects) {
  RankList world_ranks;
  for (const std::uint32_t subject : subjects) {
    const wire::SubjectEntry& entry = layer.session.table.subject(subject);
    for (std::uint32_t i = 0; i < entry.rank_count; ++i) {
      world_ranks.push_back(static_cast<std::int32_t>(entry.first_rank + i));
    }
  }
  return world_ranks;
}

int create(const Subjects& chosen, MPI_Comm* newcomm) {
  if (std::find(chosen.begin(), chosen.end(), own_subject()) == chosen.end()) return MPI_SUCCESS;
  if (!layer.active) return make_own_part(newcomm);
  RankList world_ranks = ranks_of(chosen);
  VirtualComm* world = lookup(MPI_COMM_WORLD);
  if (world == nullptr) return MPI_ERR_INTERN;
  const std::uint64_t family = derive_context(world->context, kSecurityContexts, digest(world_ranks));
  std::uint64_t ordinal = 0;
  {
    const Lock lock;
    ordinal = world->group_children[family]++;
  }
  MPI_Comm made = MPI_COMM_NULL;
  int error = meet(*world);
  if (error == MPI_SUCCESS) error = make_own_part(&made);
  if (error != MPI_SUCCESS) return error;
  const std::uint64_t context = derive_context(family, ordinal, 0);
  return complete_communicator(MPI_COMM_WORLD, made, std::move(world_ranks), context, nullptr, newcomm);
}

/// The subjects with these names, in the order of the world. Nothing if one has none of these names, or has it twice.
std::optional<Subjects> named(int count, const char* const names[]) {
  Subjects chosen;
  const Subjects all = world_subjects();
  for (int i = 0; i < count; ++i) {
    if (names[i] == nullptr) return std::nullopt;
    const auto found =
        std::find_if(all.begin(), all.end(), [&](std::uint32_t subject) { return name_of(subject) == names[i]; });
    if (found == all.end() || std::find(chosen.begin(), chosen.end(), *found) != chosen.end()) return std::nullopt;
    chosen.push_back(*found);
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

/// The subjects between two labels. Nothing if the policy has no such label.
std::optional<Subjects> between(const char* lowest, const char* highest) {
  if (lowest == nullptr && highest == nullptr) return world_subjects();
  if (!layer.greeted) return std::nullopt;
  const Levels levels(layer.session.table.lattice());
  const auto low = lowest != nullptr ? levels.parse(lowest) : std::nullopt;
  const auto high = highest != nullptr ? levels.parse(highest) : std::nullopt;
  if (low.has_value() != (lowest != nullptr) || high.has_value() != (highest != nullptr)) return std::nullopt;
  Subjects chosen;
  for (const std::uint32_t subject : world_subjects()) {
    const auto label = levels.parse(layer.session.table.subject(subject).label);
    if (!label.has_value()) return std::nullopt;
    if (low.has_value() && !dominates(*label, *low)) continue;
    if (high.has_value() && !dominates(*high, *label)) continue;
    chosen.push_back(subject);
  }
  return chosen;
}

}  // namespace

}  // namespace sluice::interpose

using namespace sluice::interpose;  // NOLINT(google-build-using-namespace)

SLUICE_EXPORT int MPIX_Comm_create_from_subjects(int count, const char* const names[], MPI_Comm* newcomm) {
  if (layer.subject == MPI_COMM_NULL) return MPI_ERR_OTHER;
  if (newcomm == nullptr) return MPI_ERR_ARG;
  *newcomm = MPI_COMM_NULL;
  if (count < 0 || (count > 0 && names == nullptr)) return MPI_ERR_ARG;
  const auto chosen = named(count, names);
  return chosen.has_value() ? create(*chosen, newcomm) : MPI_ERR_ARG;
}

SLUICE_EXPORT int MPIX_Comm_create_from_labels(const char* lowest, const char* highest, MPI_Comm* newcomm) {
  if (layer.subject == MPI_COMM_NULL) return MPI_ERR_OTHER;
  if (newcomm == nullptr) return MPI_ERR_ARG;
  *newcomm = MPI_COMM_NULL;
  const auto chosen = between(lowest, highest);
  return chosen.has_value() ? create(*chosen, newcomm) : MPI_ERR_ARG;
}
