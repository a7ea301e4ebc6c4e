"""Applications whose world is split over two subjects that flow both ways: the results of the bare host."""

import shutil

import pytest

from applications import HPCC_INPUT, MELT, hpcc_summary, hpcc_verdicts, result_lines, thermo
from mpi_programs import COMBINATIONS, PROGRAMS, Subject, prepared, with_mpis
from sluice_run import SluiceRun, bare

BOTH_WAYS = [("left", "right"), ("right", "left")]

# Our own programs, with two ranks in each subject.
RUNS = {
    "heat-plain": ("heat", ["plain", "48", "100"]),
    "heat-cartesian": ("heat", ["cartesian", "48", "100"]),
    "sort": ("kernels", ["sort"]),
    "gradient": ("kernels", ["gradient"]),
}


def bare_result(mpi: str, ranks: int, run: str, folder) -> list:
    """The lines RESULT on the bare host."""
    program, arguments = RUNS[run]
    done = bare(mpi, ranks, str(PROGRAMS / f"{program}-{mpi}"), *arguments, cwd=folder, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return result_lines(done.stdout)


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("combination", ["openmpi", "mpich", "mixed"])
def test_two_subjects(combination, run, tmp_path):
    program, arguments = RUNS[run]
    subjects = [Subject(name, "SECRET", 2, program, arguments) for name in ("left", "right")]
    with prepared(with_mpis(subjects, combination), BOTH_WAYS) as prepared_run:
        result = prepared_run.run(timeout=60)
    assert result.code == 0, result.explain()
    said = result_lines(result.stdout)
    assert len(said) == 1 and said == bare_result(COMBINATIONS[combination][0], 4, run, tmp_path), result.explain()


@pytest.mark.parametrize("mpi", ["openmpi", "mpich"])
def test_one_subject(mpi, tmp_path):
    for run, (program, arguments) in RUNS.items():
        with prepared([Subject("only", "SECRET", 4, program, arguments, mpi)], []) as prepared_run:
            result = prepared_run.run(timeout=60)
        assert result.code == 0, result.explain()
        assert result_lines(result.stdout) == bare_result(mpi, 4, run, tmp_path), result.explain()


def test_the_result_does_not_depend_on_how_the_plate_is_cut(tmp_path):
    """The reference is itself checked: one rank, which exchanges with nobody but itself, has the same bits."""
    alone = bare_result("openmpi", 1, "heat-plain", tmp_path)
    several = bare_result("openmpi", 4, "heat-plain", tmp_path)
    assert [line.split()[2:] for line in alone] == [line.split()[2:] for line in several]
    changed = bare("openmpi", 4, str(PROGRAMS / "heat-openmpi"), "plain", "48", "101", cwd=tmp_path, timeout=60)
    assert result_lines(changed.stdout)[0].split()[3:] != several[0].split()[3:]


# --- Applications from elsewhere: one rank in each subject, as two on the bare host ----------------------------------

SPLIT = """
sluice: 1
lattice: {{ levels: [UNCLASSIFIED, SECRET] }}
subjects:
  left:
    label: SECRET
    ranks: 1
    run: [{left}]
    mpi: openmpi
    env: {{ OMP_NUM_THREADS: "1" }}
    files: [ {{ path: work, access: write }} ]
  right:
    label: SECRET
    ranks: 1
    run: [{right}]
    mpi: openmpi
    env: {{ OMP_NUM_THREADS: "1" }}
    files: [ {{ path: other, access: write }} ]
flows:
  - {{ from: left, to: right, queue: 64MiB }}
  - {{ from: right, to: left, queue: 64MiB }}
"""


def run_split(left: str, right: str, given, wanted: str) -> str:
    """Runs both commands as one world; returns the file `wanted` that the left one, rank 0, has written."""
    with SluiceRun(SPLIT.format(left=left, right=right)) as run:
        for folder in ("work", "other"):
            (run.folder / folder).mkdir()
        if given is not None:
            shutil.copy(given, run.folder / "work")
        result = run.run(timeout=240)
        assert result.code == 0, result.explain()
        assert not list((run.folder / "other").iterdir()), "rank 1 wrote a file: it took itself for rank 0"
        return (run.folder / "work" / wanted).read_text()


def bare_file(folder, wanted: str, *command: str) -> str:
    """The same, by two ranks on the bare host."""
    done = bare("openmpi", 2, *command, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return (folder / wanted).read_text()


def test_melt(tmp_path):
    expected = bare_file(tmp_path, "log.lammps", "lmp", "-in", str(MELT), "-log", "log.lammps")
    log = run_split(f"lmp, -in, {MELT}, -log, work/log.lammps", f"lmp, -in, {MELT}, -log, other/log.lammps", None,
                    "log.lammps")
    assert "1 by 1 by 2 MPI processor grid" in log, "both ranks computed"
    assert thermo(log) == thermo(expected)


def test_hpcc(tmp_path):
    shutil.copy(HPCC_INPUT, tmp_path)
    expected = bare_file(tmp_path, "hpccoutf.txt", "hpcc")
    output = run_split("/usr/bin/env, --chdir=work, hpcc", "/usr/bin/env, --chdir=other, hpcc", HPCC_INPUT,
                       "hpccoutf.txt")
    assert hpcc_verdicts(output) == hpcc_verdicts(expected)
    assert hpcc_summary(output) == hpcc_summary(expected)
    assert hpcc_summary(output)["Success"] == "1" and hpcc_summary(output)["CommWorldProcs"] == "2"
