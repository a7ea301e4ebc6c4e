// The compiled tables as text.
#include <algorithm>

#include "trusted/policy/mistakes.hpp"
#include "trusted/policy/reach.hpp"
#include "trusted/policy/report.hpp"
#include "trusted/policy/text.hpp"

namespace sluice::policy {
namespace {

using Rows = std::vector<std::vector<std::string>>;

std::string paint(std::string_view text, const char* code, Colour colour) {
  if (colour == Colour::no) return std::string(text);
  return "\033[" + std::string(code) + "m" + std::string(text) + "\033[0m";
}

std::string heading(std::string_view text, Colour colour) { return "\n" + paint(text, "1", colour) + "\n"; }

std::string verdict(bool allowed, Colour colour) {
  return allowed ? paint("allowed", "32", colour) : paint("denied ", "31", colour);
}

/// "0-3", "2", or "-" for none.
std::string range(std::uint32_t first, std::uint32_t count) {
  if (count == 0) return "-";
  return count == 1 ? std::to_string(first) : std::to_string(first) + "-" + std::to_string(first + count - 1);
}

std::string path_of(const FileGrant& grant, const Policy& policy) {
  const std::string folder = policy.folder.string() + "/";
  const std::string path = grant.visible.string();
  return printable(path.starts_with(folder) ? path.substr(folder.size()) : path);
}

std::string joined(const std::vector<std::string>& words, std::string_view separator) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : std::string(separator)) + word;
  return text.empty() ? "-" : text;
}

std::string command_line(const Subject& subject) {
  std::string text;
  for (const std::string& argument : subject.run) text += (text.empty() ? "" : " ") + shell_word(argument);
  return text;
}

std::string title(const Policy& policy) {
  return "policy " + printable(policy.file.filename().string()) + ": " + counted(policy.subjects.size(), "subject") +
         ", " + counted(policy.table.rank_count(), "rank") + ", " + counted(policy.table.flows.size(), "flow") + "\n";
}

std::string lattice_text(const Policy& policy) {
  return columns({{"levels", joined(policy.lattice.levels(), " < ")},
                  {"compartments", joined(policy.lattice.compartments(), " ")}});
}

std::string subjects_text(const Policy& policy) {
  Rows rows{{"#", "name", "label", "ranks", "world", "mpi", "run"}};
  for (std::size_t i = 0; i < policy.subjects.size(); ++i) {
    const Subject& subject = policy.subjects[i];
    const table::Subject& entry = policy.table.subjects[i];
    const std::string ranks =
        entry.in_world ? range(entry.first_rank, entry.rank_count) : "(" + std::to_string(entry.rank_count) + ")";
    rows.push_back({std::to_string(i), subject.name, subject.label_text, ranks, std::string(word(subject.world)),
                    std::string(word(subject.mpi)), command_line(subject)});
  }
  return columns(rows);
}

std::string flows_text(const Policy& policy) {
  if (policy.table.flows.empty()) return "  none\n";
  Rows rows{{"#", "from", "to", "queue", "segments", "when full", "path", "downgrade", "line"}};
  for (std::size_t i = 0; i < policy.table.flows.size(); ++i) {
    const table::Flow& flow = policy.table.flows[i];
    rows.push_back({std::to_string(i), policy.subjects[flow.from].name, policy.subjects[flow.to].name,
                    print_size(flow.queue_bytes), std::to_string(table::segment_count(policy.table, flow)),
                    std::string(word(flow.when_full)), std::string(word(flow.path)),
                    flow.downgrade.empty() ? "-" : flow.downgrade, std::to_string(flow.policy_line)});
  }
  return columns(rows);
}

/// For each subject, which capability indexes name which ranks.
std::string capabilities_text(const Policy& policy) {
  Rows rows{{"subject", "index", "names", "world ranks", "flow"}};
  for (std::uint32_t subject = 0; subject < policy.subjects.size(); ++subject) {
    std::uint32_t index = 0;
    for (std::uint32_t flow = 0; flow < policy.table.flows.size(); ++flow) {
      if (policy.table.flows[flow].from != subject) continue;
      const table::Subject& to = policy.table.subjects[policy.table.flows[flow].to];
      rows.push_back({policy.subjects[subject].name, range(index, to.rank_count),
                      to.name + ":" + range(0, to.rank_count), range(to.first_rank, to.rank_count),
                      std::to_string(flow)});
      index += to.rank_count;
    }
    if (index == 0) rows.push_back({policy.subjects[subject].name, "-", "nobody", "-", "-"});
  }
  return columns(rows);
}

std::string files_text(const Policy& policy) {
  Rows rows;
  for (const Subject& subject : policy.subjects) {
    for (const FileGrant& grant : subject.files) {
      rows.push_back({subject.name, std::string(word(grant.access)), path_of(grant, policy)});
    }
  }
  return rows.empty() ? "  none\n" : columns(rows);
}

/// Only what the policy says; most say nothing.
std::string limits_text(const Policy& policy, Colour colour) {
  Rows rows;
  for (const Subject& subject : policy.subjects) {
    if (subject.limits.processes != 0) {
      rows.push_back({subject.name, "processes", std::to_string(subject.limits.processes)});
    }
    if (subject.limits.memory != 0) rows.push_back({subject.name, "memory", print_size(subject.limits.memory)});
  }
  std::string text = rows.empty() ? "" : heading("limits", colour) + columns(rows);
  if (!policy.require.empty()) text += heading("required", colour) + "  " + joined(policy.require, ", ") + "\n";
  return text;
}

std::string environment_text(const Policy& policy) {
  Rows rows;
  for (const Subject& subject : policy.subjects) {
    for (const auto& [name, value] : subject.environment)
      rows.push_back({subject.name, name + "=" + shell_word(value)});
  }
  return rows.empty() ? "  none\n" : columns(rows);
}

std::string decisions_text(const Policy& policy, Colour colour) {
  std::string text;
  for (std::uint32_t from = 0; from < policy.subjects.size(); ++from) {
    for (std::uint32_t to = 0; to < policy.subjects.size(); ++to) {
      if (from == to) continue;
      const table::Decision& decision = policy.table.decision(from, to);
      text += "  " + verdict(decision.allowed, colour) + "  line " + std::to_string(decision.policy_line) + "  " +
              decision.reason + "\n";
      if (!decision.hint.empty()) text += "           to allow: " + decision.hint + "\n";
    }
  }
  return text.empty() ? "  none: one subject\n" : text;
}

std::string downgrades_text(const std::vector<std::string>& names, Colour colour) {
  return paint("DOWNGRADE '" + joined(names, "', '") + "'", "33", colour);
}

/// What downgrades open beyond their own flows. Empty if nothing.
std::string reach_text(const Policy& policy, Colour colour) {
  std::string text;
  for (const Detour& way : detours(policy)) {
    std::string steps = named(policy.subjects[way.front()]);
    for (std::size_t i = 1; i + 1 < way.size(); ++i) steps += " -> " + policy.subjects[way[i]].name;
    text += "  against the lattice, by way of others: " + steps + " -> " + named(policy.subjects[way.back()]) + ", " +
            downgrades_text(downgrades_on(policy, way), colour) + "\n";
  }
  for (const Circle& circle : circles(policy)) {
    std::vector<std::string> names;
    for (const std::uint32_t subject : circle) names.push_back(policy.subjects[subject].name);
    text += "  in effect of one label: " + joined(names, ", ") + ", as data goes round by " +
            downgrades_text(downgrades_in(policy, circle), colour) + "\n";
  }
  return text;
}

}  // namespace

std::string show(const Policy& policy, Colour colour) {
  return title(policy) + heading("lattice", colour) + lattice_text(policy) + heading("subjects", colour) +
         subjects_text(policy) + heading("files", colour) + files_text(policy) + heading("environment", colour) +
         environment_text(policy) + limits_text(policy, colour) + heading("flows", colour) + flows_text(policy) +
         heading("capabilities", colour) + capabilities_text(policy) + heading("decisions", colour) +
         decisions_text(policy, colour);
}

std::string summary(const Policy& policy, Colour colour) {
  std::string text = title(policy);
  Rows rows;
  for (const Subject& subject : policy.subjects) {
    rows.push_back({subject.name, subject.label_text, counted(subject.ranks, "rank"),
                    subject.world == World::subject ? "world of its own" : ""});
  }
  text += columns(rows);
  for (const table::Flow& flow : policy.table.flows) {
    text += "  " + verdict(true, colour) + " " + named(policy.subjects[flow.from]) + " -> " +
            named(policy.subjects[flow.to]) + ", queue " + print_size(flow.queue_bytes) +
            (flow.downgrade.empty() ? "" : ", " + paint("DOWNGRADE '" + flow.downgrade + "'", "33", colour)) + "\n";
  }
  text += reach_text(policy, colour);
  const std::size_t pairs = policy.subjects.size() * (policy.subjects.size() - 1);
  const std::size_t denied = pairs - policy.table.flows.size();
  if (denied == 0) return text;
  return text + "  " + verdict(false, colour) + " every other direction (" + std::to_string(denied) + " of " +
         std::to_string(pairs) + ")\n";
}

std::string explain_text(const Policy& policy, std::uint32_t from, std::uint32_t to, Colour colour) {
  const Explanation why = explain(policy, from, to);
  std::string text = verdict(why.allowed, colour) + (why.allowed ? " " : "") + " " + policy.subjects[from].name +
                     " -> " + policy.subjects[to].name + "\n";
  Rows rows{{"sender", named(policy.subjects[from])}, {"receiver", named(policy.subjects[to])}};
  for (const std::string& coordinate : why.failing) rows.push_back({"fails", coordinate});
  rows.push_back({"why", why.reason});
  rows.push_back({"line", printable(policy.file.filename().string()) + ":" + std::to_string(why.line)});
  if (!why.change.empty()) rows.push_back({"to allow", why.change});
  return text + columns(rows);
}

std::string unknown_subject(const Policy& policy, std::string_view name) {
  std::vector<std::string> names;
  for (const Subject& subject : policy.subjects) names.push_back(subject.name);
  return printable("unknown subject " + quote(name) + "; " + suggest(name, names, "a subject"));
}

std::string_view word(Mpi mpi) noexcept {
  return mpi == Mpi::openmpi ? "openmpi" : mpi == Mpi::mpich ? "mpich" : "auto";
}

std::string_view word(World world) noexcept { return world == World::subject ? "subject" : "run"; }

std::string_view word(Access access) noexcept { return access == Access::write ? "write" : "read"; }

std::string_view word(table::Path path) noexcept { return path == table::Path::shared ? "shared" : "relay"; }

std::string_view word(table::WhenFull when_full) noexcept {
  switch (when_full) {
    case table::WhenFull::stop_receiver:
      return "stop-receiver";
    case table::WhenFull::spill:
      return "spill";
    case table::WhenFull::drop:
      return "drop";
  }
  return "?";
}

std::string_view word(Cause cause) noexcept {
  switch (cause) {
    case Cause::same_subject:
      return "same-subject";
    case Cause::flow:
      return "flow";
    case Cause::downgrade:
      return "downgrade";
    case Cause::own_world:
      return "own-world";
    case Cause::no_flow:
      return "no-flow";
    case Cause::lattice:
      return "lattice";
  }
  return "?";
}

std::string counted(std::size_t number, std::string_view noun) {
  return std::to_string(number) + " " + std::string(noun) + (number == 1 ? "" : "s");
}

}  // namespace sluice::policy
