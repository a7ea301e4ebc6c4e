"""mpi4py in one subject and over two that flow both ways: what works on the bare host works there too."""

import pathlib
import re

from sluice_run import SluiceRun, bare

PROGRAM = pathlib.Path(__file__).with_name("mpi4py_surface.py")
RANKS = 4

ONE = """
sluice: 1
lattice: { levels: [UNCLASSIFIED, SECRET] }
subjects:
  only: { label: SECRET, ranks: 4, run: [./mpi4py_surface.py], mpi: openmpi }
"""

TWO = """
sluice: 1
lattice: { levels: [UNCLASSIFIED, SECRET] }
subjects:
  left: { label: SECRET, ranks: 2, run: [./mpi4py_surface.py], mpi: openmpi }
  right: { label: SECRET, ranks: 2, run: [./mpi4py_surface.py], mpi: openmpi }
flows:
  - { from: left, to: right, queue: 64MiB }
  - { from: right, to: left, queue: 64MiB }
"""


def verdicts(text: str) -> dict:
    """What became of each test on each rank."""
    return {(name, int(rank)): verdict for name, rank, verdict in re.findall(r"TEST (\w+) (\d+) (ok|.*)", text)}


def on_bare_host(folder, program: pathlib.Path = PROGRAM) -> dict:
    """The verdicts of the bare host."""
    return verdicts(bare("openmpi", RANKS, "/usr/bin/python3", str(program), cwd=folder, timeout=90).stdout)


def in_run(policy: str) -> dict:
    """The verdicts of a run, by world rank."""
    with SluiceRun(policy) as run:
        run.write("mpi4py_surface.py", PROGRAM.read_text())
        result = run.run(timeout=90)
        assert result.code == 0, result.explain()
        return verdicts(result.stdout)


def test_all_as_on_the_bare_host(tmp_path):
    expected = on_bare_host(tmp_path)
    tests = PROGRAM.read_text().count("\ndef test_")
    assert tests > 15 and len(expected) == RANKS * tests
    assert set(expected.values()) == {"ok"}
    assert in_run(ONE) == expected
    assert in_run(TWO) == expected


def test_a_wrong_value_is_noticed(tmp_path):
    """The control: a program that expects something else says so."""
    program = tmp_path / "wrong.py"
    program.write_text(PROGRAM.read_text().replace('"ring"), (rank + 1)', '"wring"), (rank + 1)'))
    found = [verdict for verdict in on_bare_host(tmp_path, program).values() if verdict != "ok"]
    assert found and all("expected" in verdict and "ring" in verdict for verdict in found)
