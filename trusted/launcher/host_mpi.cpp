#include "trusted/launcher/host_mpi.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <fstream>
#include <optional>
#include <set>
#include <string_view>

#include "trusted/launcher/elf.hpp"
#include "wire/rank_output.hpp"

namespace sluice::launcher {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxLibraries = 1024;
constexpr int kMaxInterpreters = 4;

/// The MPI that a library of this name belongs to.
std::optional<HostMpi> mpi_of_library(std::string_view name) {
  if (name.starts_with("libmpich.so") || name.starts_with("libmpichfort.so") || name == "libmpi.so.12" ||
      name.starts_with("libsluice-mpich.so")) {
    return HostMpi::mpich;
  }
  if (name == "libmpi.so.40" || name.starts_with("libmpi_mpifh.so") || name.starts_with("libmpi_usempi") ||
      name.starts_with("libopen-rte.so") || name.starts_with("libsluice-openmpi.so")) {
    return HostMpi::openmpi;
  }
  return std::nullopt;
}

/// Directories that the dynamic linker looks in besides a program's own paths.
const std::vector<fs::path>& system_directories() {
  static const std::vector<fs::path> directories = [] {
    std::vector<fs::path> result = {
        "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib",
        "/usr/local/lib"};
    std::error_code error;
    for (const auto& item : fs::directory_iterator("/etc/ld.so.conf.d", error)) {
      std::ifstream file(item.path());
      for (std::string line; std::getline(file, line);) {
        if (line.starts_with('/')) result.emplace_back(line);
      }
    }
    return result;
  }();
  return directories;
}

std::optional<fs::path> find_library(const std::string& name, const fs::path& origin,
                                     const std::vector<std::string>& paths) {
  std::error_code error;
  if (name.find('/') != std::string::npos)
    return fs::exists(name, error) ? std::optional(fs::path(name)) : std::nullopt;
  for (std::string path : paths) {
    for (const std::string_view variable : {"$ORIGIN", "${ORIGIN}"}) {
      if (const auto where = path.find(variable); where != std::string::npos)
        path.replace(where, variable.size(), origin.string());
    }
    if (fs::exists(fs::path(path) / name, error)) return fs::path(path) / name;
  }
  for (const fs::path& directory : system_directories()) {
    if (fs::exists(directory / name, error)) return directory / name;
  }
  return std::nullopt;
}

struct Found {
  bool openmpi = false;
  bool mpich = false;
  void add(HostMpi mpi) { (mpi == HostMpi::openmpi ? openmpi : mpich) = true; }
};

/// Walks over everything that `image` needs.
Result<Found, ElfError> find_in_libraries(const fs::path& image) {
  Found found;
  std::set<std::string> seen;
  std::deque<fs::path> open = {image};
  bool first = true;
  while (!open.empty() && seen.size() < kMaxLibraries) {
    const fs::path file = open.front();
    open.pop_front();
    auto read = read_dependencies(file.string());
    if (!read && first) return read.error();
    first = false;
    if (!read) continue;
    for (const std::string& name : read.value().needed) {
      if (!seen.insert(name).second) continue;
      if (const auto mpi = mpi_of_library(name)) {
        found.add(*mpi);
      } else if (auto path = find_library(name, file.parent_path(), read.value().paths)) {
        open.push_back(*path);
      }
    }
  }
  return found;
}

constexpr char kSayWhich[] = "; write `mpi: openmpi` or `mpi: mpich` for this subject";

Result<HostMpi, std::string> verdict(const Found& found, const std::string& what) {
  if (found.openmpi && found.mpich) return what + " needs libraries of both Open MPI and MPICH" + kSayWhich;
  if (found.openmpi) return HostMpi::openmpi;
  if (found.mpich) return HostMpi::mpich;
  return what + " needs neither Open MPI's nor MPICH's library" + kSayWhich;
}

/// mpi4py's compiled module, where Python of this interpreter would find it.
Result<HostMpi, std::string> from_mpi4py(const fs::path& interpreter) {
  std::error_code error;
  const fs::path real = fs::canonical(interpreter, error);
  const fs::path prefix = real.parent_path().parent_path();
  const std::string version = real.filename();  // python3.11
  const std::array<fs::path, 5> places = {
      fs::path("/usr/local/lib") / version / "dist-packages", prefix / "lib" / version / "site-packages",
      prefix / "lib" / version / "dist-packages", prefix / "lib/python3/dist-packages",
      interpreter.parent_path().parent_path() / "lib" / version / "site-packages"};
  for (const fs::path& place : places) {
    Found found;
    bool any = false;
    for (const auto& item : fs::directory_iterator(place / "mpi4py", error)) {
      const std::string name = item.path().filename();
      if (!name.starts_with("MPI.") || !name.ends_with(".so")) continue;
      any = true;
      if (auto libraries = find_in_libraries(item.path())) {
        found.openmpi |= libraries.value().openmpi;
        found.mpich |= libraries.value().mpich;
      }
    }
    if (any) return verdict(found, "the mpi4py in " + place.string());
  }
  return "no mpi4py belongs to " + interpreter.string() + kSayWhich;
}

/// The interpreter that a script names in its first line; nothing if that line is no such line.
std::optional<fs::path> interpreter_of(const fs::path& script) {
  std::ifstream file(script, std::ios::binary);
  std::array<char, 256> head{};
  file.read(head.data(), head.size());
  std::string_view line(head.data(), static_cast<std::size_t>(file.gcount()));
  line = line.substr(0, line.find('\n'));
  if (!line.starts_with("#!")) return std::nullopt;
  std::vector<std::string> words;
  for (std::size_t i = 2; i < line.size();) {
    const std::size_t start = line.find_first_not_of(" \t\r", i);
    if (start == std::string_view::npos) break;
    const std::size_t end = std::min(line.find_first_of(" \t\r", start), line.size());
    words.emplace_back(line.substr(start, end - start));
    i = end;
  }
  if (words.empty()) return std::nullopt;
  if (fs::path(words[0]).filename() != "env") return fs::path(words[0]);
  std::error_code error;
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (words[i].starts_with("-")) continue;
    for (const char* directory : {"/usr/local/bin", "/usr/bin", "/bin"}) {
      if (fs::exists(fs::path(directory) / words[i], error)) return fs::path(directory) / words[i];
    }
    return std::nullopt;
  }
  return std::nullopt;
}

bool is_python(const fs::path& program) { return program.filename().string().starts_with("python"); }

}  // namespace

const char* name_of(HostMpi mpi) noexcept { return mpi == HostMpi::openmpi ? "openmpi" : "mpich"; }

const char* mpiexec_of(HostMpi mpi) noexcept {
  return mpi == HostMpi::openmpi ? "/usr/bin/mpiexec.openmpi" : "/usr/bin/mpiexec.mpich";
}

const char* package_of(HostMpi mpi) noexcept { return mpi == HostMpi::openmpi ? "openmpi-bin" : "mpich"; }

Result<HostMpi, std::string> detect_host_mpi(const fs::path& image) {
  fs::path program = image;
  for (int i = 0; i < kMaxInterpreters; ++i) {
    auto found = find_in_libraries(program);
    if (found && (found.value().openmpi || found.value().mpich)) return verdict(found.value(), program.string());
    if (is_python(program)) return from_mpi4py(program);
    if (found) return verdict(found.value(), program.string());
    if (found.error() == ElfError::unreadable) return program.string() + " cannot be read" + kSayWhich;
    const auto interpreter = interpreter_of(program);
    if (!interpreter)
      return program.string() + " is neither a 64-bit ELF program nor a script that names its interpreter" + kSayWhich;
    program = *interpreter;
  }
  return image.string() + " goes through too many interpreters" + kSayWhich;
}

std::vector<std::string> mpiexec_command(HostMpi mpi, unsigned ranks, const std::string& preload,
                                         const std::string& image, const std::vector<std::string>& arguments) {
  std::vector<std::string> command = {mpiexec_of(mpi)};
  const std::string count = std::to_string(ranks);
  if (mpi == HostMpi::openmpi) {
    // Every subject's job would bind its rank 0 to the first core, and none sees the others.
    command.insert(command.end(), {"--bind-to", "none", "--oversubscribe", "-n", count});
  } else {
    command.insert(command.end(), {"-bind-to", "none", "-n", count});
  }
  command.insert(command.end(),
                 {wire::kRankProgramPath, mpi == HostMpi::openmpi ? "OMPI_COMM_WORLD_RANK" : "PMI_RANK"});
  if (!preload.empty()) command.push_back("--preload=" + preload);
  command.push_back(image);
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

}  // namespace sluice::launcher
