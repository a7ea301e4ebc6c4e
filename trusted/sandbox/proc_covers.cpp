#include "trusted/sandbox/proc_covers.hpp"

#include <sched.h>

#include <system_error>
#include <thread>
#include <utility>

#include "trusted/sandbox/mounts.hpp"

namespace sluice::sandbox {
namespace {

/// For a thread of its own, which stays in the other namespace.
Status<Problem> attach_in(const Fd& process, const std::vector<Entry>& covers, const std::vector<Fd>& trees) {
  if (unshare(CLONE_FS) != 0 || setns(process.get(), CLONE_NEWNS) != 0) {
    return system_problem("cannot enter a sandbox's mount namespace");
  }
  for (std::size_t i = 0; i < covers.size(); ++i) {
    if (auto attached = attach(trees[i], covers[i].place, true); !attached) return attached;
  }
  return Unit{};
}

}  // namespace

Status<Problem> cover(const Fd& process, const std::vector<Entry>& covers) {
  std::vector<Fd> trees;
  trees.reserve(covers.size());
  for (const Entry& entry : covers) {
    auto tree = detach(entry.source);
    if (!tree) return tree.error();
    trees.push_back(std::move(tree).value());
  }
  Status<Problem> result = Unit{};
  try {
    std::thread([&] { result = attach_in(process, covers, trees); }).join();
  } catch (const std::system_error&) {
    return Problem{ProblemKind::system, "no thread to hide the host's /proc", ""};
  }
  return result;
}

}  // namespace sluice::sandbox
