"""Whatever a subject can read of the host, none of it moves with what another subject does: every file is tried."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import pytest

from sluice_run import SluiceRun

PROBE = pathlib.Path(__file__).with_name("host_view_probe.py")
BUSY = [0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 0, 1, 1, 0]
# What Linux has no switch for; docs/sandbox.md, "What it does not hide". The granted folder is on the other one's disk.
KNOWN = {"links /proc", "inode of a pipe", "statfs seen"}
POLICY = """
sluice: 1
lattice:
  levels: [LOW, HIGH]
subjects:
  watcher:
    label: LOW
    ranks: 1
    run: [./probe, watch, gate, seen]
    mpi: mpich
    world: subject
    files: [{ path: seen, access: read }, { path: gate, access: read }]
  stirrer:
    label: HIGH
    ranks: 1
    run: [./probe, stir, gate, written]
    mpi: mpich
    world: subject
    files: [{ path: written, access: write }, { path: gate, access: read }]
"""


def await_line(log: pathlib.Path, line: str) -> None:
    deadline = time.monotonic() + 40
    while line not in (log.read_text() if log.exists() else ""):
        assert time.monotonic() < deadline, f"no {line}\n{log.read_text()}"
        time.sleep(0.005)


def conduct(gate: pathlib.Path, stirrer: pathlib.Path, watcher: pathlib.Path) -> None:
    """Takes both programs, which write to these logs, through all phases."""
    await_line(watcher, "READS ")
    for phase, busy in enumerate(BUSY):
        for name, log in (("stir", stirrer), ("watch", watcher)):
            part = gate / "part"
            part.write_text("busy" if busy else "idle")
            part.rename(gate / f"{name}-{phase}")
            await_line(log, f"{name.upper()} {phase}")
    await_line(watcher, "DONE")


def moved(text: str) -> set:
    return {line.split("MOVED ")[1] for line in text.splitlines() if "MOVED " in line}


def test_outside_what_moves_is_found():
    """The control."""
    with tempfile.TemporaryDirectory(prefix="sluice-test-") as name:
        folder = pathlib.Path(name)
        logs = {role: folder / f"{role}.txt" for role in ("stir", "watch")}
        (folder / "gate").mkdir()
        programs = []
        try:
            for role, log in logs.items():
                with open(log, "w") as out:
                    programs.append(subprocess.Popen([sys.executable, PROBE, role, folder / "gate", folder], stdout=out))
            conduct(folder / "gate", logs["stir"], logs["watch"])
        finally:
            for program in programs:
                program.kill()
                program.wait()
        found = moved(logs["watch"].read_text())
    assert {"/proc/self/net/softnet_stat", "/proc/vmstat"} <= found, found


@pytest.mark.skipif(os.geteuid() != 0, reason="network counters are live without root: relaxation network-counters")
def test_in_a_subject_nothing_moves():
    always = None
    for _ in range(2):  # what moves by chance does not do so again
        with SluiceRun(POLICY) as run:
            shutil.copy(PROBE, run.folder / "probe")
            for name in ("seen", "written", "gate"):
                (run.folder / name).mkdir()
            run.start()
            log = run.folder / "stdout.txt"
            conduct(run.folder / "gate", log, log)
            result = run.finish(20)
            assert result.code == 0 and "TOO MANY" not in result.stdout, result.explain()
            found = moved(result.output_of("watcher"))
        always = found if always is None else always & found
        if always <= KNOWN:
            break
    assert always <= KNOWN, always
