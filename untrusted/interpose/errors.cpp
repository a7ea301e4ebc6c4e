#include "untrusted/interpose/errors.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

#include "host_table.hpp"
#include "untrusted/interpose/layer.hpp"

namespace sluice::interpose {

namespace {

/// Texts that are remembered. A program that makes more different mistakes gets the class's own text.
constexpr std::size_t kMostCodes = 1024;

struct ErrorClass {
  int number = MPI_ERR_OTHER;
  int plain_code = MPI_ERR_OTHER;
  std::vector<std::pair<std::string, int>> codes;
};
ErrorClass flow;
ErrorClass ended;
ErrorClass missed;

int add_code(int error_class, const std::string& text) {
  int code = error_class;
  if (PMPI_Add_error_code(error_class, &code) != MPI_SUCCESS) return error_class;
  PMPI_Add_error_string(code, text.substr(0, MPI_MAX_ERROR_STRING - 1).c_str());
  return code;
}

void create(ErrorClass& error_class, const char* text) {
  if (PMPI_Add_error_class(&error_class.number) != MPI_SUCCESS) return;
  PMPI_Add_error_string(error_class.number, text);
  error_class.plain_code = add_code(error_class.number, text);
}

int code_for(ErrorClass& error_class, const std::string& text) {
  const auto same = [&](const auto& known) { return known.first == text; };
  const auto known = std::find_if(error_class.codes.begin(), error_class.codes.end(), same);
  if (known != error_class.codes.end()) return known->second;
  if (error_class.codes.size() == kMostCodes || error_class.number == MPI_ERR_OTHER) return error_class.plain_code;
  return error_class.codes.emplace_back(text, add_code(error_class.number, text)).second;
}

const char* hint_for(RefusedKind kind) {
  switch (kind) {
    case RefusedKind::communicator:
    case RefusedKind::group:
    case RefusedKind::topology:
      return "Make it from MPI_COMM_SUBJECT, or set `world: subject` in the policy";
    case RefusedKind::file:
    case RefusedKind::window:
      return "Open it on MPI_COMM_SUBJECT, or set `world: subject` in the policy";
    case RefusedKind::process:
      return "The processes of a subject are those of the policy";
  }
  return "";
}

/// Joins what the host's limit on error texts allows: the reason is cut before the line, and the short hint stands in
/// for a long one.
std::string compose(const std::string& where, std::string reason, std::uint32_t line, const std::string& hint,
                    const std::string& short_hint = {}) {
  const std::string at = line != 0 ? " (policy line " + std::to_string(line) + ")" : std::string();
  constexpr std::size_t limit = MPI_MAX_ERROR_STRING - 1;
  while (!reason.empty() && reason.back() == '.') reason.pop_back();
  const std::size_t fixed = where.size() + 2 + at.size();
  if (fixed + reason.size() > limit) reason = reason.substr(0, limit > fixed + 3 ? limit - fixed - 3 : 0) + "...";
  std::string text = where;
  text += ": ";
  text += reason;
  text += at;
  for (const std::string& way_out : {hint, short_hint}) {
    if (way_out.empty() || text.size() + 2 + way_out.size() > limit) continue;
    text += ". ";
    text += way_out;
    break;
  }
  return text;
}

int refuse_decision(const char* function, const char* direction, std::uint32_t world_rank,
                    const wire::DecisionEntry& decision, MPI_Comm comm) {
  const PrivilegeView& table = layer.session.table;
  const std::string where = std::string(function) + " " + direction + " rank " + std::to_string(world_rank);
  const std::string own = table.subject(table.self()).name;
  const std::string other = table.subject(table.subject_of(world_rank)).name;
  const std::string explain =
      "See: sluice explain POLICY " +
      (&decision == &table.to(table.subject_of(world_rank)) ? own + " " + other : other + " " + own);
  int code = 0;
  {
    const Lock lock;
    layer.ring.count_denial(world_rank);
    code = flow_error(compose(where, decision.reason, decision.policy_line, decision.hint, explain));
  }
  return raise(comm, code);
}

std::string may_not_send(std::uint32_t from, std::uint32_t to) {
  return describe_subject(from) + " may not send to " + describe_subject(to);
}

/// A flow of the world that the policy denies, in words; for operations that would need every flow. One of the own
/// subject if there is one: only of those the table knows the line.
std::string some_denied(std::uint32_t& line) {
  const PrivilegeView& table = layer.session.table;
  const std::uint32_t self = table.self();
  for (std::uint32_t other = 0; other < table.subject_count(); ++other) {
    if (other == self || !table.in_world(other)) continue;
    const bool sends = table.allowed(self, other);
    if (sends && table.allowed(other, self)) continue;
    line = sends ? table.from(other).policy_line : table.to(other).policy_line;
    return sends ? may_not_send(other, self) : may_not_send(self, other);
  }
  for (std::uint32_t from = 0; from < table.subject_count(); ++from) {
    for (std::uint32_t to = 0; to < table.subject_count(); ++to) {
      if (table.in_world(from) && table.in_world(to) && !table.allowed(from, to)) return may_not_send(from, to);
    }
  }
  return "operations across subjects, such as " + describe_subject(self) + ", are not carried yet";
}

/// The host ends the job after an error that nobody handles, and says why: but Open MPI 4.1 loses that text in one of
/// four cases. An error of ours is told here first.
void say_if_fatal(MPI_Comm comm, int code) {
  MPI_Errhandler handler = MPI_ERRHANDLER_NULL;
  int error_class = MPI_SUCCESS;
  if (PMPI_Error_class(code, &error_class) != MPI_SUCCESS) return;
  if (error_class != flow.number && error_class != ended.number && error_class != missed.number) return;
  if (PMPI_Comm_get_errhandler(comm, &handler) != MPI_SUCCESS) return;
  if (handler != MPI_ERRORS_ARE_FATAL) {
    if (handler != MPI_ERRORS_RETURN) PMPI_Errhandler_free(&handler);
    return;
  }
  char text[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  if (PMPI_Error_string(code, text, &length) != MPI_SUCCESS) return;
  const std::string line = "sluice: " + std::string(text) + "\n";
  static_cast<void>(!::write(STDERR_FILENO, line.data(), line.size()));
}

}  // namespace

void create_error_classes() {
  create(flow, "MPIX_ERR_FLOW: the policy does not let this message flow");
  create(missed, "MPIX_ERR_MISSED: the queue had no room for the message");
  create(ended, "MPIX_ERR_ENDED: the sender has ended and all its messages have been received");
}

int missed_class() noexcept { return missed.number; }
int flow_class() noexcept { return flow.number; }
int ended_class() noexcept { return ended.number; }

int flow_error(const std::string& text) { return code_for(flow, text); }

int ended_error(std::int32_t source) {
  if (source < 0) return code_for(ended, "every rank of another subject that may send here has ended");
  const auto rank = static_cast<std::uint32_t>(source);
  return code_for(ended, "rank " + std::to_string(source) + " of " +
                             describe_subject(layer.session.table.subject_of(rank)) +
                             " has ended; no further message of it can match");
}

int missed_error(std::int32_t source) {
  const auto rank = static_cast<std::uint32_t>(source);
  return code_for(missed, "the queue had no room for this message of rank " + std::to_string(source) + " of " +
                              describe_subject(layer.session.table.subject_of(rank)) + "; it is lost");
}

int incomplete_error() {
  return code_for(ended, "a rank that this collective operation needs has ended, has failed, or gave another count");
}

int raise(MPI_Comm comm, int code) {
  say_if_fatal(comm, code);
  PMPI_Comm_call_errhandler(comm, code);
  return code;
}

int refuse(const char* function, RefusedKind kind, MPI_Comm comm) {
  int code = 0;
  {
    const Lock lock;
    layer.ring.count_denial(wire::kNoDeniedRank);
    std::uint32_t line = 0;
    const std::string reason = some_denied(line);
    code = flow_error(
        compose(std::string(function) + " on a communicator of several subjects", reason, line, hint_for(kind)));
  }
  return raise(comm, code);
}

int refuse_because(const char* function, const std::string& reason, MPI_Comm comm, std::uint32_t line,
                   const std::string& hint, const std::string& short_hint) {
  int code = 0;
  {
    const Lock lock;
    layer.ring.count_denial(wire::kNoDeniedRank);
    code = flow_error(compose(function, reason, line, hint, short_hint));
  }
  return raise(comm, code);
}

int refuse_send(const char* function, std::uint32_t world_rank, MPI_Comm comm) {
  const PrivilegeView& table = layer.session.table;
  return refuse_decision(function, "to", world_rank, table.to(table.subject_of(world_rank)), comm);
}

int refuse_receive(const char* function, std::uint32_t world_rank, MPI_Comm comm) {
  const PrivilegeView& table = layer.session.table;
  return refuse_decision(function, "from", world_rank, table.from(table.subject_of(world_rank)), comm);
}

std::string describe_subject(std::uint32_t subject) {
  const wire::SubjectEntry& entry = layer.session.table.subject(subject);
  return std::string(entry.name) + " (" + entry.label + ")";
}

void die(const std::string& text) {
  std::fprintf(stderr, "sluice: %s: %s\n", kLibraryName, text.c_str());
  std::fflush(stderr);
  int up = 0;
  int down = 0;
  host.Initialized(&up);
  PMPI_Finalized(&down);
  if (up != 0 && down == 0) PMPI_Abort(MPI_COMM_WORLD, 1);
  ::_exit(1);
}

}  // namespace sluice::interpose
