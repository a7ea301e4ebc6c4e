#include "trusted/launcher/run_state.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "trusted/launcher/operator_text.hpp"
#include "trusted/policy/report.hpp"

namespace sluice::launcher {
namespace {

std::string pad(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

std::string human_bytes(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> units = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  std::array<char, 32> text{};
  (void)std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
  return text.data();
}

std::string title(const policy::Subject& subject) { return subject.label_text + " " + subject.name; }

std::size_t widest_title(const Plan& plan) {
  std::size_t width = 0;
  for (const policy::Subject& subject : plan.policy.subjects) width = std::max(width, title(subject).size());
  return width;
}

std::string flow_title(const Plan& plan, const table::Flow& flow) {
  return plan.policy.subjects[flow.from].name + " -> " + plan.policy.subjects[flow.to].name;
}

std::string phase_text(const policy::Subject& subject, const SubjectState& state) {
  if (state.phase == SubjectState::Phase::ended) return describe_end(state);
  if (state.phase == SubjectState::Phase::starting) return "starting";
  if (subject.world == policy::World::subject)
    return "running, " + std::to_string(subject.ranks) + " ranks in a world of their own";
  return "running, " + std::to_string(state.ranks_connected) + " of " + std::to_string(subject.ranks) + " ranks up";
}

std::string flow_lines(const Plan& plan, const RunState& state, bool live) {
  std::string text;
  std::size_t width = 0;
  for (const table::Flow& flow : plan.policy.table.flows) width = std::max(width, flow_title(plan, flow).size());
  for (std::size_t i = 0; i < state.flows.size(); ++i) {
    const table::Flow& flow = plan.policy.table.flows[i];
    const FlowFigures& figures = state.flows[i];
    text += "  " + pad(flow_title(plan, flow), width) + "  " + std::to_string(figures.messages) + " messages, " +
            human_bytes(figures.bytes);
    if (live) text += ", " + human_bytes(figures.backlog_bytes) + " waiting";
    if (flow.path == table::Path::shared) text += "  (by relay; the shared path itself is not counted)";
    if (!flow.downgrade.empty()) text += "  (downgrade " + flow.downgrade + ")";
    text += "\n";
  }
  return text;
}

std::string json_end(const SubjectState& subject) {
  const char* by = "itself";
  switch (subject.ended_by) {
    case EndedBy::itself:
      break;
    case EndedBy::guard_misbehaviour:
      by = "guard-misbehaviour";
      break;
    case EndedBy::guard_queue_full:
      by = "guard-queue-full";
      break;
    case EndedBy::stuck_launcher:
      by = "stuck-launcher";
      break;
    case EndedBy::memory_limit:
      by = "memory-limit";
      break;
    case EndedBy::interrupt:
      by = "interrupt";
      break;
    case EndedBy::collapse:
      by = "guard-died";
      break;
  }
  std::string text = std::string("\"ended_by\":\"") + by + "\"";
  if (subject.exit_status && WIFEXITED(*subject.exit_status)) {
    text += ",\"exit_status\":" + std::to_string(WEXITSTATUS(*subject.exit_status));
  } else if (subject.exit_status && WIFSIGNALED(*subject.exit_status)) {
    text += ",\"signal\":" + std::to_string(WTERMSIG(*subject.exit_status));
  }
  return text + ",\"end\":\"" + json_text(describe_end(subject)) + "\"";
}

}  // namespace

void read_figures(const guard::Statistics& statistics, RunState& state) {
  for (std::size_t i = 0; i < state.flows.size(); ++i) {
    const auto& from = statistics.flow[i];
    state.flows[i] = {from.messages.load(std::memory_order_relaxed), from.bytes.load(std::memory_order_relaxed),
                      from.segments_in_use.load(std::memory_order_relaxed) * wire::kSegmentBytes};
  }
}

std::string describe_end(const SubjectState& subject) {
  switch (subject.ended_by) {
    case EndedBy::guard_misbehaviour:
      return "ended by the guard: it " + subject.why;
    case EndedBy::guard_queue_full:
      return "ended by the guard: " + subject.why;
    case EndedBy::interrupt:
      return "stopped by the operator";
    case EndedBy::memory_limit:
    case EndedBy::stuck_launcher:
    case EndedBy::collapse:
      return "ended: " + subject.why;
    case EndedBy::itself:
      break;
  }
  if (!subject.exit_status) return "its sandbox could not be set up";
  const int status = *subject.exit_status;
  if (WIFSIGNALED(status)) return "killed by signal " + std::to_string(WTERMSIG(status));
  const int code = WEXITSTATUS(status);
  // Both mpiexec and bubblewrap report a signal this way.
  return "exit " + std::to_string(code) + (code > 128 ? " (signal " + std::to_string(code - 128) + ")" : "");
}

std::string status_text(const Plan& plan, const RunState& state) {
  std::string text;
  const std::size_t width = widest_title(plan);
  for (std::size_t i = 0; i < state.subjects.size(); ++i) {
    const policy::Subject& subject = plan.policy.subjects[i];
    text += "  " + pad(title(subject), width) + "  " + phase_text(subject, state.subjects[i]) + "\n";
  }
  return text + flow_lines(plan, state, true);
}

std::string summary_text(const Plan& plan, const RunState& state) {
  std::array<char, 64> head{};
  (void)std::snprintf(head.data(), head.size(), "run ended after %.2f s", state.seconds);
  std::string text = head.data();
  text += "\n";
  const std::size_t width = widest_title(plan);
  for (std::size_t i = 0; i < state.subjects.size(); ++i) {
    const policy::Subject& subject = plan.policy.subjects[i];
    text += "  " + pad(title(subject), width) + "  " + std::to_string(subject.ranks) + " ranks, " +
            name_of(plan.subjects[i].mpi) + ": " + phase_text(subject, state.subjects[i]) + "\n";
  }
  text += flow_lines(plan, state, false);
  for (const sandbox::Relaxation& relaxation : state.relaxations) {
    text += "  relaxed: " + relaxation.name + (relaxation.subject.empty() ? "" : " of " + relaxation.subject) + ": " +
            relaxation.what + "\n";
  }
  text.pop_back();
  return text;
}

std::string summary_json(const Plan& plan, const RunState& state) {
  std::array<char, 64> seconds{};
  (void)std::snprintf(seconds.data(), seconds.size(), "%.6f", state.seconds);
  std::string text =
      "{\"exit_code\":" + std::to_string(exit_code(state)) + ",\"seconds\":" + seconds.data() + ",\"subjects\":[";
  for (std::size_t i = 0; i < state.subjects.size(); ++i) {
    const policy::Subject& subject = plan.policy.subjects[i];
    text += std::string(i > 0 ? "," : "") + "{\"name\":\"" + json_text(subject.name) + "\",\"label\":\"" +
            json_text(subject.label_text) + "\",\"ranks\":" + std::to_string(subject.ranks) + ",\"mpi\":\"" +
            name_of(plan.subjects[i].mpi) + "\"," + json_end(state.subjects[i]) + "}";
  }
  text += "],\"flows\":[";
  for (std::size_t i = 0; i < state.flows.size(); ++i) {
    const table::Flow& flow = plan.policy.table.flows[i];
    text += std::string(i > 0 ? "," : "") + "{\"from\":\"" + json_text(plan.policy.subjects[flow.from].name) +
            "\",\"to\":\"" + json_text(plan.policy.subjects[flow.to].name) +
            "\",\"messages\":" + std::to_string(state.flows[i].messages) +
            ",\"bytes\":" + std::to_string(state.flows[i].bytes) + ",\"path\":\"" +
            std::string(policy::word(flow.path)) + "\",\"downgrade\":\"" + json_text(flow.downgrade) + "\"}";
  }
  text += "],\"relaxations\":[";
  for (std::size_t i = 0; i < state.relaxations.size(); ++i) {
    const sandbox::Relaxation& relaxation = state.relaxations[i];
    text += std::string(i > 0 ? "," : "") + "{\"name\":\"" + json_text(relaxation.name) + "\",\"subject\":\"" +
            json_text(relaxation.subject) + "\",\"what\":\"" + json_text(relaxation.what) + "\"}";
  }
  return text + "]}\n";
}

ExitCode exit_code(const RunState& state) {
  if (state.trusted_part_died) return kTrustedPartDied;
  if (state.host_failed) return kHostCannot;
  if (state.interrupted) return kInterrupted;
  bool failed = false;
  for (const SubjectState& subject : state.subjects) {
    if (subject.ended_by == EndedBy::guard_misbehaviour || subject.ended_by == EndedBy::guard_queue_full)
      return kEndedByGuard;
    failed |= subject.ended_by == EndedBy::memory_limit || !subject.exit_status || *subject.exit_status != 0;
  }
  return failed ? kSubjectFailed : kAllEndedWell;
}

}  // namespace sluice::launcher
