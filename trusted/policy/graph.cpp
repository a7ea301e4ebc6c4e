// The policy as a picture, in the DOT language.
#include <map>
#include <vector>

#include "trusted/policy/report.hpp"
#include "trusted/policy/text.hpp"

namespace sluice::policy {
namespace {

/// More subjects than this, and the denied directions keep their reasons in tooltips alone.
constexpr std::size_t kMostLabelled = 4;

std::string dot_text(std::string_view text) {
  std::string result = "\"";
  for (const char c : printable(text)) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + "\"";
}

std::string node(std::size_t index) { return "s" + std::to_string(index); }
std::string level_node(std::size_t level) { return "level" + std::to_string(level); }

/// A column of level names at the side, held apart by invisible edges: it ranks the subjects.
std::string levels_dot(const Policy& policy) {
  std::map<std::uint32_t, std::vector<std::size_t>> by_level;
  for (std::size_t i = 0; i < policy.subjects.size(); ++i) by_level[policy.subjects[i].label.level].push_back(i);
  std::string text;
  const std::uint32_t* below = nullptr;
  for (const auto& [level, subjects] : by_level) {
    text += "  " + level_node(level) +
            " [shape=plaintext, fontcolor=gray40, label=" + dot_text(policy.lattice.levels()[level]) +
            "];\n  { rank=same; " + level_node(level) + ";";
    for (const std::size_t subject : subjects) text += " " + node(subject) + ";";
    text += " }\n";
    if (below != nullptr) text += "  " + level_node(*below) + " -> " + level_node(level) + " [style=invis];\n";
    below = &level;
  }
  return text;
}

std::string subjects_dot(const Policy& policy) {
  std::string text;
  for (std::size_t i = 0; i < policy.subjects.size(); ++i) {
    const Subject& subject = policy.subjects[i];
    const std::string ranks = counted(subject.ranks, "rank") + (subject.world == World::subject ? ", own world" : "");
    text += "  " + node(i) + " [label=\"" + subject.name + "\\n" + subject.label_text + "\\n" + ranks +
            "\", tooltip=" + dot_text(named(subject)) + "];\n";
  }
  return text;
}

std::string flow_dot(const Policy& policy, const table::Flow& flow, const std::string& tooltip) {
  const bool down = !flow.downgrade.empty();
  const bool same_level = policy.subjects[flow.from].label.level == policy.subjects[flow.to].label.level;
  std::string text = "  " + node(flow.from) + " -> " + node(flow.to) + " [label=\"" + print_size(flow.queue_bytes);
  if (down) text += "\\ndowngrade " + flow.downgrade;
  text += "\", tooltip=" + dot_text(tooltip) + ", labeltooltip=" + dot_text(tooltip);
  if (down) text += ", color=darkorange3, fontcolor=darkorange3";
  if (down || same_level) text += ", constraint=false";
  return text + "];\n";
}

/// In two or three words, for a label.
std::string briefly(const Policy& policy, const Explanation& why, const Subject& from, const Subject& to) {
  if (why.cause == Cause::own_world) return "own world";
  if (why.cause == Cause::no_flow) return "not listed";
  std::string text = from.label.level > to.label.level ? "level" : "";
  for (std::size_t i = 0; i < policy.lattice.compartments().size(); ++i) {
    if ((from.label.compartments & ~to.label.compartments & std::uint64_t{1} << i) == 0) continue;
    text += (text.empty() ? "" : ", ") + policy.lattice.compartments()[i];
  }
  return text;
}

std::string denied_dot(const Policy& policy, std::uint32_t from, std::uint32_t to, const Explanation& why) {
  const std::string tooltip = why.reason + "; to allow: " + why.change;
  std::string text =
      "  " + node(from) + " -> " + node(to) +
      " [style=dashed, color=red, penwidth=0.6, arrowsize=0.6, constraint=false, tooltip=" + dot_text(tooltip) +
      ", labeltooltip=" + dot_text(tooltip);
  if (policy.subjects.size() <= kMostLabelled) {
    text += ", fontsize=9, fontcolor=red, label=" +
            dot_text(briefly(policy, why, policy.subjects[from], policy.subjects[to]));
  }
  return text + "];\n";
}

}  // namespace

std::string graph_dot(const Policy& policy) {
  std::string text = "digraph policy {\n  rankdir=BT; ranksep=1; nodesep=0.8;\n  tooltip=" +
                     dot_text(policy.file.filename().string()) +
                     ";\n  node [shape=box, style=rounded, fontname=\"sans-serif\", fontsize=12];\n"
                     "  edge [fontname=\"sans-serif\", fontsize=10];\n";
  text += levels_dot(policy) + subjects_dot(policy);
  for (const table::Flow& flow : policy.table.flows) {
    text += flow_dot(policy, flow, explain(policy, flow.from, flow.to).reason);
  }
  const auto count = static_cast<std::uint32_t>(policy.subjects.size());
  for (std::uint32_t from = 0; from < count; ++from) {
    for (std::uint32_t to = 0; to < count; ++to) {
      const Explanation why = explain(policy, from, to);
      if (!why.allowed) text += denied_dot(policy, from, to, why);
    }
  }
  return text + "}\n";
}

}  // namespace sluice::policy
