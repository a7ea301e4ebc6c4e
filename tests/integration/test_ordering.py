"""MPI's rules of order, single messages and their statuses, threads, Fortran: between subjects and inside them."""

import pytest

from mpi_programs import COMBINATIONS, PROGRAMS, Subject, assert_passed, prepared, run_and_pass, with_mpis

BOTH_WAYS = [("left", "right"), ("right", "left")]


@pytest.mark.parametrize("combination", COMBINATIONS)
@pytest.mark.parametrize("program", ["ordering", "messages"])
def test_rules_of_mpi(program, combination):
    subjects = [Subject("left", "SECRET", 2, program), Subject("right", "SECRET", 2, program)]
    run_and_pass(with_mpis(subjects, combination), BOTH_WAYS, "64MiB")


@pytest.mark.parametrize("combination", ["openmpi", "mpich", "mixed"])
def test_four_threads_each_way(combination):
    subjects = [Subject("low", "SECRET", 1, "threads"), Subject("high", "SECRET", 1, "threads")]
    run_and_pass(with_mpis(subjects, combination), [("low", "high"), ("high", "low")], "64MiB")


@pytest.mark.parametrize("program", ["fortran_use", "fortran_include"])
@pytest.mark.parametrize("combination", ["openmpi", "mpich", "mixed"])
def test_fortran(program, combination):
    if not (PROGRAMS / f"{program}-openmpi").is_file():
        pytest.skip("no Fortran compiler was there when the tests were built")
    subjects = with_mpis([Subject("low", "UNCLASSIFIED", 1, program), Subject("high", "SECRET", 1, program)], combination)
    with prepared(subjects, [("low", "high")]) as run:
        assert_passed(run.run(), subjects)
