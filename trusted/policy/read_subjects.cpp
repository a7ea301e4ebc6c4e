// Section `subjects`.
#include <algorithm>
#include <utility>

#include "trusted/policy/sections.hpp"
#include "trusted/policy/text.hpp"
#include "wire/limits.hpp"

namespace sluice::policy {
namespace {

using lattice::LatticeError;

constexpr std::size_t kMaxArguments = 256;
constexpr std::size_t kMaxVariables = 256;

std::string owner_of(const Subject& subject) { return "subject '" + subject.name + "'"; }

std::string label_fix(const lattice::Problem& problem, const lattice::Lattice& lattice) {
  switch (problem.kind) {
    case LatticeError::unknown_level:
      if (problem.word.find('/') != std::string::npos) return "write LEVEL or LEVEL//COMPARTMENT/COMPARTMENT";
      return suggest(problem.word, lattice.levels(), "a level");
    case LatticeError::unknown_compartment:
      return suggest(problem.word, lattice.compartments(), "a compartment");
    default:
      return "keep one";
  }
}

void read_label(const Node& node, Subject& subject, Draft& draft) {
  const auto text = read_text(node, "the label of " + owner_of(subject), "LEVEL or LEVEL//C1/C2", draft.mistakes);
  const lattice::Lattice& lattice = draft.policy.lattice;
  if (!text || lattice.levels().empty()) return;
  const auto label = lattice.parse(*text);
  if (label.ok()) {
    subject.label = label.value();
    subject.label_text = lattice.print(label.value());
    draft.labelled.back() = true;
    return;
  }
  const lattice::Problem& problem = label.error();
  const std::string in_label = " in the label " + quote(*text);
  switch (problem.kind) {
    case LatticeError::unknown_level:
      draft.mistakes.add(node.place, "unknown level " + quote(problem.word) + in_label, label_fix(problem, lattice));
      break;
    case LatticeError::unknown_compartment:
      draft.mistakes.add(node.place, "unknown compartment " + quote(problem.word) + in_label,
                         label_fix(problem, lattice));
      break;
    case LatticeError::duplicate:
      draft.mistakes.add(node.place, "compartment " + quote(problem.word) + " is given twice" + in_label, "keep one");
      break;
    default:
      draft.mistakes.add(node.place, "the label is too long to print", "use shorter names, or fewer compartments");
  }
}

void read_ranks(const Node& node, Subject& subject, Draft& draft) {
  const std::string most = std::to_string(wire::kMaxRanks);
  const std::string what = "'ranks' of " + owner_of(subject);
  if (!expect(node, NodeKind::text, what, "ranks: 2", draft.mistakes)) return;
  const auto number = parse_number(node.text, wire::kMaxRanks);
  if (!number || *number == 0) {
    draft.mistakes.add(node.place, what + " is " + quote(node.text), "write a whole number from 1 to " + most);
    return;
  }
  std::uint64_t others = 0;
  for (const Subject& other : draft.policy.subjects) others += other.ranks;
  subject.ranks = static_cast<std::uint32_t>(*number);
  if (others <= wire::kMaxRanks && others + *number > wire::kMaxRanks) {
    draft.mistakes.add(node.place, "the run has more than " + most + " ranks, counting " + owner_of(subject),
                       "all subjects before it have " + std::to_string(others) + "; use fewer");
  }
}

void read_run(const Node& node, CheckFiles check, Subject& subject, Draft& draft) {
  const char* example = "run: [./program, argument]";
  const std::string what = "'run' of " + owner_of(subject);
  if (!expect(node, NodeKind::list, what, example, draft.mistakes)) return;
  if (node.items.empty()) {
    draft.mistakes.add(node.place, what + " is empty", std::string("write ") + example);
    return;
  }
  if (node.items.size() > kMaxArguments) {
    draft.mistakes.add(node.place, what + " is too long", "use at most " + std::to_string(kMaxArguments) + " words");
    return;
  }
  for (const Node& item : node.items) {
    if (!expect(item, NodeKind::text, "an argument in " + what, "\"\" for an empty argument", draft.mistakes)) return;
    subject.run.push_back(item.text);
  }
  if (subject.run[0].empty()) {
    draft.mistakes.add(node.items[0].place, "the program in " + what + " is empty", std::string("write ") + example);
    return;
  }
  find_image(node.items[0], check, subject, draft);
}

bool is_variable_name(std::string_view name) {
  const auto good = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && name.size() <= 128 && !(name[0] >= '0' && name[0] <= '9') &&
         std::all_of(name.begin(), name.end(), good);
}

void read_environment(const Node& node, Subject& subject, Draft& draft) {
  Mistakes& mistakes = draft.mistakes;
  const char* example = "env: { NAME: \"value\" }";
  if (!expect(node, NodeKind::map, "'env' of " + owner_of(subject), example, mistakes)) return;
  if (node.items.size() > 2 * kMaxVariables) {
    mistakes.add(node.place, "'env' of " + owner_of(subject) + " is too long",
                 "use at most " + std::to_string(kMaxVariables) + " variables");
    return;
  }
  for_each_entry(node, "variable", mistakes, [&](const Node& key, const Node& value) {
    if (!is_variable_name(key.text)) {
      mistakes.add(key.place, quote(key.text) + " cannot name an environment variable",
                   "use letters, digits and '_', not a digit first");
    } else if (key.text.starts_with("SLUICE_") || key.text.starts_with("LD_")) {
      mistakes.add(key.place, "the variable " + quote(key.text) + " is not a policy's to set",
                   "names that start with SLUICE_ or LD_ are kept for Sluice; remove it");
    }
    if (expect(value, NodeKind::text, "variable " + quote(key.text), "\"\" for an empty value", mistakes)) {
      subject.environment.emplace_back(key.text, value.text);
    }
  });
}

/// Index of the text of `node` in `choices`; 0, the default, if it is none of them, which is reported.
std::size_t read_choice(const Node& node, const std::string& key, const Subject& subject,
                        const std::vector<std::string>& choices, Mistakes& mistakes) {
  const std::string what = "'" + key + "' of " + owner_of(subject);
  const auto text = read_text(node, what, key + ": " + choices[0], mistakes);
  if (!text) return 0;
  const auto found = std::find(choices.begin(), choices.end(), *text);
  if (found != choices.end()) return static_cast<std::size_t>(found - choices.begin());
  mistakes.add(node.place, what + " is " + quote(*text), suggest(*text, choices, "'" + key + "'"));
  return 0;
}

void read_optional(const Fields& fields, CheckFiles check, Subject& subject, Draft& draft) {
  static const std::vector<std::string> kMpis{"auto", "openmpi", "mpich"};
  static const std::vector<std::string> kWorlds{"run", "subject"};
  if (const Node* node = fields.find("mpi")) {
    subject.mpi = static_cast<Mpi>(read_choice(*node, "mpi", subject, kMpis, draft.mistakes));
  }
  if (const Node* node = fields.find("world")) {
    subject.world = static_cast<World>(read_choice(*node, "world", subject, kWorlds, draft.mistakes));
  }
  if (const Node* node = fields.find("files")) read_files(*node, check, subject, draft);
  if (const Node* node = fields.find("limits")) read_limits(*node, subject, draft);
  if (const Node* node = fields.find("env")) read_environment(*node, subject, draft);
}

void read_subject(const Node& key, const Node& value, CheckFiles check, Draft& draft) {
  static const std::vector<std::string> kKeys{"label", "ranks", "run", "mpi", "files", "env", "world", "limits"};
  Mistakes& mistakes = draft.mistakes;
  if (!lattice::is_name(key.text) || key.text[0] == '.' || key.text[0] == '-') {
    mistakes.add(key.place, quote(key.text) + " cannot name a subject",
                 "use 1 to " + std::to_string(lattice::kMaxNameBytes) +
                     " letters, digits, '_', '-' or '.', the first a letter, digit or '_'");
  }
  Subject subject;
  subject.name = key.text;
  subject.place = key.place;
  draft.labelled.push_back(false);
  const Fields fields(value, "subject " + quote(key.text), kKeys, mistakes);
  if (const Node* node = fields.need("label", key.place, "label: LEVEL or LEVEL//C1/C2")) {
    read_label(*node, subject, draft);
  }
  if (const Node* node = fields.need("ranks", key.place, "ranks: 2")) read_ranks(*node, subject, draft);
  if (const Node* node = fields.need("run", key.place, "run: [./program, argument]")) {
    read_run(*node, check, subject, draft);
  }
  read_optional(fields, check, subject, draft);
  draft.policy.subjects.push_back(std::move(subject));
}

}  // namespace

void read_subjects(const Node& node, CheckFiles check, Draft& draft) {
  Mistakes& mistakes = draft.mistakes;
  const char* example = "subjects: and below it NAME: { label: LEVEL, ranks: 1, run: [./program] }";
  if (!expect(node, NodeKind::map, "'subjects'", example, mistakes)) return;
  if (node.items.empty()) mistakes.add(node.place, "there are no subjects", std::string("write ") + example);
  bool too_many = false;
  for_each_entry(node, "subject", mistakes, [&](const Node& key, const Node& value) {
    if (draft.policy.subjects.size() < wire::kMaxSubjects) {
      read_subject(key, value, check, draft);
    } else if (!std::exchange(too_many, true)) {
      mistakes.add(key.place, "too many subjects", "a run has at most " + std::to_string(wire::kMaxSubjects));
    }
  });
}

}  // namespace sluice::policy
