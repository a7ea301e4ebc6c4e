"""Groups and communicators that span subjects: with flows both ways, on a chain, and with two that share a third."""

import pytest

from mpi_programs import COMBINATIONS, Subject, run_and_pass, with_mpis

BOTH_WAYS = [("left", "right"), ("right", "left")]
CHAIN = [("low", "middle"), ("middle", "high"), ("low", "high")]


def two_ways(program: str, left: int, right: int) -> list:
    return [Subject("left", "SECRET", left, program), Subject("right", "SECRET", right, program)]


def chain(program: str, ranks: int) -> list:
    labels = {"low": "UNCLASSIFIED", "middle": "SECRET", "high": "TOP_SECRET"}
    return [Subject(name, label, ranks, program) for name, label in labels.items()]


@pytest.mark.parametrize("combination", COMBINATIONS)
@pytest.mark.parametrize("program", ["groups", "communicators", "topologies"])
def test_two_ways(program, combination):
    run_and_pass(with_mpis(two_ways(program, 2, 2), combination), BOTH_WAYS)


@pytest.mark.parametrize("combination", ["openmpi", "mpich", "mixed"])
@pytest.mark.parametrize("program", ["groups", "communicators", "topologies"])
def test_chain(program, combination):
    run_and_pass(with_mpis(chain(program, 2), combination), CHAIN)


@pytest.mark.parametrize("left, right, combination", [(3, 3, "openmpi"), (4, 1, "mpich"), (2, 5, "mixed")])
def test_duplications_at_once(left, right, combination):
    run_and_pass(with_mpis(two_ways("duplications", left, right), combination), BOTH_WAYS)


def test_duplications_at_once_upwards():
    run_and_pass(chain("duplications", 2), CHAIN)


@pytest.mark.parametrize("left, right, combination", [(1, 1, "mixed"), (2, 1, "openmpi"), (3, 5, "mpich"), (3, 5, "mixed")])
def test_ranks(left, right, combination):
    run_and_pass(with_mpis(two_ways("communicators", left, right), combination), BOTH_WAYS)


@pytest.mark.parametrize("left, right, combination", [(1, 1, "openmpi"), (2, 1, "mpich"), (2, 3, "mixed")])
def test_ranks_of_topologies(left, right, combination):
    run_and_pass(with_mpis(two_ways("topologies", left, right), combination), BOTH_WAYS)


@pytest.mark.parametrize("combination", ["openmpi", "mixed"])
def test_two_equal_below_a_third(combination):
    subjects = two_ways("communicators", 2, 1) + [Subject("high", "TOP_SECRET", 2, "communicators")]
    run_and_pass(with_mpis(subjects, combination), BOTH_WAYS + [("left", "high"), ("right", "high")])
