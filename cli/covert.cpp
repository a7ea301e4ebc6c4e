#include "cli/covert.hpp"

#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "cli/exit_codes.hpp"
#include "cli/output.hpp"
#include "covert/kit/campaign.hpp"
#include "covert/kit/report.hpp"

namespace sluice::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kExitAboveLimit = 1;
constexpr int kExitControlFailed = 3;
constexpr int kExitInterrupted = 130;
constexpr double kShortSeconds = 280;
constexpr double kLongSeconds = 3500;

constexpr char kFooter[] =
    "A high-side sender and a low-side receiver try to get a random secret down past the guard and the sandboxes, by\n"
    "every means of the list. What comes through is measured; docs/covert.md explains the figures. The machine should\n"
    "have nothing else to do.\n\n"
    "Examples:\n"
    "  sluice covert                              every means, in less than five minutes\n"
    "  sluice covert --only 13 --only proc_links  one class and one means\n"
    "  sluice covert --long --html report.html    an hour, for narrower intervals\n\n"
    "Exit codes: 0 nothing above the limit and every control caught, 1 a channel above the limit, 2 wrong arguments,\n"
    "3 a control was not caught, so silence proves nothing, 4 a part is missing or some run came to nothing,\n"
    "130 interrupted.";

// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): a signal handler has nothing else
volatile bool interrupted = false;

void interrupt(int) { interrupted = true; }

struct Arguments {
  std::vector<std::string> only;
  std::string json;
  std::string html;
  std::string mpi = "mpich";
  double seconds = 0;
  double limit = 1;
  std::uint64_t seed = 0;
  bool list = false;
  bool long_form = false;
};

/// A folder of this campaign, removed with everything in it.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "sluice-covert-XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr) path_ = name;
    std::error_code error;
    // Subjects may be other users.
    fs::permissions(path_, fs::perms(0755), error);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code error;
    if (!path_.empty()) fs::remove_all(path_, error);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

bool is_chosen(const covert::Means& means, const std::vector<std::string>& only) {
  return only.empty() || std::any_of(only.begin(), only.end(), [&](const std::string& one) {
           return one == means.name || one == std::to_string(means.number);
         });
}

std::string list() {
  std::string text;
  int number = 0;
  for (const covert::Means& means : covert::all_means()) {
    if (means.number != number) {
      number = means.number;
      text += std::to_string(number) + "  " + covert::title_of_class(number) + "\n";
    }
    text += std::string("    ") + means.name + ": " + means.what + "; needs " + means.needs + "\n";
  }
  return text;
}

/// The chosen means; says which choice fits none and returns nothing then.
std::vector<const covert::Means*> chosen(const Arguments& arguments) {
  std::vector<const covert::Means*> found;
  for (const covert::Means& means : covert::all_means()) {
    if (is_chosen(means, arguments.only)) found.push_back(&means);
  }
  for (const std::string& one : arguments.only) {
    const bool fits =
        std::any_of(found.begin(), found.end(), [&](const covert::Means* means) { return is_chosen(*means, {one}); });
    if (fits) continue;
    fail("no class or means '" + one + "': sluice covert --list names them", kExitUsage);
    return {};
  }
  return found;
}

bool write(const std::string& path, const std::string& text) {
  if (path.empty()) return true;
  if (path == "-") return print(text) == kExitOk;
  std::ofstream file(path);
  file << text;
  if (file.flush()) return true;
  fail("cannot write " + path, kExitMissing);
  return false;
}

int code_of(const covert::Report& report) {
  if (report.interrupted) return kExitInterrupted;
  if (!report.controls_caught()) return kExitControlFailed;
  if (!report.complete()) return kExitMissing;
  return report.within_limit() ? kExitOk : kExitAboveLimit;
}

int covert_channels(const Arguments& arguments) {
  if (arguments.list) return print(list());
  covert::Campaign campaign;
  campaign.means = chosen(arguments);
  if (campaign.means.empty()) return kExitUsage;
  const double usual = arguments.long_form ? kLongSeconds : kShortSeconds;
  campaign.seconds = arguments.seconds > 0 ? arguments.seconds : usual;
  campaign.limit = arguments.limit;
  campaign.seed = arguments.seed != 0 ? arguments.seed : std::random_device{}() + std::uint64_t{1};
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  const Folder folder;
  const covert::Equipment equipment{self, self.parent_path() / "sluice-covert-probe", folder.path(), arguments.mpi};
  if (folder.path().empty()) return fail("cannot make a folder in " + fs::temp_directory_path().string(), kExitMissing);
  if (::access(equipment.probe.c_str(), X_OK) != 0) {
    return fail(equipment.probe + " is missing: cmake --build --preset release builds it", kExitMissing);
  }
  struct sigaction action {};
  action.sa_handler = interrupt;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
  const covert::Report report = covert::conduct(
      campaign, equipment, interrupted, [](const std::string& step) { std::cerr << "covert: " << step << std::endl; });
  const bool written = write(arguments.json, covert::as_json(report)) && write(arguments.html, covert::as_html(report));
  if (arguments.json != "-" && print(covert::as_table(report)) != kExitOk) return kExitMissing;
  return written ? code_of(report) : kExitMissing;
}

}  // namespace

void add_covert(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("covert", "Measure the covert channels of this machine, in bits per second");
  command->footer(kFooter);
  auto arguments = std::make_shared<Arguments>();
  command->add_option("--only", arguments->only,
                      "Only this class (a number) or means (a name); may be given more than once");
  command->add_flag("--list", arguments->list, "List the means by class, and run nothing");
  command->add_flag("--long", arguments->long_form, "About an hour instead of less than five minutes");
  command->add_option("--seconds", arguments->seconds, "About so many seconds instead")->check(CLI::PositiveNumber);
  command->add_option("--limit", arguments->limit, "Bits per second that are accepted (default 1)")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--mpi", arguments->mpi, "Host MPI that starts both roles (default mpich)")
      ->check(CLI::IsMember({"mpich", "openmpi"}));
  command->add_option("--json", arguments->json, "Also write the report as JSON to this file; - is standard output");
  command->add_option("--html", arguments->html, "Also write it as a page with plots to this file");
  command->add_option("--seed", arguments->seed, "Seed of the secret (default: random)");
  command->callback([arguments, &exit_code] { exit_code = covert_channels(*arguments); });
}

}  // namespace sluice::cli
