#!/usr/bin/python3
"""Kills or stops processes of many short runs at random moments, and holds each run against what is promised:

  it ends within the bound, and leaves no process, mount, shared memory or file behind
  each message that a send has accepted is received, whole and in order, or its receiver is told that it missed it

as long as the receiver itself lives on to be told. What is done follows from the seed and the run's number alone (but for
what the scheduler makes of it), so that a run can be repeated and a storm goes on where it was left.

    PYTHONPATH=tests/support /usr/bin/python3 tests/faults/storm.py --runs 2000 --seed 7
    PYTHONPATH=tests/support /usr/bin/python3 tests/faults/storm.py --runs 2000 --seed 7 --first 812

Exit codes: 0 all promises held; 1 one did not (the run is told); 2 wrong usage.
"""

import argparse
import dataclasses
import os
import pathlib
import random
import signal
import sys
import time

from mpi_programs import Subject, prepared
from sluice_run import command_line, descendants

# Open MPI's mpiexec may hang after one of its ranks was killed; `sluice run` ends it after 15 s. The rest is for a busy
# machine.
BOUND = 45.0
SENDING = 0.25
LATEST = 0.9
CODES = {0, 1, 4, 5, 6, 130, -signal.SIGKILL}
PARTS = ["guard", "supervisor", "front", "bwrap low", "bwrap high", "mpiexec low", "mpiexec high", "rank low", "rank high", "any"]
RECEIVERS = {"bwrap high", "mpiexec high", "rank high", "guard", "supervisor", "front", "any"}
KINDS = ["", "when_full: drop", "when_full: spill, spill: { directory: spool, size: 256MiB }"]


@dataclasses.dataclass
class Strike:
    """What is done to one run."""

    part: str
    how: str  # kill, stop (and go on), stop and kill
    moment: float  # seconds after the start
    pause: float
    mpis: tuple
    keys: str
    queue: str
    choice: float  # which of several processes

    @staticmethod
    def of(seed: int, number: int) -> "Strike":
        chance = random.Random(f"{seed}/{number}")
        keys = chance.choice(KINDS)
        return Strike(chance.choice(PARTS), chance.choice(["kill", "kill", "stop", "stop and kill"]), chance.uniform(0, LATEST),
                      chance.uniform(0.02, 0.6), chance.choice([("openmpi", "mpich"), ("mpich", "openmpi"), ("mpich", "mpich")]),
                      keys, chance.choice(["2MiB", "8MiB"]) if keys else "256MiB", chance.random())


def candidates(run, part: str) -> list:
    """Processes of the run that a part names, now."""
    front = run.process.pid
    lines = {pid: command_line(pid) for pid in descendants(front)}

    def program(line: str, name: str, subject: str = "") -> bool:
        return os.path.basename(line.split(" ")[0]).startswith(name) and (not subject or f"book-{subject}" in line)
    if part == "front":
        return [front]
    if part == "any":
        return sorted([front, *lines])
    if part == "supervisor":
        return [pid for pid in lines if parent_and_session(pid) == (front, pid)]
    name, _, subject = part.partition(" ")
    names = {"guard": "sluice-guard", "bwrap": "bwrap", "mpiexec": "mpiexec", "rank": "ledger-"}
    return sorted(pid for pid, line in lines.items() if program(line, names[name], subject))


def parent_and_session(pid: int) -> tuple:
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(fields[1]), int(fields[3])
    except (OSError, IndexError):
        return 0, 0


def send_signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def strike(run, what: Strike) -> bool:
    """Does it as soon as the moment has come and the part is there. False if the run ended before."""
    time.sleep(what.moment)
    while run.process.poll() is None:
        found = candidates(run, what.part)
        if not found:
            time.sleep(0.002)
            continue
        target = found[int(what.choice * len(found))]
        if what.how != "kill":
            send_signal(target, signal.SIGSTOP)
            time.sleep(what.pause)
        send_signal(target, signal.SIGCONT if what.how == "stop" else signal.SIGKILL)
        return True
    return False


def lines_of(run, name: str) -> list:
    path = run.folder / f"book-{name}"
    return {int(file.name): file.read_text().splitlines() for file in path.iterdir()}


def complaints_about_messages(run) -> list:
    """What is wrong with the books; to be asked only where the receiver came to its end."""
    found = []
    sent = {rank: len(lines) for rank, lines in lines_of(run, "low").items()}
    ((_, lines),) = lines_of(run, "high").items()
    if not lines or lines[-1] != "done":
        return ["the receiver was never told of the end"]
    for rank, accepted in sent.items():
        got = [int(line.split()[2]) for line in lines if line.startswith(f"got {rank} ")]
        missed = lines.count(f"missed {rank}")
        if f"bad {rank}" in lines:
            found.append(f"a message of rank {rank} is not what was sent")
        if got != sorted(set(got)):
            found.append(f"messages of rank {rank} are out of order or came twice")
        # A process that is killed between its send and its line has sent one more.
        if len(got) + missed not in (accepted, accepted + 1):
            found.append(f"rank {rank} sent {accepted}, {len(got)} came and {missed} were missed")
    return found


def one_run(seed: int, number: int) -> tuple:
    """Runs one; returns (what was done, complaints, whether the books were checked)."""
    what = Strike.of(seed, number)
    subjects = [Subject(name, label, ranks, "ledger", [f"book-{name}", SENDING], mpi, files={f"book-{name}": "write"})
                for (name, label, ranks), mpi in zip([("low", "UNCLASSIFIED", 2), ("high", "SECRET", 1)], what.mpis)]
    with prepared(subjects, [("low", "high", what.queue, what.keys) if what.keys else ("low", "high", what.queue)]) as run:
        for folder in ("book-low", "book-high", "spool"):
            (run.folder / folder).mkdir()
        run.start()
        begin = time.monotonic()
        struck = strike(run, what)
        result = run.finish(BOUND)
        found = [] if not result.timed_out else [f"it hangs: {BOUND} s\n{result.explain()}"]
        if result.code not in CODES and not result.timed_out:
            found.append(f"exit code {result.code}")
        left = run.leftovers.find(max(1.0, BOUND - (time.monotonic() - begin)))
        found += [f"left behind: {one}" for one in left]
        found += [f"left behind: spool/{path.name}" for path in (run.folder / "spool").iterdir()]
        checked = not found and receiver_lived(result)
        if checked:
            found += complaints_about_messages(run)
        if found:
            found.append(result.explain())
        return what, struck, found, checked


def receiver_lived(result) -> bool:
    """Whether the receiving subject came to its end by itself, as the run says."""
    try:
        states = {subject["name"]: subject for subject in result.summary["subjects"]}
    except AssertionError:
        return False
    return states["high"]["ended_by"] == "itself" and states["high"].get("exit_status") == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32), help="default: drawn, and told")
    parser.add_argument("--first", type=int, default=0, help="number of the first run, to go on with a storm")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    struck_runs = checked_runs = 0
    begin = time.monotonic()
    for number in range(options.first, options.first + options.runs):
        what, struck, found, checked = one_run(options.seed, number)
        struck_runs += struck
        checked_runs += checked
        if found:
            print(f"run {number}: {what}\n  " + "\n  ".join(found))
            print(f"again: --seed {options.seed} --first {number} --runs 1")
            return 1
        done = number - options.first + 1
        if done % 10 == 0:
            print(f"{done} runs, {struck_runs} struck, books checked in {checked_runs}, {time.monotonic() - begin:.0f} s; "
                  f"to go on: --seed {options.seed} --first {number + 1}", flush=True)
    print(f"{options.runs} runs, {struck_runs} struck, books checked in {checked_runs}, all promises held")
    return 0


if __name__ == "__main__":
    sys.exit(main())
