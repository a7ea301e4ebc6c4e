"""All of point-to-point, between subjects that flow both ways or one way, and inside them."""

import pytest

from mpi_programs import COMBINATIONS, Subject, run_and_pass, with_mpis

UP = [("left", "right")]
BOTH = UP + [("right", "left")]


def run(mode: str, combination: str, flows: list, queue: str = "64MiB", timeout: float = 60) -> None:
    high = "SECRET" if flows is UP else "UNCLASSIFIED"
    subjects = [
        Subject("left", "UNCLASSIFIED", 2, "point_to_point", [mode]),
        Subject("right", high, 2, "point_to_point", [mode]),
    ]
    run_and_pass(with_mpis(subjects, combination), flows, queue, timeout)


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_both_ways(combination):
    run("both", combination, BOTH)


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_one_way(combination):
    run("up", combination, UP)


@pytest.mark.parametrize("combination", ["openmpi", "mpich"])
def test_receiver_ends_before_a_synchronous_send(combination):
    run("ended", combination, BOTH)


@pytest.mark.parametrize("combination", ["openmpi", "mpich"])
def test_more_than_two_gibibytes(combination):
    run("large", combination, UP, "3300MiB", 150)
