"""How each variant of the benchmark of collectives is started, and what its lines and counters say."""

import dataclasses
import itertools
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading

import gated
import variants
from figures import Figures, Key

TESTS = ["Bcast", "Scatter", "Reduce", "Gather"]
SUBJECTS = ["low", "middle", "high"]
LEVELS = ["UNCLASSIFIED", "SECRET", "TOP_SECRET"]
# Holds what collective_bench has under way, and what --messages has.
QUEUE = "256MiB"
SMALL_QUEUE = "4MiB"
# What is to be reached: bytes, largest ratio to the host MPI.
GOALS = [(8, 2.0), (1 << 20, 1.2), (4 << 20, 1.2)]
# Calls that are counted.
CALLS = 10
# MPICH alone waits by spinning: where its ranks outnumber processors a call takes milliseconds. So many calls of it are
# timed there, and so many inside Sluice, where it gives way.
FEW_CALLS = 40
LESS_CALLS = 5000


def times(variant) -> list:
    """Lines as figures.Figures takes them: microseconds for each call, the slowest rank deciding."""
    found = {}
    for line in variant.run():
        found.setdefault((line["test"], line["bytes"]), []).append(line)
    return [{"test": variant.case(test), "place": "", "bytes": size, "unit": "us", "value": _span(lines)}
            for (test, size), lines in found.items()]


def _span(lines: list) -> float:
    span = max(line["end"] for line in lines) - min(line["begin"] for line in lines)
    return span / lines[0]["calls"] * 1e6


@dataclasses.dataclass
class CollectiveVariant(variants.Variant):
    """`name` has the number of ranks of a subject in it, which is kept in the test's name."""

    subjects: int = len(SUBJECTS)
    limit: float = variants.TIMEOUT  # seconds; what has not been measured by then is left out

    def case(self, test: str) -> str:
        """What a test of this variant is called."""
        return f"{test}, 3 x {self.ranks} ranks"

    @property
    def ranks(self) -> int:
        return int(self.name.split(" x")[1])

    def run(self) -> list:
        """The lines of one start, of those figures that every rank has reported. Opens each gate when all ranks are
        there. Raises Failed."""
        ranks = self.subjects * self.ranks
        shutil.rmtree(self.cwd / "gates", ignore_errors=True)
        (self.cwd / "gates").mkdir()
        output, found, waiting, late = [], {}, {}, threading.Event()
        with self._start() as process:
            # Both mpiexec and sluice end all that they started.
            watch = threading.Timer(self.limit, lambda: (late.set(), process.send_signal(signal.SIGTERM)))
            watch.start()
            for text in process.stdout:
                output.append(text)
                line = json.loads(text[text.index("{"):]) if '{"' in text and "}" in text else {}
                if "test" in line:
                    found.setdefault((line["test"], line["bytes"]), []).append(line)
                if "gate" in line:
                    waiting[line["gate"]] = waiting.get(line["gate"], 0) + 1
                    if waiting[line["gate"]] == ranks:
                        self._open(line["gate"], process.pid)
            process.wait()
            watch.cancel()
        whole = [line for lines in found.values() if len(lines) == ranks for line in lines]
        if late.is_set() and whole:
            last = whole[-1]
            print(f"{self.mpi} {self.name}: ended after {self.limit:g} s; nothing of what follows {last['test']} "
                  f"{last['bytes']} is known", file=sys.stderr)
        elif process.returncode != 0 or len(whole) != sum(map(len, found.values())) or not whole:
            raise variants.Failed(self._explain(f"ended with exit code {process.returncode}", "".join(output), ""))
        return whole

    def _open(self, gate: int, front: int) -> None:
        if gate == 0:
            gated.wait_for_idle_guard(front)
        (self.cwd / "gates" / str(gate)).touch()

    def _start(self) -> subprocess.Popen:
        env = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
        return subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, errors="replace", cwd=self.cwd, env=env)


class StepVariant(CollectiveVariant):
    """The same between two ranks only: one step of what three subjects do."""

    def case(self, test: str) -> str:
        return f"{test}, one step"


class Maker:
    """Makes the variants, with their policies written below `folder`."""

    def __init__(self, build: pathlib.Path, folder: pathlib.Path, options):
        self.build, self.folder, self.options = build, folder, options
        folder.chmod(0o755)

    def plan(self) -> list:
        work = ["--work", "0.05"] if self.options.quick else []
        sizes = ["--sizes", ",".join(map(str, self.options.sizes))]
        arguments = [*work, *sizes, "--gates", "gates", *self.options.tests]
        found = []
        for mpi in self.options.mpis:
            found += self._steps(mpi, work + sizes)
            for ranks in self.options.ranks:
                found.append(self._host(mpi, ranks, arguments))
                inside = [*self._fewer(mpi, ranks, LESS_CALLS), *arguments]
                found.append(self._sluice("chain", mpi, ranks, inside))
                found.append(self._sluice("one-label", mpi, ranks, inside))
        return found

    def messages(self) -> list:
        """Messages that cross from one subject to another in one call: a dict for each variant, test and flow."""
        options = self.options
        return [row for mpi in options.mpis for subjects in options.subjects for ranks in options.ranks
                for shape in ("chain", "one-label") for test in options.tests
                for row in self._count(shape, mpi, subjects, ranks, test)]

    def _count(self, shape: str, mpi: str, subjects: int, ranks: int, test: str) -> list:
        arguments = ["--calls", str(CALLS), "--sizes", "8", test]
        variant = self._sluice(shape, mpi, ranks, arguments, subjects, SMALL_QUEUE, f"-{subjects}-{test}")
        variant.run()
        flows = json.loads((variant.cwd / "summary.json").read_text())["flows"]
        return [{"mpi": mpi, "shape": shape, "subjects": subjects, "ranks": ranks, "test": test, "from": flow["from"],
                 "to": flow["to"], "messages": flow["messages"] / CALLS} for flow in flows]

    def _steps(self, mpi: str, arguments: list) -> list:
        arguments = [*arguments, "--gates", "gates", *self.options.tests]
        across = self._sluice("chain", mpi, 1, arguments, 2, suffix="-step")
        return [StepVariant("two ranks x1", mpi, self._alone(mpi, 2, [*arguments, "Copy"]), self._folder(mpi, "step"), 2),
                StepVariant("two subjects x1", mpi, across.command, across.cwd, 2)]

    def _host(self, mpi: str, ranks: int, arguments: list):
        arguments = [*self._fewer(mpi, ranks, FEW_CALLS), *arguments]
        return CollectiveVariant(f"host x{ranks}", mpi, self._alone(mpi, 3 * ranks, arguments),
                                 self._folder(mpi, f"host-{ranks}"), limit=self.options.limit)

    def _fewer(self, mpi: str, ranks: int, calls: int) -> list:
        """Arguments that bound the calls of a host MPI that spins."""
        return ["--most", str(calls)] if mpi == "mpich" and 3 * ranks > len(os.sched_getaffinity(0)) else []

    def _alone(self, mpi: str, ranks: int, arguments: list) -> list:
        bind = ["--oversubscribe", "--bind-to", "none"] if mpi == "openmpi" else ["-bind-to", "none"]
        program = variants.program_of(self.build, mpi, "collective_bench")
        return [f"mpiexec.{mpi}", *bind, "-n", str(ranks), str(program), *arguments]

    def _folder(self, mpi: str, name: str) -> pathlib.Path:
        folder = self.folder / f"{mpi}-{name}"
        folder.mkdir()
        return folder

    def _sluice(self, shape: str, mpi: str, ranks: int, arguments: list, count: int = len(SUBJECTS),
                queue: str = QUEUE, suffix: str = ""):
        program = variants.program_of(self.build, mpi, "collective_bench")
        folder = self.folder / f"{mpi}-{shape}-{ranks}{suffix}"
        folder.mkdir()
        folder.chmod(0o755)
        (folder / "gates").mkdir()
        shutil.copy(program, folder)
        usual = count == len(SUBJECTS)
        names = SUBJECTS if usual else [f"subject{i}" for i in range(count)]
        levels = LEVELS if usual else [f"LEVEL{i}" for i in range(count)]
        labels = levels if shape == "chain" else levels[:1] * count
        subjects = [variants.subject_text(name, mpi, ranks, program.name, arguments, label, ["gates"])
                    for name, label in zip(names, labels)]
        flows = list(zip(names, names[1:])) if shape == "chain" else list(itertools.permutations(names, 2))
        (folder / "policy.yaml").write_text(variants.policy_text(subjects, flows, levels, queue))
        command = [str(self.build / "bin" / "sluice"), "run", "--quiet", "--json=summary.json", "policy.yaml"]
        return CollectiveVariant(f"{shape} x{ranks}", mpi, command, folder, count, self.options.limit)


def show_goals(figures: Figures, out) -> None:
    """How many of the ratios reach the goal, and the worst."""
    print(file=out)
    for mpi in figures.choices("mpi"):
        for count, most in GOALS:
            keys = [key for key in figures.values if key.mpi == mpi and key.bytes == count and figures.ratio(key)]
            ratios = sorted((figures.ratio(key), key.test, key.place) for key in keys)
            if not ratios:
                continue
            good = sum(ratio <= most for ratio, _, _ in ratios)
            worst = ratios[-1]
            print(f"{mpi}: {count} bytes: at most {most:g} times the host's in {good} of {len(ratios)} cases; "
                  f"worst {worst[0]:.2f} ({worst[1]}, {worst[2]})", file=out)


def show_messages(counted: list, out) -> None:
    print("messages between subjects for each call (flows that carry none are left out)", file=out)
    rows = {}
    for row in counted:
        rows.setdefault((row["mpi"], row["shape"], row["subjects"], row["ranks"], row["test"]), []).append(row)
    for (mpi, shape, subjects, ranks, test), flows in rows.items():
        used = ", ".join(f"{flow['from']} -> {flow['to']} {flow['messages']:g}" for flow in flows if flow["messages"])
        total = sum(flow["messages"] for flow in flows)
        print(f"  {mpi:8}{shape:10} {subjects} x {ranks} ranks  {test:8}{total:g} in all: {used}", file=out)
