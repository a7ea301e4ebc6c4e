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


def test_what_is_no_log_is_named(tmp_path):
    log = tmp_path / "log"
    log.write_text('{"time":"t","run":"r","event":"stopping"}\nnot a line\n')
    done = sluice("audit", str(log))
    assert done.returncode == 1 and f"{log}:2: no line of an audit log" in done.stderr
    assert "stopping" in done.stdout
    missing = sluice("audit", str(tmp_path / "nothing"))
    assert missing.returncode == 4 and "cannot read" in missing.stderr
