"""LAMMPS (`lmp`), unmodified, on its own melt example: the thermodynamic output is that of the bare host."""

import pathlib
import re

from sluice_run import SluiceRun, bare

MELT = pathlib.Path("/usr/share/lammps/examples/melt/in.melt")

POLICY = f"""
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


def bare_log(folder: pathlib.Path) -> str:
    done = bare("openmpi", 2, "lmp", "-in", str(MELT), "-log", "log.lammps", cwd=folder, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return (folder / "log.lammps").read_text()


def test_melt_is_numerically_the_same(tmp_path):
    expected = thermo(bare_log(tmp_path))
    with SluiceRun(POLICY) as run:
        (run.folder / "work").mkdir()
        result = run.run(timeout=120)
        assert result.code == 0, result.explain()
        log = (run.folder / "work" / "log.lammps").read_text()
    assert "1 by 1 by 2 MPI processor grid" in log, "both ranks computed"
    assert thermo(log) == expected


def test_the_comparison_sees_a_wrong_digit(tmp_path):
    log = bare_log(tmp_path)
    rows = thermo(log)
    assert [row[0] for row in rows] == ["0", "50", "100", "150", "200", "250"]
    digits = rows[3][1]
    assert thermo(log.replace(digits, digits[:-1] + str((int(digits[-1]) + 1) % 10))) != rows
