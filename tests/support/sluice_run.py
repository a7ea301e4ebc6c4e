"""Runs `sluice run` on a policy written for one test, and finds whatever the run left behind.

    from sluice_run import SluiceRun

    def test_hello(tmp_path):
        with SluiceRun(policy_text) as run:
            run.write("hello.py", source)
            result = run.run()
            assert result.code == 0, result.explain()
            assert "hello" in result.stdout

Leaving the `with` block asserts that no process, mount, /dev/shm entry or /tmp entry of the run is left, and removes
the run's folder. Every wait has a bound. One run at a time in a process: what a second one starts would count as left
behind by the first.
"""

import ctypes
import dataclasses
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
FOLDER_PREFIX = "sluice-test-"
GRACE_SECONDS = 5.0
STUCK_SECONDS = 10.0  # of a bare mpiexec without any rank
# Names that Sluice, bubblewrap and the two MPIs give to what they make; other tests may be at work on this machine.
OURS_IN_TMP = re.compile(r"\.?(sluice|bwrap|ompi\.sluice)(?!-([a-z-]+-)?(test|bench|covert)-)")
OURS_IN_SHM = re.compile(r"sluice|vader_segment|sm_segment|osc_rdma|mpich|ucx|psm", re.IGNORECASE)
_PR_SET_CHILD_SUBREAPER = 36


def build_folder() -> pathlib.Path:
    """The build tree under test: SLUICE_BUILD (CTest sets it), else build/release."""
    return pathlib.Path(os.environ.get("SLUICE_BUILD", REPOSITORY / "build" / "release")).resolve()


def sluice_binary() -> pathlib.Path:
    """Path of `sluice`. Raises FileNotFoundError, with what to do, where it is not built."""
    binary = pathlib.Path(os.environ.get("SLUICE_BINARY", build_folder() / "bin" / "sluice"))
    if not binary.is_file():
        raise FileNotFoundError(f"{binary}: not built; build it (see CONTRIBUTING.md) or set SLUICE_BUILD")
    return binary


def become_subreaper() -> None:
    """Makes every orphan that a run leaves a child of this process, where `descendants` sees it (Linux only)."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_CHILD_SUBREAPER")


def _parents() -> dict:
    """Maps every process id to (parent's id, state letter)."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            text = pathlib.Path("/proc", entry, "stat").read_text()
        except OSError:
            continue
        state, parent = text[text.rindex(")") + 2 :].split()[:2]
        found[int(entry)] = (int(parent), state)
    return found


def command_line(pid: int) -> str:
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return "?"


def descendants(root: int) -> list:
    """Ids of the live (not zombie) processes below `root`."""
    table = _parents()
    children = {}
    for pid, (parent, _) in table.items():
        children.setdefault(parent, []).append(pid)
    found, queue = [], list(children.get(root, []))
    while queue:
        pid = queue.pop()
        queue.extend(children.get(pid, []))
        if table[pid][1] not in "ZX":
            found.append(pid)
    return found


def _listing(folder: str) -> set:
    try:
        return set(os.listdir(folder))
    except OSError:
        return set()


def _in_use(paths: set) -> set:
    """Those of `paths` that some live process has open or mapped: they belong to something that still runs."""
    used = set()
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        for kind in ("map_files", "fd"):
            folder = f"/proc/{entry}/{kind}"
            for name in _listing(folder):
                try:
                    used.add(os.readlink(f"{folder}/{name}"))
                except OSError:
                    pass
    return {path for path in paths if path in used}


def _groups() -> set:
    """Memory control groups of runs whose keeper is gone, which nobody would remove any more."""
    found = set()
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            parent = pathlib.Path("/sys/fs/cgroup/memory" + path)
        elif not controllers:
            parent = pathlib.Path("/sys/fs/cgroup" + path)
        else:
            continue
        for name in _listing(parent):
            keeper = re.fullmatch(r"sluice-(\d+)-\d+", name)
            if keeper and not os.path.exists(f"/proc/{keeper[1]}"):
                found.add(str(parent / name))
    return found


class Leftovers:
    """What the system looked like before a run, to compare with after it."""

    def __init__(self):
        become_subreaper()
        self._processes = set(descendants(os.getpid()))
        self._mounts = self._read_mounts()
        self._shm = _listing("/dev/shm")
        self._tmp = _listing("/tmp")
        self._groups = _groups()

    @staticmethod
    def _read_mounts() -> set:
        return set(pathlib.Path("/proc/self/mountinfo").read_text().splitlines())

    def _now(self) -> list:
        """What is here now and was not before, one line each."""
        me = os.getpid()
        found = [f"process {pid}: {command_line(pid)}" for pid in descendants(me) if pid not in self._processes]
        found += [f"mount: {line}" for line in self._read_mounts() - self._mounts]
        shared = {f"/dev/shm/{name}" for name in _listing("/dev/shm") - self._shm if OURS_IN_SHM.match(name)}
        found += [f"shared memory: {path}" for path in shared - (_in_use(shared) if shared else set())]
        found += [f"control group: {path}" for path in sorted(_groups() - self._groups)]
        new = _listing("/tmp") - self._tmp
        found += [f"file: /tmp/{name}" for name in sorted(new) if OURS_IN_TMP.match(name)]
        return found

    def find(self, grace_seconds: float = GRACE_SECONDS) -> list:
        """What is left `grace_seconds` after the run; empty as soon as nothing is."""
        deadline = time.monotonic() + grace_seconds
        while True:
            found = self._now()
            if not found or time.monotonic() > deadline:
                return found
            time.sleep(0.05)

    def kill(self) -> None:
        """Ends what a failed run left, so that it does not disturb the next test."""
        for pid in descendants(os.getpid()):
            if pid not in self._processes:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass


@dataclasses.dataclass
class Result:
    """How a run ended. `code` is negative for a signal, as in subprocess; `timed_out` runs were killed."""

    code: int
    stdout: str
    stderr: str
    seconds: float
    timed_out: bool
    output: pathlib.Path

    def explain(self) -> str:
        """For assertion messages: everything that the run said."""
        state = "timed out" if self.timed_out else f"exit code {self.code}"
        return f"{state} after {self.seconds:.1f} s\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"

    @property
    def summary(self) -> dict:
        """The `--json` summary. Raises AssertionError where the run wrote none."""
        path = self.output.with_name("summary.json")
        if not path.is_file() or not path.read_text().strip():
            raise AssertionError("no JSON summary\n" + self.explain())
        return json.loads(path.read_text())

    def output_of(self, subject: str, stream: str = "out") -> str:
        """What a subject wrote (`out` or `err`), from its file under `--output`, with its banner lines.

        Raises AssertionError where the run kept no such file.
        """
        path = self.output / f"{subject}.{stream}"
        if not path.is_file():
            kept = sorted(entry.name for entry in self.output.iterdir()) if self.output.is_dir() else "nothing"
            raise AssertionError(f"no {path.name} under --output, but {kept}\n{self.explain()}")
        return path.read_text(errors="replace")


class SluiceRun:
    """One policy in a folder of its own, run by `sluice run`.

    `policy` is YAML text (or None to call `run` with a path of your own). `parent` is where the folder is made:
    /tmp by default. `uid` runs it as that user, which takes root. `name` is the folder's, else it gets one of its own.
    """

    def __init__(self, policy: str = None, parent: str = None, uid: int = None, name: str = None):
        self.uid = uid
        if name is None:
            self.folder = pathlib.Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX, dir=parent))
        else:
            self.folder = pathlib.Path(parent or tempfile.gettempdir()) / (FOLDER_PREFIX + name)
            self.folder.mkdir()
        self.folder.chmod(0o755)
        self.policy = self.folder / "policy.yaml"
        if policy is not None:
            self.policy.write_text(policy)
        self.leftovers = Leftovers()
        self.process = None
        self._started = 0.0

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.stop()
        found = self.leftovers.find()
        self.leftovers.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
        if kind is None:
            assert not found, "left behind:\n" + "\n".join(found)

    def write(self, name: str, text: str, executable: bool = True) -> pathlib.Path:
        """Writes a program or input beside the policy."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755 if executable else 0o644)
        return path

    def start(self, *options: str, policy=None, env: dict = None) -> subprocess.Popen:
        """Starts `sluice run` in the background; `finish` waits for it. Output goes to files, so it never blocks."""
        kept = ["--output", str(self.folder / "output"), f"--json={self.folder / 'summary.json'}"]
        command = [str(sluice_binary()), "run", *kept, *options, str(policy or self.policy)]
        if self.uid is not None:
            for path in [self.folder, *self.folder.rglob("*")]:
                os.chown(path, self.uid, self.uid)
            command = [*f"setpriv --reuid {self.uid} --regid {self.uid} --clear-groups --".split(), *command]
            env = {"HOME": str(self.folder), **(env or {})}
        self._stdout = open(self.folder / "stdout.txt", "w+", errors="replace")
        self._stderr = open(self.folder / "stderr.txt", "w+", errors="replace")
        self._started = time.monotonic()
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self._stdout, stderr=self._stderr, cwd=self.folder,
            env={**os.environ, **(env or {})}, start_new_session=True,
        )
        return self.process

    def finish(self, timeout: float = 60.0) -> Result:
        """Waits for the run; kills it after `timeout` seconds."""
        timed_out = False
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            timed_out = True
            self.stop()
        seconds = time.monotonic() - self._started
        texts = []
        for stream in (self._stdout, self._stderr):
            stream.flush()
            stream.seek(0)
            texts.append(stream.read())
            stream.close()
        return Result(self.process.returncode, texts[0], texts[1], seconds, timed_out, self.folder / "output")

    def run(self, *options: str, timeout: float = 60.0, policy=None, env: dict = None) -> Result:
        """Runs to the end, or for `timeout` seconds at most."""
        self.start(*options, policy=policy, env=env)
        return self.finish(timeout)

    def stop(self, patience: float = 5.0) -> None:
        """Interrupts a run that still goes on, and kills it if that does not help."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(patience)


def sluice(*arguments: str, timeout: float = 30.0, cwd=None) -> subprocess.CompletedProcess:
    """Runs any other `sluice` command and returns its exit code and text."""
    return subprocess.run(
        [str(sluice_binary()), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout,
        cwd=cwd, check=False,
    )


def bare(mpi: str, ranks: int, *command: str, cwd, timeout: float = 240.0) -> subprocess.CompletedProcess:
    """Runs `command` on the bare host MPI (`openmpi` or `mpich`), as the thing to compare a sandboxed run with.

    Open MPI's mpiexec hangs now and then after an abort, its ranks long gone: then it is killed, as in a run.
    """
    options = ["--oversubscribe", "--bind-to", "none"] if mpi == "openmpi" else ["-bind-to", "none"]
    env = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMP_NUM_THREADS": "1"}
    env["OMPI_MCA_mpi_yield_when_idle"] = "1"  # the machine may have fewer processors than the tests ranks
    env["OMPI_MCA_btl_vader_backing_directory"] = str(cwd)  # an aborted job leaves them, and /dev/shm is looked through
    process = subprocess.Popen(
        [f"mpiexec.{mpi}", *options, "-n", str(ranks), *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, cwd=cwd, env=env,
    )
    deadline = time.monotonic() + timeout
    with_ranks = deadline - timeout
    while True:
        try:
            out, err = process.communicate(timeout=0.5)
            return subprocess.CompletedProcess(process.args, process.returncode, out, err)
        except subprocess.TimeoutExpired:
            now = time.monotonic()
            with_ranks = now if has_children(process.pid) else with_ranks
            if now > deadline:
                process.kill()
                raise
            if now - with_ranks > STUCK_SECONDS:
                process.kill()


def has_children(pid: int) -> bool:
    """Whether a process, which may have ended meanwhile, has children that have not ended."""
    try:
        children = [c for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children") for c in task.read_text().split()]
        states = [pathlib.Path(f"/proc/{c}/stat").read_text().rsplit(")", 1)[1].split()[0] for c in children]
    except OSError:
        return True  # one ended just now: looked at again later
    return any(state != "Z" for state in states)


if __name__ == "__main__":
    sys.exit("a module for tests; see CONTRIBUTING.md")
