// `sluice`: arguments to calls.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string>

#include "cli/audit.hpp"
#include "cli/covert.hpp"
#include "cli/doctor.hpp"
#include "cli/exit_codes.hpp"
#include "cli/policy_commands.hpp"
#include "cli/run.hpp"

namespace {

constexpr const char* kFooter =
    "Examples:\n"
    "  sluice check imagery.yaml                     is the policy right?\n"
    "  sluice run imagery.yaml                       run it\n"
    "  sluice explain imagery.yaml report ingest     why may report not send to ingest?\n"
    "  sluice graph imagery.yaml -o imagery.svg      draw it\n"
    "  sluice audit run.log --event refused          what was refused?\n"
    "  sluice covert --only 1                        which covert channels does a flow have here?\n"
    "  sluice doctor                                 what can this host keep, and what not?\n\n"
    "Exit codes of the policy commands: 0 good, 1 denied (explain), 2 wrong arguments, 3 the policy has mistakes,\n"
    "4 a file or tool is missing. `sluice run --help` and `sluice doctor --help` list theirs.\n"
    "Colours are used on a terminal only, and never when NO_COLOR is set.";

std::string wrong_arguments(const CLI::App* app, const CLI::Error& error) {
  const auto extras = app->remaining();
  const bool unknown = app->get_subcommands().empty() && !extras.empty();
  return "sluice: " + (unknown ? "unknown command or option '" + extras[0] + "'" : std::string(error.what())) +
         "\nsluice --help lists the commands, sluice COMMAND --help explains one\n";
}

int run(int argc, char** argv) {
  CLI::App app("Sluice runs one MPI job at several security levels; data moves only along the flows of its policy.",
               "sluice");
  app.failure_message(wrong_arguments);
  app.set_version_flag("--version", "sluice " SLUICE_VERSION);
  app.require_subcommand(1);
  app.footer(kFooter);
  int exit_code = sluice::cli::kExitOk;
#ifdef SLUICE_HAS_RUN
  sluice::cli::add_run(app, exit_code);
#endif
  sluice::cli::add_check(app, exit_code);
  sluice::cli::add_show(app, exit_code);
  sluice::cli::add_graph(app, exit_code);
  sluice::cli::add_explain(app, exit_code);
#ifdef SLUICE_HAS_AUDIT
  sluice::cli::add_audit(app, exit_code);
#endif
#ifdef SLUICE_HAS_COVERT
  sluice::cli::add_covert(app, exit_code);
#endif
#ifdef SLUICE_HAS_DOCTOR
  sluice::cli::add_doctor(app, exit_code);
#endif
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? sluice::cli::kExitOk : sluice::cli::kExitUsage;
  }
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sluice: %s\n", error.what());
    return sluice::cli::kExitMissing;
  }
}
