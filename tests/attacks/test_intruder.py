"""The intruder beside its victim: outside any sandbox, where it reaches it, and as a subject, where it must not."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import uuid

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import zoo  # noqa: E402
from sluice_run import SluiceRun, sluice  # noqa: E402

ORDINARY_USER = 65534
DEVICES = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}

POLICY = """
sluice: 1
lattice:
  levels: [LOW, HIGH]
subjects:
  intruder:
    label: LOW
    ranks: 1
    run: [./intruder, target/target.txt]
    mpi: {mpi}
    world: subject
    files:
      - {{ path: intruder-folder, access: write }}
      - {{ path: target, access: read }}
      - {{ path: readable.txt, access: read }}
  victim:
    label: HIGH
    ranks: 1
    run: [./victim, {token}, {secret}, "{port}", victim-folder]
    mpi: mpich
    world: subject
    files:
      - {{ path: victim-folder, access: write }}
"""


def prepare(folder: pathlib.Path) -> None:
    for name in ("intruder-folder", "victim-folder", "target", "output"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "readable.txt").write_text("may be read")
    for program in ("intruder", "victim"):
        shutil.copy(zoo.ATTACKERS / program, folder)


def tell(folder: pathlib.Path, token: str, port: int) -> None:
    pid = zoo.process_with("victim", token)
    assert pid != 0, "the victim is not to be seen even from outside"
    zoo.write_target(
        folder / "target" / "target.txt", token=token, secret=zoo.SECRET, pid=pid, port=port,
        address=zoo.own_address(), victim_folder=folder / "victim-folder", own_folder=folder / "intruder-folder",
        read_only_file=folder / "readable.txt", policy=folder / "policy.yaml", output=folder / "output",
        canary=zoo.CANARY,
    )


def numbers(text: str, line: str) -> set:
    """The comma-separated numbers of one line of the victim's or the intruder's output."""
    return set(text.split(line, 1)[1].splitlines()[0].strip().split(","))


def outside(folder: pathlib.Path) -> tuple:
    """Both programs as the caller's own processes. Returns what the victim and the intruder printed."""
    token, port = f"victim-{uuid.uuid4().hex[:12]}", zoo.free_port()
    prepare(folder)
    (folder / "policy.yaml").write_text("")
    env = {**os.environ, "SLUICE_CANARY": zoo.CANARY}
    log = folder / "victim.txt"
    with open(log, "w") as out:
        victim = subprocess.Popen(
            [folder / "victim", token, zoo.SECRET, str(port), folder / "victim-folder"], stdout=out, env=env
        )
    try:
        zoo.wait_for(log, "VICTIM READY", victim, 20)
        tell(folder, token, port)
        # A mount of its own, so that there is one to be found, and so that the host keeps none.
        script = f"mount --bind {folder}/output {folder}/output; exec {folder}/intruder {folder}/target/target.txt"
        intruder = subprocess.run(
            ["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, timeout=120, check=False, env=env
        )
        (folder / "victim-folder" / "stop").touch()
        victim.wait(20)
    finally:
        victim.kill()
        victim.wait()
    return log.read_text(), intruder.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="the control reaches everything only with root's rights")
def test_outside_the_intruder_reaches_its_victim():
    with tempfile.TemporaryDirectory(prefix="sluice-test-") as name:
        folder = pathlib.Path(name)
        victim, intruder = outside(folder)
        expected = {attempt: cells[0] for attempt, cells in zoo.tables(zoo.INTRUDER_SECTIONS).items()}
        found = zoo.verdicts(intruder)
        # A kernel that lacks something altogether refuses it outside too, and in another way than the filter.
        for attempt, lacking in (("crypto_socket", "EAFNOSUPPORT"), ("vsock", "EAFNOSUPPORT")):
            if found.get(attempt) == lacking:
                expected[attempt] = lacking
        for attempt, verdict in found.items():
            if verdict == "ENOSYS":
                expected[attempt] = verdict
        numbers_seen = {found.pop(attempt): attempt for attempt in ("namespace_numbers", "inode_numbers")}
        assert not zoo.differences(expected, found), "\n".join(zoo.differences(expected, found))
        for line, attempt in zip(("VICTIM NAMESPACES ", "VICTIM INODES "), ("namespace_numbers", "inode_numbers")):
            own = next(text for text, name in numbers_seen.items() if name == attempt)
            assert len(numbers(victim, line) & set(own.split(","))) >= 7, "outside they share nearly all"
        assert "VICTIM SIGNALS 0" not in victim and "VICTIM VISITORS 0" not in victim
        assert (folder / "left-by-intruder").exists()


def may_open_fuse(uid: int) -> bool:
    """Whether that user can; the run says so where not."""
    probe = [sys.executable, "-c", "open('/dev/fuse', 'r+b', buffering=0)"]
    if uid is not None:
        probe = [*f"setpriv --reuid {uid} --regid {uid} --clear-groups --".split(), *probe]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def shares_pages(result, before: bool, uid: int) -> bool:
    """Whether the run said that its subjects share the pages of system files, which is for who may not open /dev/fuse alone.
    `before`: whether that user could before the run. Somebody may open or shut it meanwhile, which the run need not see."""
    shares = "system-pages" in {one["name"] for one in result.summary["relaxations"]}
    assert shares != before or may_open_fuse(uid) != before, f"/dev/fuse can be opened: {before}\n{result.explain()}"
    return shares


def has_landlock() -> bool:
    checks = json.loads(sluice("doctor", "--json").stdout)["checks"]
    return {check["name"]: check["verdict"] for check in checks}["Landlock"] == "ok"


CASES = {"mpich": (None, "mpich"), "openmpi": (None, "openmpi")}
if os.geteuid() == 0:
    CASES["ordinary-user"] = (ORDINARY_USER, "mpich")


@pytest.mark.parametrize("uid, mpi", CASES.values(), ids=CASES.keys())
def test_a_subject_does_not(uid, mpi):
    token, port = f"victim-{uuid.uuid4().hex[:12]}", zoo.free_port()
    fuse = may_open_fuse(uid)
    with SluiceRun(POLICY.format(token=token, secret=zoo.SECRET, port=port, mpi=mpi), uid=uid) as run:
        prepare(run.folder)
        process = run.start(env={"SLUICE_CANARY": zoo.CANARY})
        zoo.wait_for(run.folder / "stdout.txt", "VICTIM READY", process, 40)
        assert process.poll() is None, run.finish().explain()
        tell(run.folder, token, port)
        zoo.wait_for(run.folder / "stdout.txt", "INTRUDER DONE", process, 90)
        (run.folder / "victim-folder" / "stop").touch()
        result = run.finish(timeout=30)
        assert result.code == 0, result.explain()
        victim, intruder = result.output_of("victim"), result.output_of("intruder")
        expected = {attempt: cells[1] for attempt, cells in zoo.tables(zoo.INTRUDER_SECTIONS).items()}
        if uid is not None or os.geteuid() != 0:
            expected.update({attempt: "ENOLCK" for attempt in ("flock", "posix_lock", "open_file_lock")})
            expected["network_counters"] = "reached"
        if shares_pages(result, fuse, uid):
            expected.update({"shared_page": "reached", "shared_futex": "reached"})
        if not has_landlock():
            expected.update({"symlink_proc_root": "ENOENT", "file_among_devices": "reached"})
            expected.update({name: "EPERM" for name in ("device_null", "device_disk", "setns_mount", "setns_net", "setns_pid")})
        found = zoo.verdicts(intruder)
        own = {line: set(found.pop(attempt).split(",")) for line, attempt in
               (("VICTIM NAMESPACES ", "namespace_numbers"), ("VICTIM INODES ", "inode_numbers"))}
        assert not zoo.differences(expected, found), "\n".join(zoo.differences(expected, found))
        # An ordinary user's sandboxes share the host's device nodes, which then must take neither locks nor times.
        shared_nodes = {one for one in own["VICTIM INODES "] if one.startswith("/dev/") and (uid is not None or os.geteuid() != 0)}
        own["VICTIM INODES "] -= {one for one in shared_nodes if one.split(":")[0] in DEVICES}
        for line, seen in own.items():
            assert not numbers(victim, line) & seen, f"shared: {line}{numbers(victim, line) & seen}"
        for kind in ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"):
            host = os.readlink(f"/proc/self/ns/{kind}")
            assert host not in own["VICTIM NAMESPACES "] and host not in numbers(victim, "VICTIM NAMESPACES ")
        assert "VICTIM VISITORS 0\n" in victim and "VICTIM SIGNALS 0\n" in victim and "VICTIM MEMORY intact" in victim
        assert not (run.folder / "left-by-intruder").exists()
