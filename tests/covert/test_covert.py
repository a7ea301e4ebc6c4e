"""A few classes of `sluice covert`, short: positive controls are caught, and closed storage channels are at zero."""

import json
import pathlib
import shutil
import subprocess
import time

from sluice_run import Leftovers, sluice, sluice_binary

STORAGE = ["ring_state", "abstract_socket", "sysv_memory", "posix_memory", "sysinfo", "terminals", "printed"]


def measure(*options: str) -> tuple:
    """Runs `sluice covert`. Returns (exit code, report, what it said)."""
    before, folders = Leftovers(), set(pathlib.Path("/tmp").glob("sluice-covert-*"))
    command = [str(sluice_binary()), "covert", "--json", "-", *options]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False
    )
    found = before.find() + [str(path) for path in set(pathlib.Path("/tmp").glob("sluice-covert-*")) - folders]
    before.kill()
    assert not found, f"left behind: {found}"
    assert done.stdout.startswith("{"), done.stdout + done.stderr
    return done.returncode, json.loads(done.stdout), done.stderr


def test_controls_are_caught_and_storage_channels_are_closed(tmp_path: pathlib.Path):
    page = tmp_path / "report.html"
    only = [word for name in STORAGE for word in ("--only", name)]
    code, report, said = measure("--seconds", "18", "--html", str(page), *only)
    rows = {row["name"]: row for row in report["means"]}
    assert sorted(rows) == sorted(STORAGE)
    for name, row in rows.items():
        assert row["control"]["state"] == "measured" and row["control"]["found"], (name, row)
        assert row["control"]["low"] > 5, (name, row)
        assert row["rate"] == 0, (name, row)
    assert rows["sysinfo"]["verdict"] == "closed" and "EPERM" in rows["sysinfo"]["text"]
    for name in set(STORAGE) - {"sysinfo"}:
        assert rows[name]["verdict"] == "none-found", rows[name]
        # Silence means something: the roles were at work all the time.
        assert rows[name]["flow"]["state"] == "measured" and rows[name]["flow"]["symbols"] >= 128, rows[name]
    assert code == 0, said
    assert "<svg" in page.read_text() and "http" not in page.read_text()


def test_a_channel_that_is_there_is_reported():
    """The kernel shows everybody how many processes the host has: see CAVEATS.md."""
    code, report, said = measure("--seconds", "8", "--only", "proc_links")
    row = report["means"][0]
    assert row["verdict"] == "found" and row["rate"] > 1, row
    assert code == 1, said


POLICY = """
sluice: 1
lattice: {{ levels: [LOW, HIGH] }}
subjects:
  low:
    label: LOW
    ranks: 1
    mpi: mpich
    world: subject
    files: [{{ path: low, access: write }}{more}]
    run: [/usr/bin/python3, watch.py]
"""

WATCH = """
import pathlib, time
pathlib.Path("low/started").touch()
for _ in range(600):
    if pathlib.Path("low/go").exists(): break
    time.sleep(0.05)
print("sees", pathlib.Path("later").exists(), flush=True)
"""


def look(folder: pathlib.Path, change: str) -> str:
    """Runs the policy with the program of WATCH, writes `change` over the policy once it runs; what the run printed."""
    low = folder / "low"
    shutil.rmtree(low, ignore_errors=True)
    command = [str(sluice_binary()), "run", str(folder / "policy.yaml")]
    run = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        deadline = time.monotonic() + 30
        while not (low / "started").exists() and run.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        if change:
            (folder / "policy.yaml").write_text(change)
        if low.exists():
            (low / "go").touch()
        return run.communicate(timeout=60)[0]
    finally:
        run.kill()


def test_a_policy_that_changes_while_it_runs_changes_nothing(tmp_path: pathlib.Path):
    narrow = POLICY.format(more=", { path: watch.py, access: read }")
    wide = POLICY.format(more=", { path: watch.py, access: read }, { path: later, access: read }")
    (tmp_path / "watch.py").write_text(WATCH)
    (tmp_path / "later").write_text("x")
    (tmp_path / "policy.yaml").write_text(narrow)
    assert "sees False" in look(tmp_path, wide)
    # The same policy is seen by the next run, so the test would have noticed.
    assert "sees True" in look(tmp_path, "")


def test_wrong_choices_are_named():
    done = sluice("covert", "--only", "no_such_means")
    assert done.returncode == 2 and "no_such_means" in done.stderr and "--list" in done.stderr
