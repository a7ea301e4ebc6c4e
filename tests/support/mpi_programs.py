"""Runs of the test programs that are built once for each host MPI (tests/support/programs.cmake).

    subjects = [Subject("low", "UNCLASSIFIED", 2, "traffic", ["1"], "openmpi"), ...]
    with prepared(subjects, [("low", "high")]) as run: ...
"""

import dataclasses
import json
import shutil
import signal
import subprocess
import time

import sluice_run
from sluice_run import Result, SluiceRun

# What a run of several subjects is tried with: the MPI of each subject, repeated as needed.
COMBINATIONS = {"openmpi": ["openmpi"], "mpich": ["mpich"], "mixed": ["openmpi", "mpich"], "mixed-other": ["mpich", "openmpi"]}

PROGRAMS = sluice_run.build_folder() / "tests" / "programs"


@dataclasses.dataclass
class Subject:
    """One subject whose image is a test program, or any other program where `program` has a slash in it."""

    name: str
    label: str
    ranks: int
    program: str
    arguments: list = dataclasses.field(default_factory=list)
    mpi: str = "openmpi"
    files: dict = dataclasses.field(default_factory=dict)  # path: "read" or "write"
    world: str = "run"

    @property
    def image(self) -> str:
        return self.program if "/" in self.program else f"./{self.program}-{self.mpi}"


def with_mpis(subjects: list, combination: str) -> list:
    """The subjects, with the MPIs of a combination in turn."""
    mpis = COMBINATIONS[combination]
    return [dataclasses.replace(subject, mpi=mpis[i % len(mpis)]) for i, subject in enumerate(subjects)]


def policy_text(subjects: list, flows: list, queue: str = "16MiB", path: str = "relay") -> str:
    """A policy, one flow a line. A flow is (from, to), (from, to, queue) or (from, to, queue, further keys). All have the same
    path."""
    lines = ["sluice: 1", "lattice:", "  levels: [UNCLASSIFIED, SECRET, TOP_SECRET]", "  compartments: [IMG, NUC]", "subjects:"]
    for subject in subjects:
        files = {subject.image: "read", **subject.files}
        lines += [
            f"  {subject.name}:",
            f"    label: {subject.label}",
            f"    ranks: {subject.ranks}",
            f"    run: {json.dumps([subject.image, *map(str, subject.arguments)])}",
            f"    mpi: {subject.mpi}",
            f"    world: {subject.world}",
            "    files:",
        ]
        lines += [f"      - {{ path: {path}, access: {access} }}" for path, access in files.items()]
    lines.append("flows:" if flows else "flows: []")
    for flow in flows:
        size = flow[2] if len(flow) > 2 else queue
        keys = f", {flow[3]}" if len(flow) > 3 else ""
        lines.append(f"  - {{ from: {flow[0]}, to: {flow[1]}, queue: {size}, path: {path}{keys} }}")
    return "\n".join(lines) + "\n"


def prepared(subjects: list, flows: list, queue: str = "16MiB", uid: int = None, path: str = "relay",
             name: str = None) -> SluiceRun:
    """A run of these subjects with their programs copied beside the policy, not started yet. `name`: see SluiceRun."""
    run = SluiceRun(policy_text(subjects, flows, queue, path), uid=uid, name=name)
    for subject in subjects:
        if subject.image.startswith("./") and (PROGRAMS / subject.image).is_file():
            shutil.copy(PROGRAMS / subject.image, run.folder)
    return run


def line_of_flow(policy: str, sender: str, receiver: str) -> int:
    """Line of a flow in a policy that policy_text() made; that of `flows:` if there is none."""
    for number, line in enumerate(policy.splitlines(), 1):
        if f"from: {sender}, to: {receiver}," in line:
            return number
    return 1 + next(i for i, line in enumerate(policy.splitlines()) if line.startswith("flows:"))


def assert_passed(result: Result, subjects: list) -> None:
    """Every rank of every subject said that all its checks passed, and the run ended well."""
    assert result.code == 0, result.explain()
    for subject in subjects:
        passed = result.output_of(subject.name).count("PASSED ")
        assert passed == subject.ranks, f"{passed} ranks of {subject.name} passed\n{result.explain()}"
    assert "FAILED" not in result.stdout + result.stderr, result.explain()


def await_true(run: SluiceRun, ready, what: str, seconds: float = 40) -> None:
    """Waits until `ready()`; fails when the run ends before, or after `seconds`."""
    deadline = time.monotonic() + seconds
    while not ready():
        over = run.process.poll() is not None and not ready()
        assert not over and time.monotonic() < deadline, f"waited for {what}\n" + run.finish(1).explain()
        time.sleep(0.01)


def wrote(run: SluiceRun, subject: str, text: str) -> bool:
    """Whether a subject has written `text` to its standard output."""
    path = run.folder / "output" / f"{subject}.out"
    return path.is_file() and text in path.read_text(errors="replace")


def await_text(run: SluiceRun, subject: str, text: str) -> None:
    await_true(run, lambda: wrote(run, subject, text), f"{subject} to write '{text}'")


def finish_after_abort(run: SluiceRun, mpi: str, seconds: float = 10) -> Result:
    """Waits for a run whose subject on `mpi` has aborted or crashed, and in which all others have ended.

    After one abort of ten, mpiexec of Open MPI 4.1.4 hangs or crashes, on the bare host too. Where it hangs, the run is
    interrupted, and that is no failure of the run.
    """
    try:
        run.process.wait(seconds)
    except subprocess.TimeoutExpired:
        assert mpi == "openmpi", "the run goes on\n" + run.finish(1).explain()
        run.process.send_signal(signal.SIGINT)
    return run.finish(seconds)


def run_and_pass(
    subjects: list, flows: list, queue: str = "16MiB", timeout: float = 60, path: str = "relay"
) -> Result:
    """Runs to the end and asserts that all checks passed."""
    with prepared(subjects, flows, queue, path=path) as run:
        result = run.run(timeout=timeout)
        assert_passed(result, subjects)
        return result

