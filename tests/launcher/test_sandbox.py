"""What one subject does to the host's means, others do not feel; and what the host cannot give is said."""

import json
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

from mpi_programs import await_true
from sluice_run import SluiceRun, command_line, descendants, sluice

ORDINARY_USER = 65534

def parent_of(pid: int) -> int:
    try:
        return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return -1


HEAD = "sluice: 1\nlattice:\n  levels: [LOW, HIGH]\nsubjects:\n"


def subject(name: str, extra: str = "") -> str:
    return f"  {name}: {{ label: HIGH, ranks: 1, run: [./{name}], mpi: mpich, world: subject{extra} }}\n"


# Starts processes until it cannot, twice, and holds them.
FORK_BOMB = """#!/usr/bin/python3
import os, time
held, refused = 0, 0
deadline = time.monotonic() + 2
while time.monotonic() < deadline and refused < 50:
    try:
        if os.fork() == 0:
            time.sleep(4)
            os._exit(0)
        held += 1
    except OSError:
        refused += 1
        time.sleep(0.05)
print("held", held, "refused", refused, flush=True)
time.sleep(1)
"""
# Starts one process after another while the others go on.
STARTER = """#!/usr/bin/python3
import subprocess, time
good = 0
deadline = time.monotonic() + 3
while time.monotonic() < deadline:
    good += subprocess.run(["/bin/true"], check=False).returncode == 0
    time.sleep(0.05)
print("started", good, flush=True)
"""
HOG = """#!/usr/bin/python3
held = []
for _ in range(64):
    held.append(b"x" * (16 << 20))
print("held all", flush=True)
"""
MODEST = """#!/usr/bin/python3
import time
held = b"x" * (64 << 20)
time.sleep(2)
print("held", len(held) >> 20, flush=True)
"""


@pytest.mark.parametrize("uid", [None, ORDINARY_USER] if os.geteuid() == 0 else [None], ids=lambda uid: f"user-{uid}")
def test_fork_bomb_stays_in_its_subject(uid):
    policy = HEAD + subject("bomb", ", limits: { processes: 100 }") + subject("starter")
    with SluiceRun(policy, uid=uid) as run:
        run.write("bomb", FORK_BOMB)
        run.write("starter", STARTER)
        result = run.run(timeout=60)
        assert result.code == 0, result.explain()
        words = result.output_of("bomb").split()
        held, refused = int(words[words.index("held") + 1]), int(words[words.index("refused") + 1])
        assert 20 <= held < 100 and refused >= 20, result.explain()
        started = result.output_of("starter").split()
        assert int(started[started.index("started") + 1]) >= 5, result.explain()


def test_without_a_limit_the_bomb_goes_further():
    """The control: what stops it is the limit."""
    with SluiceRun(HEAD + subject("bomb")) as run:
        run.write("bomb", FORK_BOMB.replace("sleep(4)", "sleep(2)").replace("+ 2", "+ 0.5"))
        result = run.run(timeout=60)
        words = result.output_of("bomb").split()
        assert int(words[words.index("held") + 1]) >= 100, result.explain()


def has_groups() -> bool:
    checks = {check["name"]: check["verdict"] for check in json.loads(sluice("doctor", "--json").stdout)["checks"]}
    return checks["memory groups"] == "ok"


needs_groups = pytest.mark.skipif(
    not has_groups(),
    reason="this host has no memory groups; test_limit_that_cannot_be_kept covers that",
)


@needs_groups
def test_memory_hog_is_ended_in_its_own_subject():
    policy = HEAD + subject("hog", ", limits: { memory: 256MiB }") + subject("modest")
    with SluiceRun(policy) as run:
        run.write("hog", HOG)
        run.write("modest", MODEST)
        log = run.folder / "run.log"
        result = run.run("--audit", str(log), timeout=60)
        assert result.code == 1, result.explain()
        assert "held all" not in result.output_of("hog"), result.explain()
        ends = {one["name"]: one for one in result.summary["subjects"]}
        assert ends["hog"]["ended_by"] == "memory-limit" and "more memory" in ends["hog"]["end"], ends
        assert ends["modest"]["end"] == "exit 0" and "held 64" in result.output_of("modest"), result.explain()
        ended = [json.loads(line) for line in log.read_text().splitlines() if '"subject_ended"' in line]
        assert any("more memory" in event["end"] for event in ended)


@needs_groups
def test_without_a_limit_the_hog_gets_its_memory():
    """The control."""
    with SluiceRun(HEAD + subject("hog")) as run:
        run.write("hog", HOG)
        result = run.run(timeout=60)
        assert result.code == 0 and "held all" in result.output_of("hog"), result.explain()


def group_of(pid: int) -> pathlib.Path:
    """Memory group of a process, version 1."""
    for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        if "memory" in line.split(":")[1].split(","):
            return pathlib.Path("/sys/fs/cgroup/memory" + line.split(":", 2)[2])
    return pathlib.Path("/none")


@needs_groups
@pytest.mark.parametrize("victims", ["front", "supervisor", "keeper", "front and supervisor"])
def test_groups_go_however_the_run_ends(victims):
    with SluiceRun(HEAD + subject("one")) as run:
        run.write("one", "#!/bin/sh\nexec sleep 30\n")
        run.start()
        sleepers = lambda: [pid for pid in descendants(run.process.pid) if command_line(pid) == "sleep 30"]  # noqa: E731
        await_true(run, sleepers, "the subject to begin")
        group = group_of(sleepers()[0])
        assert re.fullmatch(r"sluice-\d+-0", group.name) and group.is_dir(), group
        parts = {"front": run.process.pid, "keeper": int(group.name.split("-")[1])}
        parts["supervisor"] = next(
            pid for pid in descendants(run.process.pid)
            if parent_of(pid) == run.process.pid and pid != parts["keeper"]
        )
        for name in victims.split(" and "):
            os.kill(parts[name], signal.SIGKILL)
        if victims == "keeper":
            run.process.send_signal(signal.SIGINT)
        run.finish(20)
        deadline = time.monotonic() + 10
        while group.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not group.exists(), group


@pytest.mark.skipif(os.geteuid() != 0, reason="takes another user")
def test_limit_that_cannot_be_kept_is_refused():
    with SluiceRun(HEAD + subject("hog", ", limits: { memory: 256MiB }"), uid=ORDINARY_USER) as run:
        run.write("hog", HOG)
        result = run.run(timeout=30)
        assert result.code == 4 and "the policy limits memory" in result.stderr, result.explain()


@pytest.mark.skipif(os.geteuid() != 0, reason="takes another user")
def test_what_an_ordinary_user_lacks_is_named_logged_and_can_be_refused():
    with SluiceRun(HEAD + subject("one"), uid=ORDINARY_USER) as run:
        run.write("one", "#!/bin/sh\nexit 0\n")
        log = run.folder / "logs"
        log.mkdir()
        os.chown(log, ORDINARY_USER, ORDINARY_USER)
        result = run.run("--audit", str(log / "run.log"), timeout=30)
        assert result.code == 0, result.explain()
        named = {one["name"] for one in result.summary["relaxations"]}
        assert {"host-users", "network-counters", "memory"} <= named, named
        events = [json.loads(line) for line in (log / "run.log").read_text().splitlines()]
        assert named == {event["name"] for event in events if event["event"] == "relaxation"}
        assert all(f"relaxed: {name}" in result.stderr for name in named), result.explain()
    for required, code in (("host-users", 4), ("network-counters", 4), ("all", 4), ("owners", 0)):
        with SluiceRun(HEAD + subject("one") + f"require: [{required}]\n", uid=ORDINARY_USER) as run:
            run.write("one", "#!/bin/sh\necho began\nexit 0\n")
            result = run.run(timeout=30)
            assert result.code == code, result.explain()
            assert ("began" in result.stdout) == (code == 0), result.explain()
            assert code == 0 or "requires" in result.stderr, result.explain()


@pytest.mark.skipif(os.geteuid() != 0, reason="users are apart only when started as root")
def test_every_subject_is_a_user_of_its_own():
    names = ["one", "two", "three"]
    with SluiceRun(HEAD + "".join(subject(name) for name in names)) as run:
        log = run.folder / "run.log"
        for name in names:
            run.write(name, "#!/bin/sh\nexit 0\n")
        result = run.run("--audit", str(log), timeout=30)
        assert result.code == 0, result.explain()
        events = [json.loads(line) for line in log.read_text().splitlines()]
    users = [event["user"] for event in events if event["event"] == "subject"]
    guard = events[0]["guard_user"]
    assert len(set(users) | {guard, 0}) == len(names) + 2, (users, guard)
    assert min(*users, guard) >= 2_000_000_000


def test_files_that_two_subjects_read_are_the_same_and_not_shared():
    policy = HEAD + "".join(subject(name, ", files: [{ path: data, access: read }]") for name in ("one", "two"))
    with SluiceRun(policy) as run:
        (run.folder / "data").mkdir()
        (run.folder / "data" / "text").write_text("the same\n")
        for name in ("one", "two"):
            run.write(name, "#!/bin/sh\nstat -c 'device %d' data/text\ncat data/text\necho x > data/text || echo refused\n")
        result = run.run(timeout=30)
        assert result.code == 0, result.explain()
        texts = [result.output_of(name) for name in ("one", "two")]
        shared = "file-pages" in {one["name"] for one in result.summary["relaxations"]}
    assert all("the same" in text and "refused" in text for text in texts), texts
    devices = [text.split("device ")[1].split()[0] for text in texts]
    assert shared or devices[0] != devices[1], texts


def names_of_relaxations(result) -> set:
    return {one["name"] for one in result.summary["relaxations"]}


@pytest.mark.skipif(os.geteuid() != 0, reason="takes the right to mount")
def test_disk_that_others_fill_is_named_and_a_reader_sees_nothing_of_it():
    policy = HEAD + subject("one", ", files: [{ path: data, access: read }]") + subject("two", ", files: [{ path: own, access: write }]")
    for mounted, required, code in ((False, "", 0), (False, "require: [free-space]\n", 4), (True, "require: [free-space]\n", 0)):
        with SluiceRun(policy + required) as run:
            for folder in ("data", "own"):
                (run.folder / folder).mkdir()
            run.write("one", "#!/bin/sh\nstat -f -c 'free %f' data\n")
            run.write("two", "#!/bin/sh\nstat -f -c 'free %f' own\n")
            if mounted:
                subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1M", "test", str(run.folder / "own")], check=True)
            try:
                result = run.run(timeout=30)
            finally:
                if mounted:
                    subprocess.run(["umount", str(run.folder / "own")], check=True)
            assert result.code == code, result.explain()
            if code == 0:
                assert ("free-space" in names_of_relaxations(result)) != mounted, result.explain()
                assert "free 0\n" in result.output_of("one") + "\n", result.explain()
                assert "free 0\n" not in result.output_of("two") + "\n", "the control"
