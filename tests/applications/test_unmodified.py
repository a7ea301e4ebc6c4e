"""Programs that know nothing of Sluice give, as a subject's image, the results that they give on the bare host."""

import itertools
import pathlib
import re
import shutil

import pytest

from sluice_run import SluiceRun, bare

# --- HPC Challenge ---------------------------------------------------------------------------------------------------

HPCC_INPUT = pathlib.Path(__file__).with_name("hpccinf.txt")

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

# What depends on how fast or how loaded the machine is (random access stops updating after a while).
TIMING = re.compile(r"time|ExeUpdates|Gflops|Tflops|GUPs|GBs|GBytes|usec|STREAM_(Copy|Scale|Add|Triad)", re.IGNORECASE)


def summary(output: str) -> dict:
    """The `key=value` lines of hpccoutf.txt that do not tell of speed."""
    section = output.split("Begin of Summary section.")[1].split("End of Summary section.")[0]
    pairs = dict(line.split("=", 1) for line in section.split("\n") if "=" in line)
    return {key: value for key, value in pairs.items() if not TIMING.search(key)}


def verdicts(output: str) -> list:
    """Every verdict that the benchmarks pass on their own results, in order. How often the matrix transposition repeats
    one depends on how long it takes, so repetitions count once."""
    found = re.findall(r"PASSED|FAILED|\(passed\)|\(failed\)|\d+ tests completed and \w+ residual checks", output)
    return [verdict for verdict, _ in itertools.groupby(found)]


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
    assert verdicts(output) == verdicts(hpcc_output)
    assert summary(output) == summary(hpcc_output)
    assert summary(output)["Success"] == "1" and summary(output)["CommWorldProcs"] == "2"


def test_the_comparison_sees_a_wrong_result(hpcc_output):
    assert "PASSED" in verdicts(hpcc_output) and len(summary(hpcc_output)) > 60
    residual = summary(hpcc_output)["HPL_RnormI"]
    assert summary(hpcc_output.replace(residual, "1.0")) != summary(hpcc_output)
    assert verdicts(hpcc_output.replace("PASSED", "FAILED", 1)) != verdicts(hpcc_output)


# --- LAMMPS ----------------------------------------------------------------------------------------------------------

MELT = pathlib.Path("/usr/share/lammps/examples/melt/in.melt")

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


def thermo(log: str) -> list:
    """Rows of the table that LAMMPS prints: step, temperature, energies, pressure, as text."""
    table = re.search(r"^ *Step .*\n((?:[ \d.e+-]+\n)+)", log, flags=re.MULTILINE)
    assert table, log
    return [line.split() for line in table.group(1).splitlines()]


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


def result_lines(text: str) -> list:
    """What follows RESULT, whatever tag stands before."""
    return [line.split("RESULT", 1)[1] for line in text.splitlines() if "RESULT" in line]


def test_collectives_and_pickles_are_those_of_the_bare_host():
    with SluiceRun(WORLD_OF_ITS_OWN) as run:
        script = run.write("collectives.py", COLLECTIVES)
        expected = bare("openmpi", 3, str(script), cwd=run.folder, timeout=60)
        assert expected.returncode == 0, expected.stderr
        result = run.run(timeout=90)
        assert result.code == 0, result.explain()
    assert len(result_lines(expected.stdout)) == 1
    assert result_lines(result.stdout) == result_lines(expected.stdout), result.explain()
