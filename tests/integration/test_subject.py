"""Inside one subject everything is the host MPI's; the calls that ask about subjects."""

import subprocess

import pytest

from mpi_programs import PROGRAMS, Subject, run_and_pass, with_mpis
from sluice_run import bare


@pytest.mark.parametrize("combination", ["openmpi", "mpich", "mixed"])
def test_queries(combination):
    subjects = [
        Subject("low", "UNCLASSIFIED", 2, "queries", ["run"]),
        Subject("high", "SECRET//IMG", 1, "queries", ["run"]),
        Subject("other", "SECRET", 2, "queries", ["run"]),
    ]
    run_and_pass(with_mpis(subjects, combination), [("low", "high")])


@pytest.mark.parametrize("mpi", ["openmpi", "mpich"])
def test_run_of_one_subject_is_the_host_mpi(mpi):
    run_and_pass([Subject("only", "SECRET", 2, "queries", ["single"], mpi)], [])


@pytest.mark.parametrize("mpi", ["openmpi", "mpich"])
def test_linked_program_under_plain_mpiexec_is_one_subject(mpi, tmp_path):
    done = bare(mpi, 2, str(PROGRAMS / f"queries-{mpi}"), "single", cwd=tmp_path, timeout=30)
    assert done.returncode == 0 and done.stdout.count("PASSED") == 2, done.stdout + done.stderr


@pytest.mark.parametrize("mpi", ["openmpi", "mpich"])
def test_the_program_is_linked_with_the_library(mpi):
    needed = subprocess.run(["readelf", "-d", PROGRAMS / f"queries-{mpi}"], capture_output=True, text=True, check=True)
    assert f"libsluice-{mpi}.so" in needed.stdout


@pytest.mark.parametrize("mpi", ["openmpi", "mpich"])
def test_world_of_its_own(mpi):
    """Two programs that know nothing of Sluice, beside a subject that takes part in the run's world."""
    other = "mpich" if mpi == "openmpi" else "openmpi"
    subjects = [
        Subject("plain", "UNCLASSIFIED", 2, "own_world", [2], mpi, world="subject"),
        Subject("alone", "SECRET", 1, "own_world", [1], mpi, world="subject"),
        Subject("only", "TOP_SECRET", 2, "own_world", [2], other),
    ]
    run_and_pass(subjects, [])


@pytest.mark.parametrize("mpi", ["openmpi", "mpich"])
def test_waiting_for_another_subject_lets_the_own_one_go_on(mpi):
    subjects = [Subject("many", "SECRET", 4, "host_progress", [], mpi), Subject("one", "SECRET", 1, "host_progress", [], mpi)]
    run_and_pass(subjects, [("many", "one"), ("one", "many")])
