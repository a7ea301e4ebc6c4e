#include "cli/audit.hpp"

#include <yaml-cpp/yaml.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/exit_codes.hpp"
#include "cli/output.hpp"
#include "trusted/launcher/operator_text.hpp"

namespace sluice::cli {
namespace {

constexpr std::size_t kShownRun = 8;  // digits of a run's name that a table shows

struct Arguments {
  std::string file;
  std::vector<std::string> events;
  std::vector<std::string> subjects;
  std::string run;
  bool json = false;
};

/// A line of the log, or nothing if it is none. JSON is a part of YAML.
std::optional<YAML::Node> parse(const std::string& line) {
  try {
    YAML::Node node = YAML::Load(line);
    if (node.IsMap() && node["event"] && node["run"] && node["time"]) return node;
  } catch (const YAML::Exception&) {
    return std::nullopt;
  }
  return std::nullopt;
}

bool among(const std::vector<std::string>& wanted, const YAML::Node& value) {
  return value && value.IsScalar() && std::find(wanted.begin(), wanted.end(), value.Scalar()) != wanted.end();
}

bool is_wanted(const Arguments& arguments, const YAML::Node& entry) {
  if (!arguments.events.empty() && !among(arguments.events, entry["event"])) return false;
  if (!arguments.run.empty() && entry["run"].Scalar().rfind(arguments.run, 0) != 0) return false;
  return arguments.subjects.empty() || among(arguments.subjects, entry["subject"]) ||
         among(arguments.subjects, entry["from"]) || among(arguments.subjects, entry["to"]);
}

std::string shown(const YAML::Node& entry) {
  std::string text = entry["time"].Scalar() + "  " + entry["run"].Scalar().substr(0, kShownRun) + "  ";
  text += entry["event"].Scalar();
  for (const auto& field : entry) {
    const std::string name = field.first.Scalar();
    if (name == "time" || name == "run" || name == "event") continue;
    if (!field.second.IsSequence()) {
      text += "  " + name + "=" + (field.second.IsNull() ? "-" : launcher::sanitise(field.second.Scalar()));
      continue;
    }
    for (const auto& flow : field.second) {
      text += "\n    " + flow["from"].Scalar() + " -> " + flow["to"].Scalar() + ": " + flow["messages"].Scalar() +
              " messages, " + flow["bytes"].Scalar() + " bytes";
    }
  }
  return text;
}

int audit(const Arguments& arguments) {
  std::ifstream file(arguments.file);
  if (!file) return fail("cannot read " + arguments.file, kExitMissing);
  int exit_code = kExitOk;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    const auto entry = parse(line);
    if (!entry) {
      // The last line of a disk that became full, say. What follows is still shown.
      exit_code = fail(arguments.file + ":" + std::to_string(number) + ": no line of an audit log", kExitDenied);
      continue;
    }
    if (is_wanted(arguments, *entry)) std::cout << (arguments.json ? line : shown(*entry)) << "\n";
  }
  return exit_code;
}

}  // namespace

void add_audit(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("audit", "Read the events that `sluice run --audit FILE` appended");
  command->footer(
      "Events: run_started, subject, flow, relaxation, rank_up, rank_ended, refused, queue_full, subject_ended,\n"
      "stopping, guard_died, run_ended. FILE.1 to FILE.9 are older files.\n\n"
      "Examples:\n"
      "  sluice run imagery.yaml --audit run.log\n"
      "  sluice audit run.log --event refused --event queue_full\n"
      "  sluice audit run.log --subject exploit --json | jq .\n\n"
      "Exit codes: 0 read, 1 some line is no event, 2 wrong arguments, 4 the file cannot be read.");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("FILE", arguments->file, "Audit log")->required();
  command->add_option("--event", arguments->events, "Only events of this name; may be given more than once");
  command->add_option("--subject", arguments->subjects, "Only events that concern this subject");
  command->add_option("--run", arguments->run, "Only events of the run whose name begins so");
  command->add_flag("--json", arguments->json, "Print the lines as they are");
  command->callback([arguments, &exit_code] { exit_code = audit(*arguments); });
}

}  // namespace sluice::cli
