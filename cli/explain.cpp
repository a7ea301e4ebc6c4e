// `sluice explain`.
#include <CLI/CLI.hpp>
#include <memory>

#include "cli/exit_codes.hpp"
#include "cli/output.hpp"
#include "cli/policy_commands.hpp"

namespace sluice::cli {
namespace {

struct Arguments {
  std::string file;
  std::string from;
  std::string to;
  bool json = false;
};

int explain(const Arguments& arguments) {
  const auto loaded = policy::load(arguments.file, policy::CheckFiles::no);
  if (!loaded.ok()) return refuse(loaded.error(), arguments.file, arguments.json);
  const policy::Policy& policy = loaded.value();
  for (const std::string& name : {arguments.from, arguments.to}) {
    if (policy::index_of(policy, name) == policy.subjects.size()) {
      return fail(policy::unknown_subject(policy, name), kExitUsage);
    }
  }
  const auto from = static_cast<std::uint32_t>(policy::index_of(policy, arguments.from));
  const auto to = static_cast<std::uint32_t>(policy::index_of(policy, arguments.to));
  const int printed =
      print(arguments.json ? policy::explain_json(policy, from, to) : policy::explain_text(policy, from, to, colour()));
  if (printed != kExitOk) return printed;
  return policy::explain(policy, from, to).allowed ? kExitOk : kExitDenied;
}

}  // namespace

void add_explain(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("explain", "Say why one subject may or may not send to another");
  command->footer(
      "Prints both labels, the coordinate of them that fails, the line of the policy that decides, and the smallest\n"
      "change that would allow it.\n\n"
      "Examples:\n"
      "  sluice explain imagery.yaml ingest exploit\n"
      "  sluice explain imagery.yaml report ingest || echo denied\n\n"
      "Exit codes: 0 allowed, 1 denied, 2 wrong arguments or no such subject, 3 the policy has mistakes, 4 the file\n"
      "cannot be read.");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("POLICY", arguments->file, "Policy file")->required();
  command->add_option("FROM", arguments->from, "Name of the sending subject")->required();
  command->add_option("TO", arguments->to, "Name of the receiving subject")->required();
  command->add_flag("--json", arguments->json, "Print JSON");
  command->callback([arguments, &exit_code] { exit_code = explain(*arguments); });
}

}  // namespace sluice::cli
