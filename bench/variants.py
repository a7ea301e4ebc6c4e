"""How each variant of the benchmark is started, and what it prints."""

import dataclasses
import json
import os
import pathlib
import shutil
import signal
import subprocess

# Of two ranks that send to each other.
LOOPS = ["latency", "bandwidth", "stream"]
TESTS = [*LOOPS, "calls", "overhead"]
VARIANTS = ["host", "cross", "shared", "one-way", "inside", "again", "peers"]
# In place of a host MPI, for what is used without one.
PEERS = "peers"

# Every byte that a test has under way fits: 32 MiB in a window, 64 bytes of frame for each of its messages.
QUEUE = "320MiB"
# Bound on one start of one variant, in seconds; a full one takes about 3.
TIMEOUT = 180
# Rank 0 waits this long, in seconds, before the first test: queues are filled in once their sender is there, and the
# sender of a one-way stream cannot know when its receiver is there.
DELAY = 1.0


class NotBuilt(Exception):
    """Something that the benchmark needs is not in the build tree."""


class Failed(Exception):
    """A variant ended badly or took too long."""


def program_of(build: pathlib.Path, mpi: str, name: str = "mpi_bench") -> pathlib.Path:
    return build / "bench" / f"{name}-{mpi}"


def check_built(build: pathlib.Path, mpis: list, name: str = "mpi_bench") -> None:
    """Raises NotBuilt, with what to do, where the build tree lacks a program."""
    for path in [build / "bin" / "sluice", *(program_of(build, mpi, name) for mpi in mpis)]:
        check_program(path)


def check_program(path: pathlib.Path) -> None:
    """Raises NotBuilt if there is no such program."""
    if not path.is_file():
        raise NotBuilt(f"{path}: not built; cmake --preset release && cmake --build --preset release, or --build DIR")


@dataclasses.dataclass
class Variant:
    """One command that prints figures. `name` is one of VARIANTS; `cwd` is a folder of its own."""

    name: str
    mpi: str
    command: list
    cwd: pathlib.Path

    def run(self) -> list:
        """The figures of one start: dicts as mpi_bench prints them. Raises Failed."""
        output = self.output()
        # Under sluice, each line starts with label, subject and rank.
        found = [json.loads(line[line.index("{"):]) for line in output.splitlines() if '{"test"' in line]
        if not found:
            raise Failed(self._explain("printed no figures", output, ""))
        return found

    def output(self) -> str:
        """What one start writes to standard output. Raises Failed."""
        env = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
        process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            errors="replace", cwd=self.cwd, env=env,
        )
        try:
            output, errors = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            # Both mpiexec and sluice end all that they started.
            process.send_signal(signal.SIGTERM)
            try:
                output, errors = process.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                output, errors = process.communicate()
            raise Failed(self._explain(f"took longer than {TIMEOUT} s", output, errors)) from None
        if process.returncode != 0:
            raise Failed(self._explain(f"ended with exit code {process.returncode}", output, errors))
        return output

    def _explain(self, what: str, output: str, errors: str) -> str:
        last = (output + errors).strip().splitlines()[-15:]
        return f"{self.mpi} {self.name} {what}: {' '.join(map(str, self.command))}\n  " + "\n  ".join(last)


def subject_text(name: str, mpi: str, ranks: int, program: str, arguments: list, label: str = "BENCH",
                 files: list = ()) -> str:
    readable = ", ".join(f"{{ path: {path}, access: read }}" for path in [program, *files])
    words = ", ".join(json.dumps(word) for word in [f"./{program}", *arguments])
    return (f"  {name}:\n    label: {label}\n    ranks: {ranks}\n    mpi: {mpi}\n    run: [{words}]\n"
            f"    files: [ {readable} ]\n")


def policy_text(subjects: list, flows: list, levels: list = ("BENCH",), queue: str = QUEUE, path: str = "relay") -> str:
    lines = "".join(f"  - {{ from: {source}, to: {target}, queue: {queue}, path: {path} }}\n" for source, target in flows)
    lattice = f"lattice: {{ levels: [{', '.join(levels)}] }}\n"
    return "sluice: 1\n" + lattice + "subjects:\n" + "".join(subjects) + "flows:\n" + lines


def plan(build: pathlib.Path, folder: pathlib.Path, options) -> list:
    """The variants to run for those of the tests that they have, in order, with their policies written below `folder`."""
    sizes = ["--max", str(options.max_bytes)]
    if options.quick:
        sizes += ["--step", "8", "--work", "0.02"]
    wait = [] if options.quick else ["--delay", str(DELAY)]
    found = []
    for mpi in options.mpis:
        maker = _Maker(build, folder, mpi, [*sizes, *wait])
        wanted = {"host": maker.host, "cross": maker.cross, "shared": maker.shared, "one-way": maker.one_way,
                  "inside": maker.inside, "again": maker.again}
        tests = [test for test in options.tests if test in TESTS]
        made = [make(tests) for name, make in wanted.items() if name in options.variants and tests]
        found += [variant for variant in made if variant is not None]
    peer_tests = [test for test in options.tests if test in ("latency", "stream")]
    if "peers" in options.variants and peer_tests:
        found.append(Variant("peers", PEERS, [str(build / "bench" / "peer_bench"), *sizes, *peer_tests], folder))
    return found


class _Maker:
    """Makes the variants of one host MPI."""

    def __init__(self, build: pathlib.Path, folder: pathlib.Path, mpi: str, sizes: list):
        self.build, self.folder, self.mpi, self.sizes = build, folder, mpi, sizes
        self.program = program_of(build, mpi)

    def host(self, tests: list) -> Variant:
        bind = ["--oversubscribe", "--bind-to", "none"] if self.mpi == "openmpi" else ["-bind-to", "none"]
        command = [f"mpiexec.{self.mpi}", *bind, "-n", "2", str(self.program), *self.sizes, *tests]
        return Variant("host", self.mpi, command, self.folder)

    def again(self, tests: list):
        tests = [test for test in tests if test in LOOPS]
        return dataclasses.replace(self.host(tests), name="again") if tests else None

    def cross(self, tests: list):
        tests = [test for test in tests if test not in ("stream", "overhead")]
        if not tests:
            return None
        subjects = [self._subject(name, 1, [*self.sizes, *tests]) for name in ("left", "right")]
        return self._sluice("cross", policy_text(subjects, [("left", "right"), ("right", "left")]))

    def shared(self, tests: list):
        tests = [test for test in tests if test != "overhead"]
        if not tests:
            return None
        subjects = [self._subject(name, 1, [*self.sizes, *tests]) for name in ("left", "right")]
        return self._sluice("shared", policy_text(subjects, [("left", "right"), ("right", "left")], path="shared"))

    def one_way(self, tests: list):
        if "stream" not in tests:
            return None
        arguments = [*self.sizes, "--delay", str(DELAY), "stream"]
        subjects = [self._subject(name, 1, arguments) for name in ("low", "high")]
        return self._sluice("one-way", policy_text(subjects, [("low", "high")]))

    def inside(self, tests: list) -> Variant:
        subjects = [self._subject("pair", 2, [*self.sizes, *tests]), self._subject("other", 1, ["idle"])]
        return self._sluice("inside", policy_text(subjects, [("pair", "other"), ("other", "pair")]))

    def _subject(self, name: str, ranks: int, arguments: list) -> str:
        return subject_text(name, self.mpi, ranks, self.program.name, arguments)

    def _sluice(self, name: str, policy: str) -> Variant:
        folder = self.folder / f"{self.mpi}-{name}"
        folder.mkdir()
        folder.chmod(0o755)
        self.folder.chmod(0o755)
        shutil.copy(self.program, folder)
        (folder / "policy.yaml").write_text(policy)
        command = [str(self.build / "bin" / "sluice"), "run", "--quiet", "policy.yaml"]
        return Variant(name, self.mpi, command, folder)
