#include "cli/run.hpp"

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "trusted/launcher/front.hpp"

namespace sluice::cli {
namespace {

constexpr char kFooter[] =
    "Exit codes:\n"
    "  0    every subject ended well\n"
    "  1    a subject failed by its own exit status\n"
    "  2    wrong usage\n"
    "  3    the policy has mistakes, or a path that it names carries a label that forbids its use\n"
    "  4    this host cannot keep a promise, or a part is missing (sluice doctor says more)\n"
    "  5    the guard ended a subject: it misbehaved, or a queue into it was full\n"
    "  6    the guard or the supervisor died\n"
    "  130  interrupted\n"
    "\n"
    "The first Ctrl-C asks the subjects to end and gives them 5 s, the second ends them.\n"
    "Whatever ends the run, no process, socket, file or mount of it stays behind.\n";

}  // namespace

void add_run(CLI::App& app, int& exit_code) {
  struct Arguments {
    std::string policy;
    std::string output;
    std::string json;
    std::string audit;
    bool quiet = false;
  };
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("run", "Start a run: every subject of POLICY in its own sandbox");
  command->add_option("POLICY", arguments->policy, "Policy file")->required();
  command->add_option("--output", arguments->output,
                      "Also keep each subject's output, as SUBJECT.out and SUBJECT.err in this folder");
  command
      ->add_option("--json", arguments->json,
                   "Write the summary as JSON to this file; - or no value is standard output")
      ->expected(0, 1)
      ->default_str("-");
  command->add_option("--audit", arguments->audit,
                      "Append the run's events to this file, one JSON object a line (sluice audit reads it)");
  command->add_flag("--quiet", arguments->quiet, "No live status and no summary on the terminal");
  command->footer(kFooter);
  command->callback([command, arguments, &exit_code] {
    launcher::RunOptions options;
    options.policy = arguments->policy;
    options.quiet = arguments->quiet;
    if (!arguments->output.empty()) options.output = arguments->output;
    if (!arguments->audit.empty()) options.audit = arguments->audit;
    if (command->count("--json") > 0) options.json = arguments->json.empty() ? "-" : arguments->json;
    exit_code = launcher::run(options);
  });
}

}  // namespace sluice::cli
