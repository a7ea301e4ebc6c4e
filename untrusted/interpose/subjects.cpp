// The public calls of mpix_sluice.h.
#include <cstring>

#include "include/mpix_sluice.h"
#include "untrusted/interpose/errors.hpp"
#include "untrusted/interpose/layer.hpp"
#include "untrusted/interpose/wrapper.hpp"

namespace sluice::interpose {

namespace {

bool started() { return layer.subject != MPI_COMM_NULL; }

/// The run as the calls tell of it. Without a guard, and for a subject with a world of its own, that is one subject
/// with all the ranks.
bool knows_run() { return layer.active; }

int subject_count() { return knows_run() ? static_cast<int>(layer.session.table.world_subjects()) : 1; }

/// Index in the table of the `subject`th subject of the world.
std::uint32_t table_index(int subject) {
  const PrivilegeView& table = layer.session.table;
  std::uint32_t index = 0;
  for (int left = subject; index < table.subject_count(); ++index) {
    if (table.in_world(index) && left-- == 0) break;
  }
  return index;
}

/// The other way round.
int public_index(std::uint32_t index) {
  const PrivilegeView& table = layer.session.table;
  int subject = 0;
  for (std::uint32_t i = 0; i < index; ++i) subject += table.in_world(i) ? 1 : 0;
  return subject;
}

int world_size() {
  int size = 0;
  host.Comm_size(MPI_COMM_WORLD, &size);
  return knows_run() ? layer.world_size : size;
}

int check_subject(int subject) {
  if (!started()) return MPI_ERR_OTHER;
  return subject >= 0 && subject < subject_count() ? MPI_SUCCESS : MPI_ERR_ARG;
}

/// Copies at most `room` bytes, the terminating zero included.
void copy_text(char* to, const char* from, std::size_t room) {
  const std::size_t length = ::strnlen(from, room - 1);
  std::memcpy(to, from, length);
  to[length] = '\0';
}

/// The table's entry of a subject, or null where there is no table.
const wire::SubjectEntry* entry_of(int subject) {
  if (knows_run()) return &layer.session.table.subject(table_index(subject));
  return layer.greeted ? &layer.session.table.subject(layer.session.table.self()) : nullptr;
}

}  // namespace

}  // namespace sluice::interpose

using namespace sluice::interpose;  // NOLINT(google-build-using-namespace)

SLUICE_EXPORT int MPIX_Err_flow(void) { return flow_class(); }

SLUICE_EXPORT int MPIX_Err_ended(void) { return ended_class(); }

SLUICE_EXPORT int MPIX_Err_missed(void) { return missed_class(); }

SLUICE_EXPORT int MPIX_Missed(int world_rank, long long* messages, long long* bytes) {
  if (!started()) return MPI_ERR_OTHER;
  if (world_rank < 0 || world_rank >= world_size()) return MPI_ERR_RANK;
  Missed missed{};
  if (knows_run()) {
    const Lock lock;
    missed = layer.incoming.missed(static_cast<std::uint32_t>(world_rank));
  }
  if (messages != nullptr) *messages = static_cast<long long>(missed.messages);
  if (bytes != nullptr) *bytes = static_cast<long long>(missed.bytes);
  return MPI_SUCCESS;
}

SLUICE_EXPORT MPI_Comm MPIX_Comm_subject(void) { return layer.subject; }

SLUICE_EXPORT MPI_Fint MPIX_Comm_subject_c2f(void) { return PMPI_Comm_c2f(layer.subject); }

SLUICE_EXPORT int MPIX_Subject_count(int* count) {
  if (!started()) return MPI_ERR_OTHER;
  if (count == nullptr) return MPI_ERR_ARG;
  *count = subject_count();
  return MPI_SUCCESS;
}

SLUICE_EXPORT int MPIX_Subject_mine(int* subject) {
  if (!started()) return MPI_ERR_OTHER;
  if (subject == nullptr) return MPI_ERR_ARG;
  *subject = knows_run() ? public_index(layer.session.table.self()) : 0;
  return MPI_SUCCESS;
}

SLUICE_EXPORT int MPIX_Subject_of_rank(int world_rank, int* subject) {
  if (!started()) return MPI_ERR_OTHER;
  if (subject == nullptr) return MPI_ERR_ARG;
  if (world_rank < 0 || world_rank >= world_size()) return MPI_ERR_RANK;
  *subject = knows_run() ? public_index(layer.session.table.subject_of(static_cast<std::uint32_t>(world_rank))) : 0;
  return MPI_SUCCESS;
}

SLUICE_EXPORT int MPIX_Subject_ranks(int subject, int* first_rank, int* rank_count) {
  if (const int error = check_subject(subject); error != MPI_SUCCESS) return error;
  const auto* entry = knows_run() ? entry_of(subject) : nullptr;
  if (first_rank != nullptr) *first_rank = entry != nullptr ? static_cast<int>(entry->first_rank) : 0;
  if (rank_count != nullptr) *rank_count = entry != nullptr ? static_cast<int>(entry->rank_count) : world_size();
  return MPI_SUCCESS;
}

SLUICE_EXPORT int MPIX_Subject_name(int subject, char* name) {
  if (const int error = check_subject(subject); error != MPI_SUCCESS) return error;
  if (name == nullptr) return MPI_ERR_ARG;
  const auto* entry = entry_of(subject);
  copy_text(name, entry != nullptr ? entry->name : "self", MPIX_MAX_SUBJECT_NAME);
  return MPI_SUCCESS;
}

SLUICE_EXPORT int MPIX_Subject_label(int subject, char* label) {
  if (const int error = check_subject(subject); error != MPI_SUCCESS) return error;
  if (label == nullptr) return MPI_ERR_ARG;
  const auto* entry = entry_of(subject);
  copy_text(label, entry != nullptr ? entry->label : "", MPIX_MAX_SUBJECT_LABEL);
  return MPI_SUCCESS;
}

SLUICE_EXPORT int MPIX_Flow_allowed(int from, int to, int* allowed) {
  for (const int subject : {from, to}) {
    if (const int error = check_subject(subject); error != MPI_SUCCESS) return error;
  }
  if (allowed == nullptr) return MPI_ERR_ARG;
  *allowed = from == to || layer.session.table.allowed(table_index(from), table_index(to)) ? 1 : 0;
  return MPI_SUCCESS;
}
