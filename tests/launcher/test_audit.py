"""The audit log has what happened, and `sluice audit` finds it."""

import hashlib
import json
import re

from sluice_run import SluiceRun, sluice

POLICY = """sluice: 1
lattice:
  levels: [LOW, HIGH]
subjects:
  quiet:
    label: HIGH
    ranks: 1
    run: [./quiet]
    mpi: mpich
    world: subject
  loud: { label: LOW, ranks: 1, run: [./loud], mpi: mpich }
  peer: { label: HIGH, ranks: 1, run: [./peer], mpi: mpich }
flows:
  - { from: loud, to: peer, queue: 1MiB }
"""
GOOD = "#!/bin/sh\nexit 0\n"
# Says something to the guard that is no greeting, and waits to be ended.
JUNK = """#!/usr/bin/python3
import socket, time
guard = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
guard.connect("/run/sluice/guard")
guard.send(b"junk")
time.sleep(60)
"""


def audited(loud: str) -> tuple:
    """The result of one run with that image of `loud`, and the run's folder's log as text and as objects."""
    with SluiceRun(POLICY) as run:
        for name, text in {"quiet": GOOD, "loud": loud, "peer": GOOD}.items():
            run.write(name, text)
        log = run.folder / "run.log"
        result = run.run("--quiet", "--audit", str(log))
        text = log.read_text()
        shown = sluice("audit", str(log), "--event", "refused", "--event", "run_ended")
        picked = sluice("audit", str(log), "--subject", "loud", "--json")
        digest = hashlib.sha256((run.folder / "policy.yaml").read_bytes()).hexdigest()
    return result, [json.loads(line) for line in text.splitlines()], shown, picked, digest


def test_good_run():
    result, events, shown, _, digest = audited(GOOD)
    assert result.code == 0, result.explain()
    names = [event["event"] for event in events]
    assert names[0] == "run_started" and names[-1] == "run_ended", names
    assert names.count("subject") == 3 and names.count("subject_ended") == 3 and names.count("flow") == 1
    assert events[0]["policy_sha256"] == digest
    assert re.fullmatch("[0-9a-f]{64}", events[0]["table_sha256"])
    assert events[-1]["exit_code"] == 0
    assert len({event["run"] for event in events}) == 1
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", event["time"]) for event in events)
    assert shown.returncode == 0 and "run_ended" in shown.stdout and "refused" not in shown.stdout


def test_refusal_is_recorded():
    result, events, shown, picked, _ = audited(JUNK)
    assert result.code == 5, result.explain()
    refused = [event for event in events if event["event"] == "refused"]
    assert [event["subject"] for event in refused] == ["loud"]
    assert "no greeting" in refused[0]["why"]
    assert "subject=loud" in shown.stdout and "loud -> peer: 0 messages" in shown.stdout, shown.stdout
    found = [json.loads(line)["event"] for line in picked.stdout.splitlines()]
    assert found == ["subject", "flow", "refused", "subject_ended"]


# Asks 3,000 times for what no flow allows.
ASKING = """#!/usr/bin/python3
from mpi4py import MPI
world = MPI.COMM_WORLD
world.Set_errhandler(MPI.ERRORS_RETURN)
refused = 0
for _ in range(3000):
    try:
        world.Send(b"x", dest=0, tag=1)
    except MPI.Exception:
        refused += 1
print("refused", refused)
"""
ASKING_POLICY = """sluice: 1
lattice:
  levels: [LOW, HIGH]
subjects:
  low: { label: LOW, ranks: 1, run: [./low], mpi: openmpi }
  high: { label: HIGH, ranks: 1, run: [./asking], mpi: openmpi }
flows:
  - { from: low, to: high, queue: 1MiB }
"""


def test_what_a_library_refuses_is_counted_not_listed():
    with SluiceRun(ASKING_POLICY) as run:
        run.write("asking", ASKING)
        run.write("low", "#!/usr/bin/python3\nfrom mpi4py import MPI\n")
        result = run.run("--quiet", "--audit", str(run.folder / "logs") + "/")
        assert result.code == 0 and "refused 3000" in result.output_of("high"), result.explain()
        logs = list((run.folder / "logs").iterdir())
        assert len(logs) == 1
        events = [json.loads(line) for line in logs[0].read_text().splitlines()]
        verified = sluice("audit", str(run.folder / "logs"), "--verify")
    assert not [event for event in events if event["event"] == "refused_calls"], "an MPI of good faith tries none"
    denied = [event for event in events if event["event"] == "denied"]
    assert 1 <= len(denied) <= result.seconds + 2, denied
    assert denied[-1]["total"] == 3000 == sum(event["times"] for event in denied)
    assert {(event["subject"], event["peer_rank"]) for event in denied} == {("high", 0)}
    assert verified.returncode == 0 and f"{len(events)} lines, to its end" in verified.stdout, verified


# Asks 5,000 times for a key ring and once to be traced.
PRYING = """#!/usr/bin/python3
import ctypes, errno
call = ctypes.CDLL(None, use_errno=True).syscall
for number, times in ((250, 5000), (101, 1)):
    for _ in range(times):
        assert call(number, 0, 0, 0, 0) == -1 and ctypes.get_errno() == errno.EPERM
print("refused all")
"""


def test_refused_system_calls_are_counted_not_listed():
    with SluiceRun(POLICY) as run:
        for name, text in {"quiet": GOOD, "loud": PRYING, "peer": GOOD}.items():
            run.write(name, text)
        log = run.folder / "run.log"
        result = run.run("--quiet", "--audit", str(log))
        assert result.code == 0 and "refused all" in result.output_of("loud"), result.explain()
        events = [json.loads(line) for line in log.read_text().splitlines()]
        verified = sluice("audit", str(log), "--verify")
        troubles = sluice("audit", str(log), "--troubles")
    refused = [event for event in events if event["event"] == "refused_calls"]
    assert {event["subject"] for event in refused} == {"loud"}
    assert 1 <= len(refused) <= result.seconds + 2, refused
    assert refused[-1]["total"] == 5001 == sum(event["times"] for event in refused)
    counted = {}
    for name, times in (one.split(" ") for event in refused for one in event["calls"].split(", ")):
        counted[name] = counted.get(name, 0) + int(times)
    assert counted == {"keyctl": 5000, "ptrace": 1}
    assert verified.returncode == 0 and "refused_calls" in troubles.stdout, troubles


SENDING = """#!/usr/bin/python3
from mpi4py import MPI
for number in range(60):
    MPI.COMM_WORLD.Send(bytearray(100000), dest=1, tag=number)
"""
SLEEPING = """#!/usr/bin/python3
import time
from mpi4py import MPI
time.sleep(1.5)
"""


def test_what_a_full_queue_drops_is_recorded():
    policy = ASKING_POLICY.replace("queue: 1MiB", "queue: 1MiB, when_full: drop").replace("./asking", "./sleeping")
    with SluiceRun(policy) as run:
        run.write("low", SENDING)
        run.write("sleeping", SLEEPING)
        log = run.folder / "run.log"
        result = run.run("--quiet", "--audit", str(log))
        assert result.code == 0, result.explain()
        events = [json.loads(line) for line in log.read_text().splitlines() if '"overflow"' in line]
    assert events and 30 <= events[-1]["total"] < 60, events
    assert events[-1]["total"] == sum(event["messages"] for event in events)
    assert {(event["from"], event["to"], event["when_full"]) for event in events} == {("low", "high", "drop")}


def test_changed_log_is_found(tmp_path):
    with SluiceRun(POLICY) as run:
        for name in ("quiet", "loud", "peer"):
            run.write(name, GOOD)
        log = run.folder / "run.log"
        assert run.run("--quiet", "--audit", str(log)).code == 0
        lines = log.read_text().splitlines()
    changes = {
        "changed": lines[:2] + [lines[2].replace('"ranks":1', '"ranks":2')] + lines[3:],
        "taken-out": lines[:4] + lines[5:],
        "added": lines[:3] + [lines[1]] + lines[3:],
        "swapped": [lines[0], lines[2], lines[1], *lines[3:]],
        "not-chained": lines + ['{"time":"t","run":"r","event":"stopping"}'],
    }
    good = tmp_path / "good.log"
    good.write_text("\n".join(lines) + "\n")
    assert sluice("audit", str(good), "--verify").returncode == 0
    for name, changed in changes.items():
        bad = tmp_path / f"{name}.log"
        bad.write_text("\n".join(changed) + "\n")
        done = sluice("audit", str(bad), "--verify")
        assert done.returncode == 1 and str(bad) in done.stderr, f"{name}: {done}"


def test_subjects_cannot_be_given_the_log():
    policy = POLICY.replace("run: [./loud], mpi: mpich", "run: [./loud], mpi: mpich, files: [{ path: own, access: read }]")
    with SluiceRun(policy) as run:
        for name in ("quiet", "loud", "peer"):
            run.write(name, GOOD)
        (run.folder / "own").mkdir()
        for option in ("--audit", "--output", "--json"):
            done = sluice("run", str(run.policy), "--quiet", option, str(run.folder / "own" / "x"))
            assert done.returncode == 2 and "which loud may see" in done.stderr, done
        assert not list((run.folder / "own").iterdir())


def test_filters(tmp_path):
    log = tmp_path / "log"
    line = '{{"time":"{}","run":"r","event":"{}","subject":"{}"}}\n'
    (tmp_path / "log.1").write_text(line.format("2026-01-01T10:00:00.000000Z", "refused", "a"))
    log.write_text(
        line.format("2026-01-02T10:00:00.000000Z", "rank_up", "a") + line.format("2026-01-03T10:00:00.000000Z", "denied", "b")
    )

    def times(*options: str) -> list:
        done = sluice("audit", str(log), "--json", *options)
        assert done.returncode == 0, done
        return [json.loads(text)["time"][8:10] for text in done.stdout.splitlines()]

    assert times() == ["01", "02", "03"]
    assert times("--since", "2026-01-02") == ["02", "03"]
    assert times("--until", "2026-01-02") == ["01", "02"]
    assert times("--troubles") == ["01", "03"]
    assert times("--subject", "a", "--event", "rank_up") == ["02"]
    assert sluice("audit", str(log), "--count").stdout == "1\tdenied\tb\n1\trank_up\ta\n1\trefused\ta\n"


def test_what_is_no_log_is_named(tmp_path):
    log = tmp_path / "log"
    log.write_text('{"time":"t","run":"r","event":"stopping"}\nnot a line\n')
    done = sluice("audit", str(log))
    assert done.returncode == 1 and f"{log}:2: no line of an audit log" in done.stderr
    assert "stopping" in done.stdout
    missing = sluice("audit", str(tmp_path / "nothing"))
    assert missing.returncode == 4 and "cannot read" in missing.stderr
