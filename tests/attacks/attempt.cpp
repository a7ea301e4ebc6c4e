#include "tests/attacks/attempt.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <sstream>

namespace sluice::attacks {

namespace {

constexpr unsigned kSecondsEach = 20;
constexpr std::size_t kMostBytes = 4 << 20;

/// What a child wrote before it ended, or how a signal ended it.
std::string collect(pid_t child, int pipe) {
  std::string text;
  std::array<char, 256> block;
  for (ssize_t got = 0; (got = ::read(pipe, block.data(), block.size())) > 0;) {
    text.append(block.data(), static_cast<std::size_t>(got));
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!WIFSIGNALED(status)) return text;
  return WTERMSIG(status) == SIGALRM ? "timeout" : "killed";
}

}  // namespace

std::string name_of(int error) {
  const char* name = ::strerrorname_np(error);
  return name != nullptr ? name : "E" + std::to_string(error);
}

void run_attempts(const std::vector<Attempt>& attempts) {
  for (const Attempt& attempt : attempts) {
    int pipe[2];
    if (::pipe(pipe) != 0) std::exit(3);
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(pipe[0]);
      ::alarm(kSecondsEach);
      const std::string verdict = attempt.act();
      ::_exit(::write(pipe[1], verdict.data(), verdict.size()) < 0 ? 1 : 0);
    }
    ::close(pipe[1]);
    std::printf("VERDICT %s %s\n", attempt.name, collect(child, pipe[0]).c_str());
    std::fflush(stdout);
    ::close(pipe[0]);
  }
}

int number_in(const std::string& text) { return static_cast<int>(std::strtol(text.c_str(), nullptr, 10)); }

std::string read_file(const std::string& path) {
  std::string text;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return text;
  std::array<char, 8192> block;
  for (ssize_t got = 0; text.size() < kMostBytes && (got = ::read(fd, block.data(), block.size())) > 0;) {
    text.append(block.data(), static_cast<std::size_t>(got));
  }
  ::close(fd);
  return text;
}

std::vector<pid_t> listed_processes() {
  std::vector<pid_t> found;
  DIR* folder = ::opendir("/proc");
  if (folder == nullptr) return found;
  while (const dirent* entry = ::readdir(folder)) {
    if (std::isdigit(static_cast<unsigned char>(entry->d_name[0])) != 0) found.push_back(number_in(entry->d_name));
  }
  ::closedir(folder);
  return found;
}

pid_t find_victim(const Target& target) {
  for (const pid_t pid : listed_processes()) {
    if (pid == ::getpid()) continue;
    const std::string command = read_file("/proc/" + std::to_string(pid) + "/cmdline");
    // The program itself, not a launcher that has it among its arguments.
    const std::string image = command.substr(0, command.find('\0'));
    if (image.ends_with("victim") && command.find(target.token) != std::string::npos) return pid;
  }
  return 0;
}

int Target::key() const { return static_cast<int>(std::hash<std::string>{}(token)&0x3fffffff) | 0x40000000; }

Target Target::await(const std::string& path) {
  std::string text;
  for (int waited = 0; waited < 300 && text.empty(); ++waited) {
    text = read_file(path);
    if (text.empty()) ::usleep(100'000);
  }
  if (text.empty()) {
    std::fprintf(stderr, "%s did not come within 30 s\n", path.c_str());
    std::exit(3);
  }
  std::map<std::string, std::string> values;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t equals = line.find('=');
    if (equals != std::string::npos) values[line.substr(0, equals)] = line.substr(equals + 1);
  }
  Target target;
  target.token = values["token"];
  target.secret = values["secret"];
  target.pid = number_in(values["pid"]);
  target.port = static_cast<std::uint16_t>(number_in(values["port"]));
  target.address = values["address"];
  target.victim_folder = values["victim_folder"];
  target.own_folder = values["own_folder"];
  target.read_only_file = values["read_only_file"];
  target.policy = values["policy"];
  target.output = values["output"];
  target.canary = values["canary"];
  return target;
}

}  // namespace sluice::attacks
