"""Random traffic over three levels, and inside them, on both host MPIs and mixed."""

import random

import pytest

from mpi_programs import COMBINATIONS, Subject, run_and_pass, with_mpis

FLOWS = [("low", "high"), ("high", "top"), ("low", "top"), ("top", "peer"), ("peer", "top")]
QUEUE = "48MiB"
MOST_PER_FLOW = 30 << 20  # of payload, below the queue with room for what fragments waste
MESSAGES_PER_PAIR = 25


CASES = [(combination, 1) for combination in COMBINATIONS] + [
    (combination, random.randrange(1 << 32)) for combination in ("openmpi", "mpich", "mixed")
]


@pytest.mark.parametrize("combination, seed", CASES, ids=[f"{c}-{'known' if s == 1 else 'fresh'}-seed" for c, s in CASES])
def test_random_traffic(combination, seed):
    arguments = [seed, MESSAGES_PER_PAIR, MOST_PER_FLOW]
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
