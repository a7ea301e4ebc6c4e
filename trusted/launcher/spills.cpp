#include "trusted/launcher/spills.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <utility>

namespace sluice::launcher {
namespace {

namespace fs = std::filesystem;
using sandbox::Problem;

/// A file that no name leads to, so that the kernel frees it with the last process that has it open.
Fd make_nameless_file(const fs::path& directory) {
  Fd file(open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT)) return file;
  std::string name = directory / ".sluice-spill-XXXXXX";  // a file system without O_TMPFILE
  file.reset(mkostemp(name.data(), O_CLOEXEC));
  if (file) unlink(name.c_str());
  return file;
}

}  // namespace

Result<std::vector<Fd>, Problem> make_spills(const policy::Policy& policy) {
  std::vector<Fd> files;
  for (const policy::Spill& spill : policy.spills) {
    const table::Flow& flow = policy.table.flows[spill.flow];
    Fd file = make_nameless_file(spill.path);
    if (!file) return sandbox::system_problem("cannot make a file in " + spill.path.string());
    if (const int error = posix_fallocate(file.get(), 0, static_cast<off_t>(flow.spill_bytes)); error != 0) {
      errno = error;
      return sandbox::system_problem("cannot keep " + std::to_string(flow.spill_bytes >> 20) + " MiB in " +
                                     spill.path.string() + " for what a queue has no room for");
    }
    files.push_back(std::move(file));
  }
  return files;
}

}  // namespace sluice::launcher
