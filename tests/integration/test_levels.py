"""Random traffic over three levels, and inside them, on both host MPIs and mixed."""

import random

import pytest

from mpi_programs import COMBINATIONS, Subject, run_and_pass, with_mpis

FLOWS = [("low", "high"), ("high", "top"), ("low", "top"), ("top", "peer"), ("peer", "top")]
QUEUE = "48MiB"
MOST_PER_FLOW = 30 << 20  # of payload, below the queue with room for what fragments waste
MESSAGES_PER_PAIR = 25


@pytest.mark.parametrize("combination", COMBINATIONS)
@pytest.mark.parametrize("seed", [1, random.randrange(1 << 32)], ids=["known-seed", "fresh-seed"])
def test_random_traffic(combination, seed):
    arguments = [seed, MESSAGES_PER_PAIR, MOST_PER_FLOW]
    if combination == "mixed-other" and seed != 1:
        pytest.skip("the other three take a fresh seed")
    subjects = with_mpis(
        [
            Subject("low", "UNCLASSIFIED", 2, "traffic", arguments),
            Subject("high", "SECRET", 2, "traffic", arguments),
            Subject("top", "TOP_SECRET//IMG", 2, "traffic", arguments),
            Subject("peer", "TOP_SECRET//IMG", 1, "traffic", arguments),
        ],
        combination,
    )
    run_and_pass(subjects, FLOWS, QUEUE)
