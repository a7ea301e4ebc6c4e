#include "trusted/launcher/rank_pipes.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wire/rank_output.hpp"

namespace sluice::launcher {
namespace {

using sandbox::Problem;

Result<Fd, Problem> make_pipe(const std::string& path, std::optional<uid_t> owner) {
  if (mkfifo(path.c_str(), 0600) != 0) return sandbox::system_problem("cannot make the pipe " + path);
  Fd pipe(open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW));
  if (!pipe) return sandbox::system_problem("cannot open the pipe " + path);
  if (fchmod(pipe.get(), 0600) != 0 || (owner && fchown(pipe.get(), *owner, *owner) != 0))
    return sandbox::system_problem("cannot give the pipe " + path);
  return pipe;
}

}  // namespace

Result<std::vector<RankPipes>, Problem> make_rank_pipes(const std::string& folder, std::uint32_t ranks,
                                                        std::optional<uid_t> owner) {
  if (mkdir(folder.c_str(), 0755) != 0 || chmod(folder.c_str(), 0755) != 0)
    return sandbox::system_problem("cannot make " + folder);
  std::vector<RankPipes> result;
  for (std::uint32_t rank = 0; rank < ranks; ++rank) {
    const std::string base = folder + "/";
    auto out = make_pipe(base + wire::output_name(std::to_string(rank), "out"), owner);
    if (!out) return out.error();
    auto err = make_pipe(base + wire::output_name(std::to_string(rank), "err"), owner);
    if (!err) return err.error();
    result.push_back({std::move(out).value(), std::move(err).value()});
  }
  return result;
}

}  // namespace sluice::launcher
