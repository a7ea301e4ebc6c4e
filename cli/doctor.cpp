#include "cli/doctor.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "trusted/launcher/front.hpp"
#include "trusted/launcher/operator_text.hpp"
#include "trusted/sandbox/host_check.hpp"

namespace sluice::cli {
namespace {

using sandbox::Check;
using sandbox::Verdict;

const char* word(Verdict verdict) {
  switch (verdict) {
    case Verdict::ok:
      return "ok";
    case Verdict::degraded:
      return "degraded";
    case Verdict::missing:
      return "missing";
  }
  return "";
}

const char* colour(Verdict verdict) {
  switch (verdict) {
    case Verdict::ok:
      return "\033[32m";
    case Verdict::degraded:
      return "\033[33m";
    case Verdict::missing:
      return "\033[31m";
  }
  return "";
}

void print_table(const std::vector<Check>& checks) {
  const bool terminal = isatty(STDOUT_FILENO) == 1;
  std::size_t width = 0;
  for (const Check& check : checks) width = std::max(width, check.name.size());
  for (const Check& check : checks) {
    std::printf("%-*s  %s%-8s%s  %s\n", static_cast<int>(width), check.name.c_str(),
                terminal ? colour(check.verdict) : "", word(check.verdict), terminal ? "\033[0m" : "",
                check.detail.c_str());
    if (!check.mend.empty()) std::printf("%*s  to mend it: %s\n", static_cast<int>(width + 10), "", check.mend.c_str());
  }
  std::printf("\n%s\n", sandbox::is_fit(checks) ? "Runs can start." : "Runs cannot start here: see what is missing.");
}

void print_json(const std::vector<Check>& checks) {
  std::string text = std::string("{\"fit\":") + (sandbox::is_fit(checks) ? "true" : "false") + ",\"checks\":[";
  for (std::size_t i = 0; i < checks.size(); ++i) {
    const Check& check = checks[i];
    text += std::string(i > 0 ? "," : "") + "{\"name\":\"" + launcher::json_text(check.name) + "\",\"verdict\":\"" +
            word(check.verdict) + "\",\"detail\":\"" + launcher::json_text(check.detail) + "\",\"mend\":\"" +
            launcher::json_text(check.mend) + "\"}";
  }
  std::printf("%s]}\n", text.c_str());
}

}  // namespace

void add_doctor(CLI::App& app, int& exit_code) {
  CLI::App* command = app.add_subcommand("doctor", "Show what this host can and cannot keep, and what mends it");
  const auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "Print JSON");
  command->footer("Exit codes: 0 if runs can start, 4 if not.");
  command->callback([json, &exit_code] {
    const std::vector<Check> checks =
        sandbox::check_host(sandbox::CheckDepth::everything, launcher::find_installation_places());
    if (*json) {
      print_json(checks);
    } else {
      print_table(checks);
    }
    exit_code = sandbox::is_fit(checks) ? 0 : launcher::kHostCannot;
  });
}

}  // namespace sluice::cli
