"""Starts traffic_bench under a host MPI or under Sluice, opens its gates, and reads off the guard's processor time."""

import dataclasses
import json
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time

import variants

PROGRAM = "traffic_bench"
# The threads of a guard, in the order in which it starts them: itself, the reporter, one for each flow, ingress.
FIXED_THREADS = ["main", "reporter"]
# Nanoseconds of processor time in 50 ms: a guard that uses less does nothing.
LITTLE = 1_000_000


def children(pid: int) -> list:
    """Processes below a process, itself included."""
    found = [pid]
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [below for child in task.read_text().split() for below in children(int(child))]
        except OSError:
            pass
    return found


def find_guard(front: int):
    """The guard's process of the run that `front` started, or None."""
    for pid in children(front):
        try:
            if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == "sluice-guard":
                return pid
        except OSError:
            pass
    return None


def thread_times(pid: int) -> list:
    """Nanoseconds of processor time of each thread, in the order in which they were started."""
    found = []
    for task in sorted(pathlib.Path(f"/proc/{pid}/task").iterdir(), key=lambda path: int(path.name)):
        try:
            found.append(int((task / "schedstat").read_text().split()[0]))
        except (OSError, IndexError):
            found.append(0)
    return found


def wait_for_idle_guard(front: int) -> None:
    """Waits, 20 s at most, until the guard of the run that `front` started, if any, has filled its queues in."""
    guard = find_guard(front)
    if guard is None:
        return
    last, deadline = -1, time.monotonic() + 20
    while time.monotonic() < deadline:
        used = sum(thread_times(guard))
        if last >= 0 and used - last < LITTLE:
            return
        last = used
        time.sleep(0.05)


def thread_names(count: int, flows: int) -> list:
    """What each of a guard's threads does."""
    names = FIXED_THREADS + [f"egress {i}" for i in range(flows)]
    return names + [f"ingress {i}" for i in range(count - len(names))]


@dataclasses.dataclass
class Passage:
    """What happened between a gate's opening and the last rank's report."""

    lines: list  # of the ranks
    guard: list  # nanoseconds of each of the guard's threads; empty without a guard


class Program:
    """One start of a gated program over `ranks` ranks, in a folder of its own."""

    def __init__(self, name: str, mpi: str, ranks: int, command: list, folder: pathlib.Path):
        self.name, self.mpi, self.ranks, self.command, self.folder = name, mpi, ranks, command, folder
        self._process = None
        self._output = []

    def __enter__(self):
        gates = self.folder / "gates"
        shutil.rmtree(gates, ignore_errors=True)
        gates.mkdir()
        env = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
        self._process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                         stderr=subprocess.STDOUT, text=True, errors="replace", cwd=self.folder, env=env)
        self._watch = threading.Timer(variants.TIMEOUT, self._process.send_signal, [signal.SIGTERM])
        self._watch.start()
        return self

    def __exit__(self, *_):
        """Ends what has not ended; sluice and mpiexec end all that they started."""
        self._watch.cancel()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.communicate()
        self._process.stdout.close()

    def lines(self):
        """The objects that the ranks print, as they come."""
        for text in self._process.stdout:
            self._output.append(text)
            if '{"' in text:
                yield json.loads(text[text.index("{"):])

    def open_gate(self, number: int) -> None:
        (self.folder / "gates" / str(number)).touch()

    def guard_times(self) -> list:
        guard = find_guard(self._process.pid)
        return [] if guard is None else thread_times(guard)

    def passages(self, reports: int) -> list:
        """Opens each gate when all ranks are there, until the program ends. `reports`: how many lines come from between
        two gates. Raises variants.Failed."""
        found, waiting, before = [], 0, None
        for line in self.lines():
            if "gate" in line:
                waiting += 1
                if waiting == self.ranks:
                    waiting = 0
                    before = self.guard_times()
                    found.append(Passage([], []))
                    self.open_gate(line["gate"])
            elif "test" in line and found:
                found[-1].lines.append(line)
                if len(found[-1].lines) == reports:
                    found[-1].guard = [after - then for after, then in zip(self.guard_times(), before)]
        self._process.wait()
        if self._process.returncode != 0 or any(len(passage.lines) != reports for passage in found) or not found:
            raise variants.Failed(self.explain(f"ended with exit code {self._process.returncode}"))
        return found

    def wait_for_gate(self) -> None:
        """Until all ranks are there; opens it. Raises variants.Failed."""
        waiting = 0
        for line in self.lines():
            waiting += "gate" in line
            if waiting == self.ranks:
                self.open_gate(0)
                return
        raise variants.Failed(self.explain("did not come to its measurement"))

    def explain(self, what: str) -> str:
        last = "".join(self._output).strip().splitlines()[-15:]
        return f"{self.mpi} {self.name} {what}: {' '.join(map(str, self.command))}\n  " + "\n  ".join(last)


class Maker:
    """Makes programs of one build tree, each with its policy in a folder below `folder`."""

    def __init__(self, build: pathlib.Path, folder: pathlib.Path):
        self.build, self.folder = build, folder
        self.made = 0
        folder.chmod(0o755)

    def host(self, mpi: str, ranks: int, arguments: list) -> Program:
        """Under the host MPI alone."""
        bind = ["--oversubscribe", "--bind-to", "none"] if mpi == "openmpi" else ["-bind-to", "none"]
        program = variants.program_of(self.build, mpi, PROGRAM)
        command = [f"mpiexec.{mpi}", *bind, "-n", str(ranks), str(program), "--gates", "gates", *arguments]
        return Program("host", mpi, ranks, command, self._own_folder())

    def sluice(self, name: str, mpi: str, subjects: list, flows: list, arguments: list, path: str = "relay",
               queue: str = variants.QUEUE) -> Program:
        """As a run: `subjects` is [(name, ranks)], `flows` [(from, to)]."""
        folder = self._own_folder()
        (folder / "gates").mkdir()
        program = variants.program_of(self.build, mpi, PROGRAM)
        shutil.copy(program, folder)
        words = ["--gates", "gates", *arguments]
        texts = [variants.subject_text(subject, mpi, ranks, program.name, words, files=["gates"])
                 for subject, ranks in subjects]
        (folder / "policy.yaml").write_text(variants.policy_text(texts, flows, queue=queue, path=path))
        command = [str(self.build / "bin" / "sluice"), "run", "--quiet", "policy.yaml"]
        return Program(name, mpi, sum(ranks for _, ranks in subjects), command, folder)

    def _own_folder(self) -> pathlib.Path:
        self.made += 1
        folder = self.folder / f"gated{self.made}"
        folder.mkdir()
        folder.chmod(0o755)
        return folder


def both_ways(flows: list) -> list:
    return flows + [(to, start) for start, to in flows]
