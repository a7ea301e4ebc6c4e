#include "covert/kit/stage.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "covert/probe/record.hpp"

namespace sluice::covert {

namespace {

namespace fs = std::filesystem;
using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr milliseconds kPoll{20};
constexpr seconds kPatience{60};  // for a run to start and end, beyond what its items take
constexpr seconds kGrace{10};     // for an interrupted run
constexpr int kTries = 3;
constexpr std::size_t kMostSaid = 400;
constexpr std::size_t kSharedBytes = 65536;

using Words = std::vector<std::string>;

/// Starts a program whose output goes to `log`. It ends when this process does.
pid_t start(const Words& words, const std::string& log) {
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));  // NOLINT
  arguments.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(1);
  ::setpgid(0, 0);  // Ctrl-C is for us to pass on
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const int in = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

/// Waits for all; ends them if they take too long or we are interrupted.
bool wait_for(std::vector<pid_t> children, Time deadline, const volatile bool& interrupted) {
  bool in_time = true;
  bool asked = false;
  while (!children.empty()) {
    std::erase_if(children, [](pid_t child) { return ::waitpid(child, nullptr, WNOHANG) != 0; });
    const bool over = Clock::now() > deadline;
    if ((over || interrupted) && !asked) {
      for (const pid_t child : children) ::kill(child, SIGINT);
      asked = true;
      in_time = children.empty();
      deadline = Clock::now() + kGrace;
    } else if (over) {
      for (const pid_t child : children) ::kill(child, SIGKILL);
    }
    std::this_thread::sleep_for(kPoll);
  }
  return in_time;
}

/// One go at a stage: its folder and the words for each role.
struct Go {
  const Equipment& equipment;
  Setting setting;
  const std::vector<Item>& items;
  std::uint64_t seed;
  std::string folder;
  std::string token;
  Time base;

  /// `role`: low, high or sink.
  [[nodiscard]] Words words(const std::string& role) const {
    const bool control = setting == Setting::control;
    Words all = {equipment.probe,
                 role,
                 folder + "/" + role,
                 control ? folder : "-",
                 folder + "/shared",
                 token,
                 role == "high" ? std::to_string(seed) : "0",
                 setting == Setting::apart ? "0" : "1",
                 std::to_string(duration_cast<nanoseconds>(base.time_since_epoch()).count())};
    for (const Item& item : items) all.push_back(text_of(item));
    return all;
  }

  [[nodiscard]] std::string subject(const std::string& role, const char* label) const {
    std::ostringstream text;
    text << "  " << role << ":\n    label: " << label << "\n    ranks: 1\n    mpi: " << equipment.mpi
         << "\n    files:\n      - { path: " << role << ", access: write }\n      - { path: shared, access: read }\n"
         << "    run:\n";
    for (const std::string& word : words(role)) text << "      - \"" << word << "\"\n";
    return text.str();
  }

  void write_policy() const {
    std::ofstream file(folder + "/policy.yaml");
    file << "sluice: 1\nlattice:\n  levels: [LOW, HIGH, TOP]\nsubjects:\n"
         << subject("low", "LOW") << subject("high", "HIGH");
    if (setting != Setting::flow) return;
    // Only where some means sends on: an idle subject more is noise.
    const bool on = std::any_of(items.begin(), items.end(), [](const Item& item) { return item.means->sends_on; });
    if (on) file << subject("sink", "TOP");
    file << "flows:\n  - { from: low, to: high, queue: 64MiB }\n";
    if (on) file << "  - { from: high, to: sink, queue: 64MiB }\n";
  }
};

/// The last lines that `sluice run` itself, or a probe, has written to the log; not what the subjects have.
std::string said_in(const std::string& log) {
  std::ifstream file(log);
  std::string said;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("sluice") && !line.starts_with("covert probe")) continue;
    said += (said.empty() ? "" : "; ") + line;
    if (said.size() > kMostSaid) said.erase(0, said.size() - kMostSaid);
  }
  return said;
}

/// One number for each go of this process: names of folders and tokens.
std::string next_name() {
  static std::atomic<int> count{0};
  return std::to_string(++count);
}

Result perform_once(const Equipment& equipment, Setting setting, const std::vector<Item>& items, std::uint64_t seed,
                    milliseconds margin, const volatile bool& interrupted) {
  const std::string number = next_name();
  Go go{equipment,
        setting,
        items,
        seed,
        equipment.folder + "/" + number,
        "covert-" + std::to_string(::getpid()) + "-" + number,
        Clock::now() + margin};
  fs::create_directory(go.folder);
  std::ofstream(go.folder + "/shared") << std::string(kSharedBytes, 's');
  const std::string log = go.folder + "/log";
  std::vector<pid_t> children;
  if (setting == Setting::control) {
    fs::create_directory(go.folder + "/low");
    fs::create_directory(go.folder + "/high");
    for (const char* role : {"high", "low"}) children.push_back(start(go.words(role), log));
  } else {
    go.write_policy();
    children.push_back(start({equipment.sluice, "run", "--quiet", go.folder + "/policy.yaml"}, log));
  }
  Result result;
  const bool in_time = wait_for(children, go.base + duration(items) + kPatience, interrupted);
  result.low_ready = read_readiness(go.folder + "/low/" + kReadyFile);
  result.high_ready = read_readiness(go.folder + "/high/" + kReadyFile);
  result.observed = read_observations(go.folder + "/low/" + kObservedFile);
  result.low_done = read_readiness(go.folder + "/low/" + kDoneFile);
  result.high_done = read_readiness(go.folder + "/high/" + kDoneFile);
  result.said = said_in(log);
  if (!in_time) result.problem = "took too long";
  if (interrupted) result.problem = "interrupted";
  if (result.low_ready.size() < items.size() || result.high_ready.size() < items.size()) {
    result.problem = "a role did not start: " + result.said;
  }
  std::error_code error;
  fs::remove_all(go.folder, error);
  return result;
}

}  // namespace

const char* name_of(Setting setting) {
  switch (setting) {
    case Setting::control:
      return "control";
    case Setting::flow:
      return "flow";
    case Setting::apart:
      return "apart";
  }
  return "?";
}

Result perform(const Equipment& equipment, Setting setting, const std::vector<Item>& items, std::uint64_t seed,
               const volatile bool& interrupted) {
  // Until both roles have prepared; longer if they came too late.
  milliseconds margin = setting == Setting::control ? milliseconds(400) : milliseconds(3000);
  Result result;
  for (int attempt = 0; attempt < kTries; ++attempt, margin *= 3) {
    result = perform_once(equipment, setting, items, seed, margin, interrupted);
    const bool late = result.low_ready.contains(kLate) || result.high_ready.contains(kLate);
    if (!late || interrupted) return result;
    result.problem = "both roles could not be ready in time: is the machine overloaded?";
  }
  return result;
}

}  // namespace sluice::covert
