// `sluice show`.
#include <CLI/CLI.hpp>
#include <memory>

#include "cli/output.hpp"
#include "cli/policy_commands.hpp"

namespace sluice::cli {
namespace {

struct Arguments {
  std::string file;
  bool json = false;
};

int show(const Arguments& arguments) {
  const auto policy = policy::load(arguments.file, policy::CheckFiles::no);
  if (!policy.ok()) return refuse(policy.error(), arguments.file, arguments.json);
  return print(arguments.json ? policy::show_json(policy.value()) : policy::show(policy.value(), colour()));
}

}  // namespace

void add_show(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("show", "Show the tables that a policy compiles to");
  command->footer(
      "Prints what the guard enforces: subjects with their world ranks, flows, capabilities, and for each pair of\n"
      "subjects the decision with its reason. Programs and files need not be there. The text is the same on every\n"
      "host, so that it can be kept and compared when a policy changes.\n\n"
      "Examples:\n"
      "  sluice show imagery.yaml\n"
      "  sluice show --json imagery.yaml\n\n"
      "Exit codes: 0 shown, 2 wrong arguments, 3 the policy has mistakes, 4 the file cannot be read.");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("POLICY", arguments->file, "Policy file")->required();
  command->add_flag("--json", arguments->json, "Print JSON");
  command->callback([arguments, &exit_code] { exit_code = show(*arguments); });
}

}  // namespace sluice::cli
