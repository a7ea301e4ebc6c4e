"""A run that only waits costs next to nothing, also when one of its subjects has ended before the others."""

import os
import pathlib
import subprocess
import sys
import time

import pytest

from sluice_run import SluiceRun, command_line, descendants
from mpi_programs import await_true, wrote

WATCHED_SECONDS = 1.0
MOST = 0.05  # of a processor
POLICY = """sluice: 1
lattice:
  levels: [LOW, HIGH]
subjects:
  short:
    label: LOW
    ranks: 1
    mpi: {mpi}
    run: [./short]
  long:
    label: HIGH
    ranks: 1
    mpi: {mpi}
    run: [./long]
flows:
  - {{ from: short, to: long }}
"""


def processor_time(pids: list) -> float:
    """Seconds of processor time that these processes have used so far."""
    ticks = 0
    for pid in pids:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
        user, system = text[text.rindex(")") + 2:].split()[11:13]
        ticks += int(user) + int(system)
    return ticks / os.sysconf("SC_CLK_TCK")


def share(pids: list) -> float:
    """Of one processor, how much these processes use together from now on."""
    before = processor_time(pids)
    time.sleep(WATCHED_SECONDS)
    return (processor_time(pids) - before) / WATCHED_SECONDS


def own_processes(run: SluiceRun) -> list:
    """Front, supervisor and guard of the run."""
    found = [run.process.pid, *descendants(run.process.pid)]
    return [pid for pid in found if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() in ("sluice", "sluice-guard")]


def test_the_meter_sees_a_busy_process():
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        assert share([busy.pid]) > 2 * MOST
    finally:
        busy.kill()
        busy.wait()


@pytest.mark.parametrize("mpi", ["openmpi", "mpich"])
def test_nothing_is_used_while_a_subject_goes_on_without_another(mpi):
    with SluiceRun(POLICY.format(mpi=mpi)) as run:
        run.write("short", "#!/bin/sh\ntrue\n")
        run.write("long", "#!/bin/sh\necho begun\nsleep 30\n")
        run.start("--quiet")
        await_true(run, lambda: wrote(run, "short", "===== end"), "the end of one subject")
        await_true(run, lambda: wrote(run, "long", "begun"), "the other subject")
        time.sleep(0.3)  # what an end gives to do is done
        watched = own_processes(run)
        assert len(watched) >= 3, [command_line(pid) for pid in watched]
        assert share(watched) < MOST
        run.stop()
