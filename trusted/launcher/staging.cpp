#include "trusted/launcher/staging.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <future>
#include <map>
#include <optional>
#include <system_error>

#include "trusted/launcher/environment.hpp"
#include "trusted/launcher/held_grants.hpp"
#include "trusted/launcher/spills.hpp"
#include "trusted/sandbox/devices.hpp"
#include "trusted/sandbox/file_system.hpp"
#include "trusted/sandbox/host_view.hpp"
#include "trusted/sandbox/landlock.hpp"
#include "trusted/sandbox/listener.hpp"
#include "trusted/sandbox/mounts.hpp"
#include "trusted/sandbox/seccomp.hpp"
#include "wire/greeting.hpp"
#include "wire/rank_output.hpp"

namespace sluice::launcher {
namespace {

namespace fs = std::filesystem;
using sandbox::Entry;
using sandbox::Problem;
using sandbox::ProblemKind;

constexpr std::size_t kMaxCopiedImage = std::size_t{256} << 20;
// Inside the sandbox.
constexpr char kOwnFolder[] = "/run/sluice";
constexpr char kConfinePath[] = "/run/sluice/confine";
constexpr char kRulesPath[] = "/run/sluice/rules";

class Staging {
 public:
  Staging(const Plan& plan, const Identities& identities) : plan_(plan), identities_(identities) {}

  Result<std::vector<sandbox::Relaxation>, Problem> run(const StagingSteps& steps) {
    if (auto ready = prepare(); !ready) return ready.error();
    if (auto started = steps.guard(stage_); !started) return started.error();
    for (std::size_t i = 0; i < plan_.subjects.size(); ++i) {
      auto staged = stage_subject(i);
      if (!staged) return staged.error();
      if (auto started = steps.subject(stage_, i, std::move(staged).value()); !started) return started.error();
    }
    return std::move(relaxations_);
  }

 private:
  /// Everything that the guard needs, and what has to be opened before the run's directory may hide it.
  Status<Problem> prepare() {
    if (auto made = sandbox::own_mounts(); !made) return made.error();
    stage_.guard_program.reset(open(plan_.installation.guard.c_str(), O_PATH | O_CLOEXEC));
    if (!stage_.guard_program) return sandbox::system_problem("cannot open " + plan_.installation.guard.string());
    stage_.mirror_program.reset(open(plan_.installation.mirror.c_str(), O_PATH | O_CLOEXEC));
    if (!stage_.mirror_program) return sandbox::system_problem("cannot open " + plan_.installation.mirror.string());
    rank_program_.reset(open(plan_.installation.rank.c_str(), O_RDONLY | O_CLOEXEC));
    if (!rank_program_) return sandbox::system_problem("cannot read " + plan_.installation.rank.string());
    confine_program_.reset(open(plan_.installation.confine.c_str(), O_RDONLY | O_CLOEXEC));
    if (!confine_program_) return sandbox::system_problem("cannot read " + plan_.installation.confine.string());
    session_library_.reset(open(plan_.installation.session().c_str(), O_RDONLY | O_CLOEXEC));
    if (!session_library_) return sandbox::system_problem("cannot read " + plan_.installation.session().string());
    for (std::size_t i = 0; i < plan_.subjects.size(); ++i) {
      auto held = hold(i);
      if (!held) return held.error();
      held_.push_back(std::move(held).value());
    }
    auto spills = make_spills(plan_.policy);
    if (!spills) return spills.error();
    stage_.spills = std::move(spills).value();
    if (auto mounted = mount_directory(); !mounted) return mounted.error();
    if (!identities_.distinct()) {
      relaxations_.push_back(
          {"host-users", "", "all subjects are one user of the host and share what the kernel counts for each user"});
    }
    for (std::size_t i = 0; i < plan_.subjects.size(); ++i) {
      if (auto made = make_folders(i); !made) return made;
      if (auto made = stage_socket(i); !made) return made;
    }
    return begin_views();
  }

  Result<HeldSubject, Problem> hold(std::size_t index);
  Result<Fd, Problem> hold_grant(std::size_t index, const policy::FileGrant& grant);
  Status<Problem> mount_directory();
  Status<Problem> make_folders(std::size_t index);
  Status<Problem> begin_views();
  Result<StagedSubject, Problem> stage_subject(std::size_t index);
  Status<Problem> stage_system(std::size_t index, const std::string& base, StagedSubject& staged);
  Result<bool, Problem> stage_mirror(std::size_t index, Fd root, bool folder, const std::string& place,
                                     StagedSubject& staged);
  [[nodiscard]] std::string base_of(std::size_t index) const { return directory_ + "/s" + std::to_string(index); }
  /// What the sandbox sees at kOwnFolder.
  [[nodiscard]] std::string own_folder_of(std::size_t index) const { return base_of(index) + "/sluice"; }
  void tell_of_cache(std::size_t index, const Fd& root, const std::string& place);
  void relax(const char* name, std::size_t index, const std::string& what);
  Status<Problem> stage_programs(std::size_t index, const std::string& base, std::vector<Entry>& entries);
  Status<Problem> stage_grants(std::size_t index, const std::string& base, StagedSubject& staged);
  Status<Problem> stage_socket(std::size_t index);
  Status<Problem> stage_output(std::size_t index, StagedSubject& staged);
  Status<Problem> stage_filter(std::size_t index, bool own_devices, StagedSubject& staged);
  Status<Problem> stage_confinement(std::size_t index, StagedSubject& staged);
  Result<sandbox::Filter, Problem> filter_of(const sandbox::FilterOptions& options);

  const Plan& plan_;
  const Identities& identities_;
  Stage stage_;
  std::vector<sandbox::Relaxation> relaxations_;
  std::map<bool, sandbox::Filter> filters_;  ///< by whether there are file locks
  Fd rank_program_;
  Fd confine_program_;
  const bool can_listen_ = sandbox::can_listen();
  const Fd system_{open("/", O_PATH | O_CLOEXEC)};
  const Fd policy_folder_{open(plan_.policy.folder.c_str(), O_PATH | O_CLOEXEC)};
  Fd session_library_;  ///< keeps MPICH's launcher in the run's session; see untrusted/rank/session.c
  std::vector<HeldSubject> held_;
  std::string directory_;
  /// Copies of /etc, /proc and /sys, which a thread makes for one subject after the other. Destroying the last member
  /// waits for it, so there is none any more when stage_run() returns.
  using View = Result<sandbox::HostView, Problem>;
  std::vector<std::future<View>> views_;
  std::future<void> copying_;
};

struct SocketPair {
  Fd ours;
  Fd theirs;
};

Result<SocketPair, Problem> make_socket_pair() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return sandbox::system_problem("cannot make a pair of sockets");
  }
  return SocketPair{Fd(ends[0]), Fd(ends[1])};
}

/// True for what every sandbox shows of the system anyway.
bool in_system(const fs::path& path) {
  const std::string text = path;
  for (const char* folder : {"/usr/", "/bin/", "/sbin/", "/lib/", "/lib64/"}) {
    if (text.starts_with(folder)) return true;
  }
  return false;
}

Result<Fd, Problem> Staging::hold_grant(std::size_t index, const policy::FileGrant& grant) {
  struct stat status {};
  if (stat(grant.path.c_str(), &status) != 0) return sandbox::system_problem("cannot grant " + grant.path.string());
  if (!identities_.distinct()) return sandbox::detach(grant.path);
  // On disk its files stay those of the owner, whoever the subject is on this host.
  const uid_t shown = identities_.subject(index);
  auto mapped = sandbox::detach_mapped(grant.path, {status.st_uid, status.st_gid, shown, shown});
  if (mapped || mapped.error().kind != ProblemKind::host) return mapped;
  const bool readable = (status.st_mode & (S_ISDIR(status.st_mode) ? 05 : 04)) == (S_ISDIR(status.st_mode) ? 05 : 04);
  if (grant.access == policy::Access::write || !readable) return mapped;
  relax("owners", index,
        grant.path.string() + ": the file system cannot map owners; the subject sees what everybody may read");
  return sandbox::detach(grant.path);
}

Result<HeldSubject, Problem> Staging::hold(std::size_t index) {
  const policy::Subject& subject = plan_.policy.subjects[index];
  HeldSubject held;
  for (const policy::FileGrant& grant : subject.files) {
    if (grant.access == policy::Access::read && in_system(grant.path) && in_system(grant.visible)) continue;
    auto mount = hold_grant(index, grant);
    if (!mount) return mount.error();
    std::error_code error;
    held.grants.push_back({grant.visible, grant.path, std::move(mount).value(), fs::is_directory(grant.path, error),
                           grant.access == policy::Access::write});
  }
  // Outer folders first, so that an inner one is mounted into them.
  std::stable_sort(held.grants.begin(), held.grants.end(),
                   [](const Held& a, const Held& b) { return a.place.size() < b.place.size(); });
  if (!in_system(subject.image) || !in_system(subject.image_real)) {
    held.image.reset(open(subject.image_real.c_str(), O_RDONLY | O_CLOEXEC));
    if (!held.image) return sandbox::system_problem("cannot read the image " + subject.image_real.string());
  }
  const std::string& preload = plan_.subjects[index].preload;
  if (!preload.empty()) {
    held.preload.reset(open(preload.c_str(), O_RDONLY | O_CLOEXEC));
    if (!held.preload) return sandbox::system_problem("cannot read " + preload);
  }
  return held;
}

Status<Problem> Staging::mount_directory() {
  // Nothing of the host's own file system may be changed, so an existing folder has to serve. It is hidden from the
  // run's processes alone, and whatever the policy needs of it has been opened before.
  for (const char* candidate : {"/mnt", "/media", "/srv", "/tmp"}) {
    std::error_code error;
    if (!fs::is_directory(candidate, error) || fs::is_symlink(candidate, error)) continue;
    directory_ = candidate;
    return sandbox::mount_run_directory(directory_);
  }
  return Problem{ProblemKind::host, "none of /mnt, /media, /srv and /tmp is a folder", "mkdir /mnt"};
}

Status<Problem> make_directory(const std::string& path, mode_t mode) {
  if (mkdir(path.c_str(), mode) != 0 || chmod(path.c_str(), mode) != 0)
    return sandbox::system_problem("cannot make " + path);
  return Unit{};
}

void Staging::relax(const char* name, std::size_t index, const std::string& what) {
  relaxations_.push_back({name, plan_.policy.subjects[index].name, what});
}

/// Says so if files below `place` cannot be read past the host's cache.
void Staging::tell_of_cache(std::size_t index, const Fd& root, const std::string& place) {
  if (sandbox::reads_past_cache(root)) return;
  relax("host-cache", index,
        "can tell by the time of a first use whether the host has pages of " + place + " in memory");
}

/// Mounts a mirror at `place` if this host can; false if it cannot.
Result<bool, Problem> Staging::stage_mirror(std::size_t index, Fd root, bool folder, const std::string& place,
                                            StagedSubject& staged) {
  auto fuse = sandbox::mount_mirror(place, folder, identities_.subject(index));
  if (!fuse) {
    if (fuse.error().kind == ProblemKind::host) return false;
    return fuse.error();
  }
  staged.mirrors.push_back({std::move(root), std::move(fuse).value()});
  return true;
}

Status<Problem> Staging::stage_system(std::size_t index, const std::string& base, StagedSubject& staged) {
  std::vector<Entry>& entries = staged.command.entries;
  if (auto made = make_directory(base + "/layer", 0755); !made) return made;
  std::vector<std::string> parts = {"/usr"};
  for (const std::string& mount : sandbox::mounts_below("/usr/")) parts.push_back(mount);
  for (const char* name : {"/bin", "/lib", "/lib64", "/sbin", "/lib32", "/libx32"}) {
    std::error_code error;
    if (fs::is_symlink(name, error)) {
      entries.push_back({Entry::Kind::link, name, fs::read_symlink(name, error)});
    } else if (fs::is_directory(name, error)) {
      parts.emplace_back(name);
    }
  }
  bool shares_pages = false;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::string place = base + "/system" + std::to_string(i);
    if (auto made = make_directory(place, 0755); !made) return made;
    Fd root(open(parts[i].c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root) return sandbox::system_problem("cannot open " + parts[i]);
    tell_of_cache(index, root, parts[i]);
    auto mirrored = stage_mirror(index, std::move(root), true, place, staged);
    if (!mirrored) return mirrored.error();
    if (mirrored.value()) {
      entries.push_back({Entry::Kind::read_only, parts[i], place});
      continue;
    }
    shares_pages = true;
    if (auto mounted = sandbox::mount_own_inodes(parts[i], base + "/layer", place); !mounted) return mounted;
    entries.push_back({Entry::Kind::read_only, parts[i], place});
  }
  if (shares_pages) relax("system-pages", index, "shares the pages of system files with every process of the host");
  return Unit{};
}

std::string path_of(const Fd& fd) { return "/proc/self/fd/" + std::to_string(fd.get()); }

Status<Problem> Staging::stage_programs(std::size_t index, const std::string& base, std::vector<Entry>& entries) {
  const HeldSubject& held = held_[index];
  if (held.image) {
    const std::string copy = base + "/image";
    if (auto copied = sandbox::copy_file(path_of(held.image), copy, kMaxCopiedImage); !copied) return copied;
    entries.push_back({Entry::Kind::read_only, plan_.policy.subjects[index].image, copy});
  }
  if (held.preload) {
    const std::string copy = base + "/library";
    if (auto copied = sandbox::copy_file(path_of(held.preload), copy, kMaxCopiedImage); !copied) return copied;
    entries.push_back({Entry::Kind::read_only, plan_.subjects[index].preload, copy});
  }
  return Unit{};
}

Status<Problem> Staging::stage_grants(std::size_t index, const std::string& base, StagedSubject& staged) {
  std::vector<Entry>& entries = staged.command.entries;
  const std::vector<Held>& grants = held_[index].grants;
  for (std::size_t i = 0; i < grants.size(); ++i) {
    const std::string place = base + "/grant" + std::to_string(i);
    if (grants[i].directory) {
      if (auto made = make_directory(place, 0755); !made) return made;
    } else if (auto made = sandbox::write_text(place, ""); !made) {
      return made;
    }
    bool mirrored = false;
    if (!grants[i].writable) {
      const bool alone = !is_read_by_others(held_, index, grants[i].source);
      if (!alone) tell_of_cache(index, grants[i].mount, grants[i].place);
      Fd root(fcntl(grants[i].mount.get(), F_DUPFD_CLOEXEC, 0));
      auto made = stage_mirror(index, std::move(root), grants[i].directory, place, staged);
      if (!made) return made.error();
      mirrored = made.value();
      // Unlike the system, it may change while the run lasts.
      if (mirrored) staged.mirrors.back().seconds = 0;
      if (mirrored) staged.mirrors.back().direct = !alone;
      if (!mirrored && !alone)
        relax("file-pages", index, "shares the pages of " + grants[i].place + " with another subject");
    }
    if (!mirrored) {
      std::vector<int> places = {system_.get(), policy_folder_.get()};
      for (const Fd& spill : stage_.spills) places.push_back(spill.get());
      if (others_fill(held_, index, grants[i], places))
        relax("free-space", index, "can tell how full the disk of " + grants[i].place + " is, which others fill");
      if (auto attached = sandbox::attach(grants[i].mount, place, !grants[i].writable); !attached) return attached;
    }
    entries.push_back({grants[i].writable ? Entry::Kind::writable : Entry::Kind::read_only, grants[i].place, place});
  }
  return Unit{};
}

/// The socket that the guard will listen at. A subject with a world of its own does not see it.
Status<Problem> Staging::stage_socket(std::size_t index) {
  Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const bool shown = plan_.policy.subjects[index].world == policy::World::run;
  const std::string path = (shown ? own_folder_of(index) : base_of(index)) + "/guard";
  if (path.size() >= sizeof address.sun_path) return Problem{ProblemKind::system, path + " is too long", ""};
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (!socket || bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(socket.get(), SOMAXCONN) != 0 || chmod(path.c_str(), 0600) != 0) {
    return sandbox::system_problem("cannot make the guard's socket");
  }
  const uid_t owner = identities_.subject(index);
  if (identities_.distinct() && chown(path.c_str(), owner, owner) != 0)
    return sandbox::system_problem("cannot give " + path);
  stage_.listeners.push_back(std::move(socket));
  return Unit{};
}

/// What starts each rank, and the pipes that it prints to.
Status<Problem> Staging::stage_output(std::size_t index, StagedSubject& staged) {
  const std::string own = own_folder_of(index);
  if (auto copied = sandbox::copy_file(path_of(rank_program_), own + "/rank", kMaxCopiedImage); !copied) return copied;
  if (plan_.subjects[index].mpi == HostMpi::mpich) {
    auto copied = sandbox::copy_file(path_of(session_library_), own + "/session.so", kMaxCopiedImage);
    if (!copied) return copied;
  }
  const auto owner = identities_.distinct() ? std::optional(identities_.subject(index)) : std::nullopt;
  auto pipes = make_rank_pipes(own + "/output", plan_.policy.subjects[index].ranks, owner);
  if (!pipes) return pipes.error();
  staged.output = std::move(pipes).value();
  // Read-only: a rank writes into its pipes, and cannot put other files in their place.
  staged.command.entries.push_back({Entry::Kind::read_only, kOwnFolder, own});
  return Unit{};
}

/// Built once, and a copy for each sandbox.
Result<sandbox::Filter, Problem> Staging::filter_of(const sandbox::FilterOptions& options) {
  auto known = filters_.find(options.file_locks);
  if (known == filters_.end()) {
    auto built = sandbox::system_call_filter(options);
    if (!built) return built.error();
    known = filters_.emplace(options.file_locks, std::move(built).value()).first;
  }
  return sandbox::copy_of(known->second);
}

/// `own_devices`: no inode of a device is another sandbox's too.
Status<Problem> Staging::stage_filter(std::size_t index, bool own_devices, StagedSubject& staged) {
  const bool writes = std::any_of(held_[index].grants.begin(), held_[index].grants.end(),
                                  [](const Held& held) { return held.writable; });
  const bool listens = can_listen_;
  if (!listens) relax("refused-calls", index, "is denied system calls without a count of them in the audit log");
  auto filter = filter_of({.file_locks = writes && own_devices, .tell_denials = listens});
  if (!filter) return filter.error();
  staged.filter = std::move(filter).value();
  staged.command.filter_fds = {staged.filter.calls.get(), staged.filter.arguments.get()};
  if (!listens) return Unit{};
  auto ends = make_socket_pair();
  if (!ends) return ends.error();
  staged.heard = std::move(ends.value().ours);
  staged.told = std::move(ends.value().theirs);
  return Unit{};
}

/// The first program of the sandbox, which confines the others. After everything else that is shown.
Status<Problem> Staging::stage_confinement(std::size_t index, StagedSubject& staged) {
  const std::string own = own_folder_of(index);
  auto copied = sandbox::copy_file(path_of(confine_program_), own + "/confine", kMaxCopiedImage);
  if (!copied) return copied;
  std::string rules = "-";
  if (sandbox::landlock_version() > 0) {
    rules = kRulesPath;
    std::vector<Entry> shown = staged.command.entries;
    shown.insert(shown.end(), staged.proc_covers.begin(), staged.proc_covers.end());
    const auto of_paths = sandbox::path_rules(shown, {wire::kOutputFolder});
    if (auto written = sandbox::write_text(own + "/rules", sandbox::print_rules(of_paths)); !written) return written;
  } else {
    relax("landlock", index, "is not confined by Landlock, which this kernel has not");
  }
  auto gate = make_socket_pair();
  if (!gate) return gate.error();
  staged.gate = std::move(gate.value().ours);
  staged.gate_inside = std::move(gate.value().theirs);
  staged.command.program = {kConfinePath,
                            std::to_string(staged.gate_inside.get()),
                            rules,
                            std::to_string(plan_.subjects[index].limits.processes),
                            std::to_string(staged.filter.denials.get()),
                            staged.told ? std::to_string(staged.told.get()) : "-"};
  const std::vector<std::string>& command = plan_.subjects[index].command;
  staged.command.program.insert(staged.command.program.end(), command.begin(), command.end());
  return Unit{};
}

Status<Problem> Staging::make_folders(std::size_t index) {
  const std::string base = base_of(index);
  if (auto made = make_directory(base, identities_.distinct() ? 0710 : 0700); !made) return made;
  if (identities_.distinct() && chown(base.c_str(), 0, identities_.subject(index)) != 0) {
    return sandbox::system_problem("cannot give " + base);
  }
  return make_directory(own_folder_of(index), 0755);
}

Status<Problem> Staging::begin_views() {
  std::vector<std::promise<View>> promises(plan_.subjects.size());
  std::vector<std::string> places;
  for (std::size_t i = 0; i < plan_.subjects.size(); ++i) {
    views_.push_back(promises[i].get_future());
    places.push_back(base_of(i));
  }
  try {
    copying_ = std::async(std::launch::async, [places, made = std::move(promises)]() mutable {
      const auto files = sandbox::HostFiles::read();
      for (std::size_t i = 0; i < made.size(); ++i) {
        made[i].set_value(files ? files.value().lay_out_below(places[i]) : View(files.error()));
      }
    });
  } catch (const std::system_error&) {
    return Problem{ProblemKind::system, "no thread for copies of the host's settings", ""};
  }
  return Unit{};
}

Result<StagedSubject, Problem> Staging::stage_subject(std::size_t index) {
  const std::string base = base_of(index);
  StagedSubject staged;
  std::vector<Entry>& entries = staged.command.entries;
  if (auto done = stage_system(index, base, staged); !done) return done.error();
  entries.push_back({Entry::Kind::processes, "/proc", ""});
  auto view = views_[index].get();
  if (!view) return view.error();
  entries.insert(entries.end(), view.value().entries.begin(), view.value().entries.end());
  staged.proc_covers = std::move(view.value().proc_covers);
  entries.push_back({Entry::Kind::devices, "/dev", ""});
  auto devices = sandbox::own_devices(base);
  if (!devices) return devices.error();
  entries.insert(entries.end(), devices.value().begin(), devices.value().end());
  auto terminals = sandbox::own_terminals(base);
  if (!terminals) return terminals.error();
  entries.push_back(std::move(terminals).value());
  entries.push_back({Entry::Kind::scratch, "/tmp", ""});
  const std::string folder = plan_.policy.folder;
  if (!in_system(folder) && folder != "/tmp" && folder != "/") entries.push_back({Entry::Kind::scratch, folder, ""});
  if (auto done = stage_grants(index, base, staged); !done) return done.error();
  if (auto done = stage_programs(index, base, entries); !done) return done.error();
  if (auto done = stage_output(index, staged); !done) return done.error();
  staged.command.environment = environment_of(plan_.policy.subjects[index], plan_.subjects[index].mpi);
  staged.command.directory = folder;
  if (auto done = stage_filter(index, !devices.value().empty(), staged); !done) return done.error();
  if (auto done = stage_confinement(index, staged); !done) return done.error();
  return staged;
}

}  // namespace

Result<std::vector<sandbox::Relaxation>, Problem> stage_run(const Plan& plan, const Identities& identities,
                                                            const StagingSteps& steps) {
  return Staging(plan, identities).run(steps);
}

}  // namespace sluice::launcher
