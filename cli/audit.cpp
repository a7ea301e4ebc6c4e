#include "cli/audit.hpp"

#include <yaml-cpp/yaml.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/exit_codes.hpp"
#include "cli/output.hpp"
#include "trusted/launcher/digest.hpp"
#include "trusted/launcher/operator_text.hpp"

namespace sluice::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kShownRun = 8;  // digits of a run's name that a table shows
constexpr int kMostRotated = 9;
/// Events that tell of something that did not go as the policy wants it.
const std::vector<std::string> kTroubles{"refused",  "denied",      "refused_calls", "turned_away", "queue_full",
                                         "overflow", "events_lost", "stopping",      "guard_died",  "relaxation"};

struct Arguments {
  std::vector<std::string> paths;
  std::vector<std::string> events;
  std::vector<std::string> subjects;
  std::string run;
  std::string since;
  std::string until;
  bool troubles = false;
  bool count = false;
  bool verify = false;
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
  if (arguments.troubles && !among(kTroubles, entry["event"])) return false;
  if (!arguments.run.empty() && entry["run"].Scalar().rfind(arguments.run, 0) != 0) return false;
  const std::string& time = entry["time"].Scalar();
  if (!arguments.since.empty() && time < arguments.since) return false;
  // A day, or a minute, means all of it.
  if (!arguments.until.empty() && time.substr(0, arguments.until.size()) > arguments.until) return false;
  return arguments.subjects.empty() || among(arguments.subjects, entry["subject"]) ||
         among(arguments.subjects, entry["from"]) || among(arguments.subjects, entry["to"]);
}

std::string shown(const YAML::Node& entry) {
  std::string text = entry["time"].Scalar() + "  " + entry["run"].Scalar().substr(0, kShownRun) + "  ";
  text += entry["event"].Scalar();
  for (const auto& field : entry) {
    const std::string name = field.first.Scalar();
    if (name == "time" || name == "run" || name == "event" || name == "number" || name == "chain") continue;
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

/// What --verify knows of one run so far.
struct Chain {
  std::string value;
  std::uint64_t number = 0;
  bool ended = false;
};

/// Empty if the line follows what is known of its run, else what is wrong. Where the log begins in the middle of a run,
/// because older files are gone, its first line is believed.
std::string fault_of(const std::string& line, const YAML::Node& entry, std::map<std::string, Chain>& chains) {
  const std::size_t end = line.rfind(",\"chain\":\"");
  if (!entry["number"] || !entry["chain"] || end == std::string::npos) return "the line is not chained";
  const std::string run = entry["run"].Scalar();
  const auto number = entry["number"].as<std::uint64_t>(0);
  const auto [place, first] = chains.try_emplace(run, Chain{run, 0, false});
  Chain& chain = place->second;
  std::string fault;
  if (number != chain.number + 1 && !first) {
    fault = "line " + std::to_string(number) + " of the run follows line " + std::to_string(chain.number);
  } else if ((!first || number == 1) &&
             line.substr(end) != ",\"chain\":\"" + launcher::sha256(chain.value + line.substr(0, end)) + "\"}") {
    fault = "the line, or the one before it in the run, has been changed";
  }
  chain = {entry["chain"].Scalar(), number, entry["event"].Scalar() == "run_ended"};
  return fault;
}

/// FILE with its older files, oldest first; of a folder every file.
std::vector<fs::path> files_of(const fs::path& path) {
  std::error_code error;
  std::vector<fs::path> files;
  if (fs::is_directory(path, error)) {
    std::vector<fs::path> logs;
    for (const auto& item : fs::directory_iterator(path, error)) {
      if (item.is_regular_file(error) && item.path().extension() == ".log") logs.push_back(item.path());
    }
    std::sort(logs.begin(), logs.end());
    for (const fs::path& log : logs) {
      for (fs::path& file : files_of(log)) files.push_back(std::move(file));
    }
    return files;
  }
  for (int number = kMostRotated; number >= 1; --number) {
    fs::path older = path.string() + "." + std::to_string(number);
    if (fs::exists(older, error)) files.push_back(std::move(older));
  }
  files.push_back(path);
  return files;
}

class Reader {
 public:
  explicit Reader(const Arguments& arguments) : arguments_(arguments) {}

  void read(const fs::path& path) {
    std::ifstream file(path);
    if (!file) {
      exit_code_ = fail("cannot read " + path.string(), kExitMissing);
      return;
    }
    std::string line;
    for (int number = 1; std::getline(file, line); ++number) take(line, path.string() + ":" + std::to_string(number));
  }

  int finish() {
    for (const auto& [what, times] : counts_) std::cout << times << "\t" << what << "\n";
    if (!arguments_.verify) return exit_code_;
    for (const auto& [run, chain] : chains_) {
      std::cout << "run " << run << ": " << chain.number << " lines"
                << (chain.ended ? ", to its end" : ", no end: it goes on, was killed, or its last lines are gone")
                << "\n";
    }
    return exit_code_;
  }

 private:
  void take(const std::string& line, const std::string& where) {
    const auto entry = parse(line);
    if (!entry) {
      // The last line of a disk that became full, say. What follows is still read.
      return complain(where + ": no line of an audit log");
    }
    if (arguments_.verify) {
      if (const std::string fault = fault_of(line, *entry, chains_); !fault.empty()) complain(where + ": " + fault);
    } else if (is_wanted(arguments_, *entry)) {
      if (arguments_.count) {
        const YAML::Node subject = (*entry)["subject"];
        ++counts_[(*entry)["event"].Scalar() + (subject ? "\t" + launcher::sanitise(subject.Scalar()) : "")];
      } else {
        std::cout << (arguments_.json ? line : shown(*entry)) << "\n";
      }
    }
  }

  void complain(const std::string& what) { exit_code_ = std::max(exit_code_, fail(what, kExitDenied)); }

  const Arguments& arguments_;
  std::map<std::string, Chain> chains_;
  std::map<std::string, std::uint64_t> counts_;
  int exit_code_ = kExitOk;
};

constexpr char kFooter[] =
    "LOG is a file that `sluice run --audit` wrote, read with its older files LOG.9 to LOG.1, or a folder of such\n"
    "files.\n\n"
    "Events: run_started, subject, grant, flow, relaxation, rank_up, rank_ended, denied (calls that the subject's\n"
    "library refused, counted), turned_away (connections by another user to its socket, counted), refused (by the\n"
    "guard, which ends the subject), queue_full, overflow, events_lost, subject_ended, stopping, guard_died, "
    "run_ended.\n\n"
    "Examples:\n"
    "  sluice run imagery.yaml --audit run.log\n"
    "  sluice audit run.log --troubles\n"
    "  sluice audit run.log --event refused --event queue_full --since 2026-01-31\n"
    "  sluice audit run.log --subject exploit --json | jq .\n"
    "  sluice audit logs/ --count\n"
    "  sluice audit run.log --verify\n\n"
    "--verify says whether a line has been changed, added or taken out. Whoever may write the file can also make a\n"
    "whole new chain: keep the last line's `chain` elsewhere if that matters.\n\n"
    "Exit codes: 0 read, 1 some line is no event or does not fit, 2 wrong arguments, 4 a file cannot be read.";

}  // namespace

void add_audit(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("audit", "Read the events that `sluice run --audit FILE` appended");
  command->footer(kFooter);
  auto arguments = std::make_shared<Arguments>();
  command->add_option("LOG", arguments->paths, "Audit log, or a folder of them")->required();
  command->add_option("--event", arguments->events, "Only events of this name; may be given more than once");
  command->add_option("--subject", arguments->subjects, "Only events that concern this subject");
  command->add_option("--run", arguments->run, "Only events of the run whose name begins so");
  command->add_option("--since", arguments->since, "Only from this UTC time on: 2026-01-31, or 2026-01-31T12:00");
  command->add_option("--until", arguments->until, "Only up to this UTC time, what it leaves open included");
  command->add_flag("--troubles", arguments->troubles, "Only what did not go as the policy wants it");
  auto* count = command->add_flag("--count", arguments->count, "How many there are of each event and subject");
  auto* verify = command->add_flag("--verify", arguments->verify, "Whether the lines are those that were written");
  auto* json = command->add_flag("--json", arguments->json, "Print the lines as they are");
  count->excludes(verify)->excludes(json);
  verify->excludes(json);
  command->callback([arguments, &exit_code] {
    Reader reader(*arguments);
    for (const std::string& path : arguments->paths) {
      for (const fs::path& file : files_of(path)) reader.read(file);
    }
    exit_code = reader.finish();
  });
}

}  // namespace sluice::cli
