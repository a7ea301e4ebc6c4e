"""Programs that know nothing of Sluice give, as a subject's image, the results that they give on the bare host."""

import shutil

import pytest

from applications import HPCC_INPUT, MELT, hpcc_summary, hpcc_verdicts, result_lines, thermo
from sluice_run import SluiceRun, bare

# --- HPC Challenge ---------------------------------------------------------------------------------------------------

HPCC_POLICY = """
sluice: 1
lattice: { levels: [UNCLASSIFIED, SECRET] }
subjects:
  bench:
    label: SECRET
    ranks: 2
    run: [/usr/bin/env, --chdir=work, hpcc]
    mpi: openmpi
    world: subject
    env: { OMP_NUM_THREADS: "1" }
    files:
      - { path: work, access: write }
"""

@pytest.fixture(scope="module")
def hpcc_output(tmp_path_factory) -> str:
    """What it writes on the bare host."""
    folder = tmp_path_factory.mktemp("hpcc")
    shutil.copy(HPCC_INPUT, folder)
    done = bare("openmpi", 2, "hpcc", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return (folder / "hpccoutf.txt").read_text()


def test_hpcc_computes_what_the_bare_host_computes(hpcc_output):
    with SluiceRun(HPCC_POLICY) as run:
        (run.folder / "work").mkdir()
        shutil.copy(HPCC_INPUT, run.folder / "work")
        result = run.run(timeout=240)
        assert result.code == 0, result.explain()
        output = (run.folder / "work" / "hpccoutf.txt").read_text()
    assert hpcc_verdicts(output) == hpcc_verdicts(hpcc_output)
    assert hpcc_summary(output) == hpcc_summary(hpcc_output)
    assert hpcc_summary(output)["Success"] == "1" and hpcc_summary(output)["CommWorldProcs"] == "2"


def test_the_comparison_sees_a_wrong_result(hpcc_output):
    assert "PASSED" in hpcc_verdicts(hpcc_output) and len(hpcc_summary(hpcc_output)) > 60
    residual = hpcc_summary(hpcc_output)["HPL_RnormI"]
    assert hpcc_summary(hpcc_output.replace(residual, "1.0")) != hpcc_summary(hpcc_output)
    assert hpcc_verdicts(hpcc_output.replace("PASSED", "FAILED", 1)) != hpcc_verdicts(hpcc_output)


# --- LAMMPS ----------------------------------------------------------------------------------------------------------

MELT_POLICY = f"""
sluice: 1
lattice: {{ levels: [UNCLASSIFIED, SECRET] }}
subjects:
  melt:
    label: SECRET
    ranks: 2
    run: [lmp, -in, {MELT}, -log, work/log.lammps]
    world: subject
    env: {{ OMP_NUM_THREADS: "1" }}
    files:
      - {{ path: work, access: write }}
"""


@pytest.fixture(scope="module")
def melt_log(tmp_path_factory) -> str:
    """What it logs on the bare host."""
    folder = tmp_path_factory.mktemp("melt")
    done = bare("openmpi", 2, "lmp", "-in", str(MELT), "-log", "log.lammps", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return (folder / "log.lammps").read_text()


def test_melt_is_numerically_the_same(melt_log):
    with SluiceRun(MELT_POLICY) as run:
        (run.folder / "work").mkdir()
        result = run.run(timeout=240)
        assert result.code == 0, result.explain()
        log = (run.folder / "work" / "log.lammps").read_text()
    assert "1 by 1 by 2 MPI processor grid" in log, "both ranks computed"
    assert thermo(log) == thermo(melt_log)


def test_the_comparison_sees_a_wrong_digit(melt_log):
    rows = thermo(melt_log)
    assert [row[0] for row in rows] == ["0", "50", "100", "150", "200", "250"]
    digits = rows[3][1]
    assert thermo(melt_log.replace(digits, digits[:-1] + str((int(digits[-1]) + 1) % 10))) != rows


# --- mpi4py ----------------------------------------------------------------------------------------------------------

# Collectives, pickles and buffers; prints one line that depends on all of them.
COLLECTIVES = '''#!/usr/bin/python3
import hashlib
import numpy
from mpi4py import MPI

world = MPI.COMM_WORLD
rank, size = world.Get_rank(), world.Get_size()
tokens = world.allgather({"rank": rank, "square": rank * rank, "name": "r" * (rank + 1)})
table = world.bcast({"pi": 3.25, "list": list(range(10))} if rank == 0 else None, root=0)
part = numpy.arange(1000, dtype="d") * (rank + 1)
total = numpy.empty_like(part)
world.Allreduce(part, total, op=MPI.SUM)
rows = world.alltoall([(rank, other) for other in range(size)])
scan = world.scan(rank + 1)
half = world.Split(rank % 2, rank)
spread = numpy.empty(4, dtype="i")
world.Scatter(numpy.arange(4 * size, dtype="i") if rank == 0 else None, spread, root=0)
everything = world.gather((tokens, table, total.tolist(), rows, scan, half.Get_size(), spread.tolist()), root=0)
if rank == 0:
    print("RESULT", size, hashlib.sha256(repr(everything).encode()).hexdigest(), flush=True)
'''

WORLD_OF_ITS_OWN = """
sluice: 1
lattice: { levels: [UNCLASSIFIED, SECRET] }
subjects:
  python:
    label: SECRET
    ranks: 3
    run: [./collectives.py]
    world: subject
    files:
      - { path: collectives.py, access: read }
"""


def test_collectives_and_pickles_are_those_of_the_bare_host():
    with SluiceRun(WORLD_OF_ITS_OWN) as run:
        script = run.write("collectives.py", COLLECTIVES)
        expected = bare("openmpi", 3, str(script), cwd=run.folder, timeout=60)
        assert expected.returncode == 0, expected.stderr
        result = run.run(timeout=90)
        assert result.code == 0, result.explain()
    assert len(result_lines(expected.stdout)) == 1
    assert result_lines(result.stdout) == result_lines(expected.stdout), result.explain()
