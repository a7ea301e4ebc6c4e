#!/usr/bin/python3
"""usage: host_view_probe.py watch|stir GATE FOLDER

Two programs that share nothing but the test, which puts a file for each phase into GATE: `stir-N` and `watch-N`, with
`busy` or `idle` in it. `stir` is busy where it is told so. `watch` then reads every number that it can find in /proc and
/sys, file systems and new inodes, and at the end prints those which moved by more in every busy phase than in any idle
one, or by less.
"""

import os
import re
import socket
import subprocess
import sys
import time

PHASES = 14
NUMBER = re.compile(rb"\b[0-9a-f]{1,16}\b")
# What a process uses itself, and how long it waited for a processor: time, not a value that others set.
OWN_USE = re.compile(
    r"/proc/self/(sched|schedstat|stat|statm|status|io|smaps|smaps_rollup|numa_maps|maps|syscall|wchan|stack|timers|auxv|"
    r"oom_score|pagemap|mem|clear_refs|cmdline|environ|net/tcp|net/tcp6|net/udp|net/udp6)$"
)

NOT_NUMBERS = ("kmsg", "kpagecount", "kpageflags", "kpagecgroup", "kcore", "/uuid", "trace_pipe", "kallsyms", "config.gz")
ELSEWHERE = {"task", "map_files", "fd", "fdinfo", "attr", "irq"}  # names of the process's own, or of each processor
MOST = 700


def numbers_below(top: str) -> list:
    found = []
    for folder, folders, names in os.walk(top):
        if folder == "/proc":
            folders[:] = [name for name in folders if not name.isdigit() and name != "sys"]
        folders[:] = [name for name in folders if name not in ELSEWHERE]
        found += [os.path.join(folder, name) for name in names]
    return [path for path in found if not OWN_USE.match(path) and not path.endswith(NOT_NUMBERS)]


def files() -> list:
    found = []
    for top in ("/proc", "/proc/sys", "/proc/self", "/sys"):
        below = numbers_below(top)
        if len(below) > MOST:
            print("TOO MANY FILES in", top)  # reading them all would take longer than a phase
        else:
            found += [path for path in below if read(path)]
    return found


def read(path: str) -> bytes:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return b""
    try:
        return os.read(fd, 16384)
    except OSError:
        return b""
    finally:
        os.close(fd)


def snapshot(paths: list, folder: str) -> dict:
    values = {}
    for path in paths:
        words = [int(word, 16) for word in NUMBER.findall(read(path))[:400]]  # some are; the others keep their order
        values.update({(path, index): word for index, word in enumerate(words)})
        values[path, "sum"] = sum(words)  # one number for each processor, say
    for place in ("/", "/usr", "/tmp", "/dev/shm", "/proc", "/sys", folder):
        disk = os.statvfs(place)
        values["statfs " + place, 0] = disk.f_bfree
        values["statfs " + place, 1] = disk.f_ffree
    for place in ("/proc", "/", "/usr", "/tmp"):
        values["links " + place, 0] = os.stat(place).st_nlink
    ends = os.pipe()
    values["inode of a pipe", 0] = os.fstat(ends[0]).st_ino
    for end in ends:
        os.close(end)
    values["process", 0] = os.getppid()
    return values


def turns(gate: str, name: str):
    """Yields what each phase is to be, as soon as the test says so."""
    for phase in range(PHASES):
        path = os.path.join(gate, f"{name}-{phase}")
        deadline = time.monotonic() + 30
        while not os.path.exists(path):
            if time.monotonic() > deadline:
                sys.exit(f"nobody began phase {phase}")
            time.sleep(0.005)
        with open(path) as file:
            yield phase, file.read()


def watch(gate: str, folder: str) -> None:
    paths = files()
    print(f"READS {len(paths)} files", flush=True)
    shots = [snapshot(paths, folder)]
    busy_phases = []
    for phase, what in turns(gate, "watch"):
        shots.append(snapshot(paths, folder))
        busy_phases.append(what == "busy")
        print(f"WATCH {phase}", flush=True)
    found = set()
    for key in shots[0]:
        if any(key not in shot for shot in shots):
            continue
        moves = [after[key] - before[key] for before, after in zip(shots, shots[1:])]
        busy = [move for move, on in zip(moves, busy_phases) if on]
        idle = [move for move, on in zip(moves, busy_phases) if not on]
        if min(busy) > max(idle) or max(busy) < min(idle):
            found.add(key[0])
    for name in sorted(found):
        print("MOVED", name)
    print("DONE", flush=True)


def stir(gate: str, folder: str) -> None:
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    sockets[0].bind(("127.0.0.1", 0))
    sockets[0].setblocking(False)
    held = []
    for phase, what in turns(gate, "stir"):
        if what == "busy":
            for _ in range(500):
                sockets[1].sendto(b"x", sockets[0].getsockname())
                try:
                    sockets[0].recv(1)
                except BlockingIOError:
                    pass
            for _ in range(3):
                subprocess.run(["/bin/true"], check=False)
            for _ in range(60):
                held.append(os.open("/dev/null", os.O_RDONLY))
                for end in os.pipe():
                    os.close(end)
            with open(os.path.join(folder, f"stirred-{phase}"), "wb") as file:
                file.write(b"x" * (2 << 20))
        print(f"STIR {phase}", flush=True)


if __name__ == "__main__":
    {"watch": watch, "stir": stir}[sys.argv[1]](*sys.argv[2:])
