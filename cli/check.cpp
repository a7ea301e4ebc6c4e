// `sluice check`.
#include <CLI/CLI.hpp>
#include <memory>

#include "cli/exit_codes.hpp"
#include "cli/output.hpp"
#include "cli/policy_commands.hpp"

namespace sluice::cli {
namespace {

struct Arguments {
  std::string file;
  bool json = false;
  bool no_files = false;
};

int check(const Arguments& arguments) {
  const auto files = arguments.no_files ? policy::CheckFiles::no : policy::CheckFiles::yes;
  const auto policy = policy::load(arguments.file, files);
  if (!policy.ok()) return refuse(policy.error(), arguments.file, arguments.json);
  return print(arguments.json ? policy::show_json(policy.value()) : policy::summary(policy.value(), colour()));
}

}  // namespace

void add_check(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("check", "Check a policy: list every mistake, or print a summary");
  command->footer(
      "Each mistake is printed as FILE:LINE:COLUMN: WHAT IS WRONG; WHAT WOULD BE RIGHT.\n\n"
      "Examples:\n"
      "  sluice check imagery.yaml\n"
      "  sluice check --no-files imagery.yaml    on a machine that has the policy, but not its programs\n"
      "  sluice check --json imagery.yaml        for scripts: {\"ok\": ..., \"mistakes\": [...]}\n\n"
      "Exit codes: 0 the policy is good, 2 wrong arguments, 3 mistakes, 4 the file cannot be read.");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("POLICY", arguments->file, "Policy file")->required();
  command->add_flag("--json", arguments->json, "Print JSON");
  command->add_flag("--no-files", arguments->no_files, "Do not look for the programs and files that it names");
  command->callback([arguments, &exit_code] { exit_code = check(*arguments); });
}

}  // namespace sluice::cli
