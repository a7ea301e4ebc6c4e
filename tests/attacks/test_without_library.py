"""The library is a convenience of the application, not its guard: without it there is less, not more."""

import pathlib
import shutil
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import zoo  # noqa: E402
from sluice_run import SluiceRun  # noqa: E402
from zoo import Subject  # noqa: E402

POLICY = """
sluice: 1
lattice:
  levels: [LOW, HIGH]
subjects:
  low:
    label: LOW
    ranks: 2
    run: [{command}]
    mpi: {mpi}
    files:
      - {{ path: world-{mpi}, access: read }}
  high: {{ label: HIGH, ranks: 1, run: [./honest, receive], mpi: mpich }}
flows:
  - {{ from: low, to: high, queue: 8MiB }}
"""


@pytest.mark.parametrize("mpi", ["openmpi", "mpich"])
@pytest.mark.parametrize("stripped", [False, True], ids=["with", "without"])
def test_world_of_a_program(mpi, stripped):
    command = f"/usr/bin/env, -u, LD_PRELOAD, ./world-{mpi}" if stripped else f"./world-{mpi}"
    with SluiceRun(POLICY.format(command=command, mpi=mpi)) as run:
        for program in (f"world-{mpi}", "honest"):
            shutil.copy(zoo.ATTACKERS / program, run.folder)
        result = run.run(timeout=60)
        assert result.code == 0, result.explain()
        size = 2 if stripped else 3
        for rank in range(2):
            assert f"WORLD rank {rank} of {size}, beyond it no rank" in result.output_of("low"), result.explain()
        heard = zoo.received(result.output_of("high"))["low"]
        assert heard == {"messages": 0, "probes": 0, "patterned": 0, "ended": 2, "cut": 0, "malformed": 0}


def test_a_static_program_gets_no_more():
    subjects = [Subject("attacker", "hostile_static", ["endpoint_next"]),
                Subject("victim", "honest", ["receive"], ranks=2, label="HIGH")]
    result, ends, outputs = zoo.run_subjects(subjects, [("attacker", "victim")], timeout=60)
    assert result.code == 5, result.explain()
    assert ends["attacker"]["end"] == "ended by the guard: it used a capability index that names nothing"
    assert sum(int(line[2]) for line in zoo.FROM.findall(outputs["victim"])) == 1, result.explain()
    assert sum(int(line[6]) for line in zoo.FROM.findall(outputs["victim"])) == 0, result.explain()
