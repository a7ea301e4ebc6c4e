#include "trusted/launcher/descendants.hpp"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <string>

namespace sluice::launcher {

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> result;
  std::error_code error;
  if (parent <= 0) return result;
  for (const auto& item : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = item.path().filename();
    pid_t pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ec != std::errc()) continue;
    std::ifstream file(item.path() / "stat");
    std::string text;
    std::getline(file, text);
    // pid (command) state parent ...; a command may hold anything, parentheses too.
    const std::size_t end = text.rfind(") ");
    if (end == std::string::npos || text.size() < end + 5) continue;
    pid_t found = 0;
    std::from_chars(text.data() + end + 4, text.data() + text.size(), found);
    const bool zombie = text[end + 2] == 'Z';
    if (found == parent && !zombie) result.push_back(pid);
  }
  return result;
}

}  // namespace sluice::launcher
