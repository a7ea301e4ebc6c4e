"""What the conformance programs print, and what is expected of them: refused.txt and pending.txt beside this file."""

import collections
import os
import pathlib
import re
import subprocess

from mpi_programs import PROGRAMS

HERE = pathlib.Path(__file__).resolve().parent
HOSTS = ["openmpi", "mpich"]
MODES = ["bare", "one", "two-way", "mixed", "pair", "chain"]
LINE = re.compile(r"^(?:\d+: )?CASE (\w+) (ok|refused|FAILED)(.*)$", re.MULTILINE)


def case_names(mpi: str, threads: bool) -> list:
    """The cases of a program, in the order in which it runs them."""
    command = [PROGRAMS / f"conformance-{mpi}", "--list", *(["--threads"] if threads else [])]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout.split()


def entries(path: pathlib.Path, fewest: int) -> list:
    """Lines of a checked-in list as words, without comments."""
    lines = [line.split("#")[0].split() for line in path.read_text().splitlines()]
    lines = [words for words in lines if words]
    for words in lines:
        assert len(words) >= fewest and words[0] in MODES, f"{path.name}: cannot read '{' '.join(words)}'"
    return lines


def pending(mode: str, mpi: str, steadily: bool = False) -> set:
    """Cases that are known not to work yet: `MODE CASE [HOST] [sometimes] [unprivileged]` in pending.txt. `steadily`:
    without those that fail only sometimes."""
    modes = ["two-way", mode] if mode == "mixed" else [mode]
    found = set()
    for words in entries(HERE / "pending.txt", 2):
        hosts = [word for word in words[2:] if word in HOSTS]
        assert set(words[2:]) <= {*HOSTS, "sometimes", "unprivileged"}, f"pending.txt: cannot read '{' '.join(words)}'"
        if "unprivileged" in words and os.geteuid() == 0:
            continue
        if words[0] in modes and (not hosts or mpi in hosts) and not (steadily and "sometimes" in words):
            found.add(words[1])
    return found


def expected_refusals(mode: str, mpi: str) -> dict:
    """(subject, case): set of FUNCTION[@where], from `MODE[/HOST] SUBJECT CASE FUNCTION...` in refused.txt."""
    found = {}
    for line in (HERE / "refused.txt").read_text().splitlines():
        words = line.split("#")[0].split()
        if not words:
            continue
        assert len(words) >= 4, f"refused.txt: cannot read '{line}'"
        if words[0] in ("two-way" if mode == "mixed" else mode, f"{mode}/{mpi}"):
            found[words[1], words[2]] = set(words[3:])
    return found


class Verdicts:
    """What the ranks of one subject printed."""

    def __init__(self, text: str, ranks: int):
        self.ranks = ranks
        self.failures = []
        self._lines = collections.Counter()
        self._refused = collections.defaultdict(set)
        self._failed = collections.defaultdict(list)
        for case, verdict, rest in LINE.findall(text):
            self._lines[case] += 1
            if verdict == "refused":
                self._refused[case] |= set(rest.split(": ")[0].split())
            elif verdict == "FAILED":
                self._failed[case].append(rest.strip())

    def cases(self) -> set:
        return set(self._lines)

    def problem(self, case: str, refusals: set):
        """What is wrong with a case that should be refused with exactly `refusals` (none: should work), or None."""
        if self._failed[case]:
            return f"{case} FAILED {self._failed[case][0]}"
        if self._lines[case] != self.ranks:
            return f"{case}: {self._lines[case]} verdicts from {self.ranks} ranks"
        if self._refused[case] != refusals:
            return f"{case} refused {sorted(self._refused[case])}, expected {sorted(refusals)}"
        return None

    def refused(self, case: str) -> set:
        return self._refused[case]
