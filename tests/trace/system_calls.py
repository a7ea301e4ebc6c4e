"""All system calls of a process, from its execve to its end, with arguments, contents and results, in a form to compare.

strace writes one file for each thread. Some things differ from run to run whatever anybody else does; each of them is
replaced by a word here, with its reason. Everything else is compared as it is.
"""

import pathlib
import re
import subprocess
import time

CALL = re.compile(r"^(\w+)\((.*)\)\s+= (.*)$", re.DOTALL)

# How often a thread looks, gives way, sleeps or is woken depends on who has the processor. epoll_ctl: an event library
# turns its wish to write on and off as it comes to run.
WAITING = {"sched_yield", "clock_nanosleep", "nanosleep", "restart_syscall", "futex", "poll", "ppoll", "epoll_wait",
           "epoll_pwait", "select", "rt_sigreturn", "epoll_ctl"}
# What the allocator asks for follows from the order in which threads come to it, and how it aligns arenas from addresses.
# A success tells nothing but an address; a failure is kept. Mappings of files are kept.
ALLOCATOR = re.compile(r"(brk|munmap|mremap|madvise)\(|mprotect\(.*, PROT_READ\|PROT_WRITE\)|mmap\(.*MAP_ANONYMOUS")
WAKE_UP = r'"\1\0\0\0\0\0\0\0", 8'  # an eventfd's count, between threads of the process
NOT_YET = re.compile(r"EAGAIN|EINTR|ERESTART")

# What is read from these differs by itself.
CONTENTS = [
    r"/proc/(self|\d+)/status",  # how often the process was scheduled, and how much of it was in memory
    r"/proc/(self|\d+)/stat",  # the same, and how much time it took
    r"/proc/sys/kernel/random/.*",  # random
    r"/dev/urandom",  # random
    r"/proc/meminfo",  # how much memory the host has left: everybody's doing, see CAVEATS.md
    r"/sys/devices/system/node/node\d+/meminfo",  # the same
    r"netlink",  # how old the addresses of the loopback device are
]
READS = re.compile("|".join(f"(?:{path})" for path in CONTENTS))

WORDS = [
    # The kernel chooses addresses anew for each process.
    (re.compile(r"0x[0-9a-f]{6,}"), "ADDRESS"),
    # The kernel draws ports, and names of sockets that ask for none.
    (re.compile(r"htons\((3[2-9]\d{3}|[456]\d{4})\)"), "PORT"),
    (re.compile(r'sun_path=@"[0-9a-f]{5}"'), 'sun_path=@"DRAWN"'),
    (re.compile(r"((?:pipe|socket|anon_inode):)\[\d+\]"), r"\1[INODE]"),
    # Random numbers, and what the host MPIs name after them.
    (re.compile(r'^getrandom\(".*"'), "getrandom(RANDOM"),
    (re.compile(r"kvs_\d+_\d+_\d+_"), "kvs_RANDOM_"),
    (re.compile(r"(ucx_shm_posix_|vader_segment\.\w+\.\d+\.)[0-9a-f]+"), r"\1RANDOM"),
    # The clock.
    (re.compile(r"(shm_[acd]time)=\d+"), r"\1=TIME"),
    # User ids of a run are drawn anew, so that no two runs share one.
    (re.compile(r"id=2\d{9}"), "id=USER"),
]


def watch(run_folder: pathlib.Path, pid: int) -> subprocess.Popen:
    """Starts strace on a process and all threads that it will have. Returns once it is attached; AssertionError if not."""
    tracer = subprocess.Popen(["strace", "-ff", "-qq", "-s", "65536", "-o", run_folder / "calls", "-p", str(pid)],
                              stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while not any(path.stat().st_size > 0 for path in run_folder.glob("calls.*")):
        assert time.monotonic() < deadline and tracer.poll() is None, "strace did not attach"
        time.sleep(0.01)
    return tracer


class Thread:
    """The calls of one thread. Descriptors are followed, so that it is known what a read reads."""

    def __init__(self, opened: dict):
        self.opened = opened  # descriptor: path, of the whole process

    def line(self, text: str):
        """A call in comparable form; None if it is left out."""
        match = CALL.match(text)
        if match is None:
            return None if text.startswith(("--- SIGCONT", "+++")) else text
        name, arguments, result = match.groups()
        if name in WAITING or NOT_YET.search(result):
            return None
        if name in ("read", "write") and arguments.endswith(WAKE_UP):
            return None
        if ALLOCATOR.match(text) and not result.startswith("-1"):
            return None
        descriptor = arguments.split(",")[0]
        self._follow(name, arguments, result, descriptor)
        path = self.opened.get(descriptor, "")
        if name in ("read", "pread64", "recvmsg") and READS.fullmatch(path):
            return f"{name}({descriptor}, CONTENTS of {path})"
        if name == "sendto" and path == "netlink":
            return f"{name}({descriptor}, the time as a number)"
        text = f"{name}({arguments}) = {result}"
        for pattern, word in WORDS:
            text = pattern.sub(word, text)
        # Some of the random numbers are written without leading zeros.
        return re.sub(r" = \d+$", " = LENGTH", text) if "RANDOM" in text else text

    def _follow(self, name: str, arguments: str, result: str, descriptor: str) -> None:
        if name in ("openat", "open") and result[0].isdigit():
            self.opened[result.split()[0]] = re.search(r'"([^"]*)"', arguments)[1]
        elif name == "socket" and result[0].isdigit():
            self.opened[result.split()[0]] = "netlink" if "AF_NETLINK" in arguments else "socket"
        elif name == "close":
            self.opened.pop(descriptor, None)


def comparable(folder: pathlib.Path, gates: list) -> dict:
    """For each thread, in the order of their making, its calls. `gates`: files that the program waits for."""
    files = sorted(folder.glob("calls.*"), key=lambda path: int(path.suffix[1:]))
    waits = [f'"{gate}"' for gate in gates]
    opened, found = {}, {}
    for number, path in enumerate(files):
        lines = path.read_text(errors="replace").splitlines()
        begin = max((i for i, line in enumerate(lines) if line.startswith("execve(")), default=0)
        thread = Thread(opened)
        calls = []
        for line in lines[begin:]:
            if "ENOENT" in line and any(gate in line for gate in waits):
                continue  # a look at a file that the harness has not made yet
            call = thread.line(line)
            if call is not None:
                calls.append(call)
        # Threads of the host MPI besides the first speak to its launcher, in the same sandbox. In which order they come
        # to read and to write depends on who has the processor; the order of each kind of call is compared.
        found[f"thread {number}"] = calls if number == 0 else sorted(calls, key=lambda call: call.split("(")[0])
    return found
