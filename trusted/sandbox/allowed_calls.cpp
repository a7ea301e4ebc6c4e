#include "trusted/sandbox/allowed_calls.hpp"

#include <seccomp.h>

#include <array>

namespace sluice::sandbox {
namespace {

// Calls that libseccomp 2.5 does not know by name.
constexpr int kFchmodat2 = 452;

// Each line is one purpose; what would seem to belong there and is missing is named with its reason.

constexpr int kProgram[] = {
    // Programs are started, and end. sluice-rank, mpiexec, hydra's proxy, shells. clone3 has its flags in memory.
    SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(clone), SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    // Launchers wait for the ranks that they have started.
    SCMP_SYS(wait4), SCMP_SYS(waitid),
    // The C library sets up each thread.
    SCMP_SYS(arch_prctl), SCMP_SYS(set_tid_address), SCMP_SYS(set_robust_list), SCMP_SYS(get_robust_list),
    SCMP_SYS(rseq), SCMP_SYS(prctl), SCMP_SYS(personality),
    // unshare() of what is not a namespace: a thread's own table of descriptors, say.
    SCMP_SYS(unshare),
    // Programs confine themselves further.
    SCMP_SYS(seccomp), SCMP_SYS(landlock_create_ruleset), SCMP_SYS(landlock_add_rule),
    SCMP_SYS(landlock_restrict_self)};

constexpr int kIdentity[] = {
    // Who am I: shells, Python, Open MPI's session folder.
    SCMP_SYS(getpid), SCMP_SYS(getppid), SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid),
    SCMP_SYS(getegid), SCMP_SYS(getresuid), SCMP_SYS(getresgid), SCMP_SYS(getgroups), SCMP_SYS(capget),
    // A sandbox has one user and no capabilities, so these can only give what is there already.
    SCMP_SYS(setuid), SCMP_SYS(setgid), SCMP_SYS(setreuid), SCMP_SYS(setregid), SCMP_SYS(setresuid),
    SCMP_SYS(setresgid), SCMP_SYS(setfsuid), SCMP_SYS(setfsgid), SCMP_SYS(capset),
    // Launchers put ranks into process groups, and signal those.
    SCMP_SYS(getpgid), SCMP_SYS(getpgrp), SCMP_SYS(setpgid), SCMP_SYS(getsid), SCMP_SYS(setsid),
    // The name is the sandbox's own.
    SCMP_SYS(uname)};

constexpr int kSignals[] = {
    // Only processes of the own sandbox have a number here. Not pidfd_open: the inode of a process descriptor has a
    // number that counts the processes of the whole host.
    SCMP_SYS(kill), SCMP_SYS(tkill), SCMP_SYS(tgkill), SCMP_SYS(rt_sigqueueinfo), SCMP_SYS(rt_tgsigqueueinfo),
    // Handlers, and waiting for signals.
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigpending),
    SCMP_SYS(rt_sigtimedwait), SCMP_SYS(rt_sigsuspend), SCMP_SYS(sigaltstack), SCMP_SYS(pause), SCMP_SYS(signalfd),
    SCMP_SYS(signalfd4), SCMP_SYS(restart_syscall)};

constexpr int kMemory[] = {
    // Memory of the process. Not process_madvise, and not mincore, which tells what of a file the host has in memory.
    SCMP_SYS(brk), SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mprotect), SCMP_SYS(mremap), SCMP_SYS(madvise),
    SCMP_SYS(msync), SCMP_SYS(pkey_mprotect), SCMP_SYS(pkey_alloc), SCMP_SYS(pkey_free), SCMP_SYS(membarrier),
    // Registered memory of network libraries (UCX, libfabric).
    SCMP_SYS(mlock), SCMP_SYS(mlock2), SCMP_SYS(munlock), SCMP_SYS(mlockall), SCMP_SYS(munlockall),
    // Memory near a processor (hwloc, LAMMPS). Not migrate_pages and move_pages: they tell where pages lie.
    SCMP_SYS(mbind), SCMP_SYS(get_mempolicy), SCMP_SYS(set_mempolicy),
    // Memory that the ranks of a subject share. The name spaces are the sandbox's own.
    SCMP_SYS(memfd_create), SCMP_SYS(shmget), SCMP_SYS(shmat), SCMP_SYS(shmdt), SCMP_SYS(shmctl), SCMP_SYS(semget),
    SCMP_SYS(semop), SCMP_SYS(semtimedop), SCMP_SYS(semctl),
    // Single copy between ranks of a subject (Open MPI's vader). They reach processes of the own user namespace only.
    SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev)};

constexpr int kFiles[] = {
    // Opening. openat2 has its mode in memory. Not open_by_handle_at: it opens without a path.
    SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(creat), SCMP_SYS(close), SCMP_SYS(close_range), SCMP_SYS(dup),
    SCMP_SYS(dup2), SCMP_SYS(dup3), SCMP_SYS(fcntl), SCMP_SYS(ioctl), SCMP_SYS(umask),
    // Reading and writing. Not splice, tee and vmsplice, which have given write access to files opened for reading.
    SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(pread64), SCMP_SYS(pwrite64),
    SCMP_SYS(preadv), SCMP_SYS(pwritev), SCMP_SYS(preadv2), SCMP_SYS(pwritev2), SCMP_SYS(lseek), SCMP_SYS(sendfile),
    SCMP_SYS(copy_file_range),
    // Size and durability of one file. Not sync and syncfs: they write, and wait for, what others have written.
    SCMP_SYS(truncate), SCMP_SYS(ftruncate), SCMP_SYS(fallocate), SCMP_SYS(fsync), SCMP_SYS(fdatasync),
    SCMP_SYS(sync_file_range),
    // Advisory locks (MPI-IO); their fcntl commands are limited as well. Not fadvise64 and readahead: they decide what
    // of a file that others read too is in memory.
    SCMP_SYS(flock)};

constexpr int kNames[] = {
    // What is there.
    SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(fstat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(access),
    SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getdents),
    SCMP_SYS(getdents64), SCMP_SYS(getcwd), SCMP_SYS(chdir), SCMP_SYS(fchdir),
    // The kind of file system, which MPI-IO asks for.
    SCMP_SYS(statfs), SCMP_SYS(fstatfs),
    // Making and removing.
    SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(mknod), SCMP_SYS(mknodat), SCMP_SYS(link), SCMP_SYS(linkat),
    SCMP_SYS(symlink), SCMP_SYS(symlinkat), SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(rmdir), SCMP_SYS(rename),
    SCMP_SYS(renameat), SCMP_SYS(renameat2),
    // Modes, owners and times. Set-id bits are refused.
    SCMP_SYS(chmod), SCMP_SYS(fchmod), SCMP_SYS(fchmodat), kFchmodat2, SCMP_SYS(chown), SCMP_SYS(fchown),
    SCMP_SYS(lchown), SCMP_SYS(fchownat), SCMP_SYS(utime), SCMP_SYS(utimes), SCMP_SYS(futimesat), SCMP_SYS(utimensat),
    // Reading attributes: ls. Setting them is refused.
    SCMP_SYS(getxattr), SCMP_SYS(lgetxattr), SCMP_SYS(fgetxattr), SCMP_SYS(listxattr), SCMP_SYS(llistxattr),
    SCMP_SYS(flistxattr)};

constexpr int kWaiting[] = {
    // Threads.
    SCMP_SYS(futex), SCMP_SYS(futex_waitv), SCMP_SYS(sched_yield),
    // Descriptors: the progress engines of both launchers, libevent, Python.
    SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(select), SCMP_SYS(pselect6), SCMP_SYS(epoll_create),
    SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2),
    SCMP_SYS(eventfd), SCMP_SYS(eventfd2),
    // Time.
    SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep), SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(times), SCMP_SYS(alarm), SCMP_SYS(setitimer), SCMP_SYS(getitimer),
    SCMP_SYS(timer_create), SCMP_SYS(timer_settime), SCMP_SYS(timer_gettime), SCMP_SYS(timer_getoverrun),
    SCMP_SYS(timer_delete), SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime), SCMP_SYS(timerfd_gettime)};

constexpr int kMessages[] = {
    // Between processes of the sandbox, and with the guard. Families are limited. Not message queues: no MPI uses them.
    SCMP_SYS(pipe),        SCMP_SYS(pipe2),      SCMP_SYS(socket),     SCMP_SYS(socketpair), SCMP_SYS(bind),
    SCMP_SYS(listen),      SCMP_SYS(accept),     SCMP_SYS(accept4),    SCMP_SYS(connect),    SCMP_SYS(getsockname),
    SCMP_SYS(getpeername), SCMP_SYS(setsockopt), SCMP_SYS(getsockopt), SCMP_SYS(sendto),     SCMP_SYS(recvfrom),
    SCMP_SYS(sendmsg),     SCMP_SYS(recvmsg),    SCMP_SYS(sendmmsg),   SCMP_SYS(recvmmsg),   SCMP_SYS(shutdown)};

constexpr int kProcessor[] = {
    // Binding ranks to processors, and looking where they run.
    SCMP_SYS(sched_setaffinity), SCMP_SYS(sched_getaffinity), SCMP_SYS(getcpu),
    // Priorities of the own processes; none can be raised.
    SCMP_SYS(getpriority), SCMP_SYS(setpriority), SCMP_SYS(sched_setparam), SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_setscheduler), SCMP_SYS(sched_getscheduler), SCMP_SYS(sched_get_priority_max),
    SCMP_SYS(sched_get_priority_min), SCMP_SYS(sched_rr_get_interval), SCMP_SYS(sched_setattr), SCMP_SYS(sched_getattr),
    // Limits and use of the own processes. Not sysinfo, which tells of the whole host.
    SCMP_SYS(getrlimit), SCMP_SYS(setrlimit), SCMP_SYS(prlimit64), SCMP_SYS(getrusage),
    // Random numbers.
    SCMP_SYS(getrandom)};

constexpr std::array<std::span<const int>, 9> kAll = {kProgram, kIdentity, kSignals,  kMemory,   kFiles,
                                                      kNames,   kWaiting,  kMessages, kProcessor};

}  // namespace

std::span<const std::span<const int>> allowed_calls() noexcept { return kAll; }

}  // namespace sluice::sandbox
