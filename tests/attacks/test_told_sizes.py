"""Collectives in which another subject tells how many bytes come: a lie is an error for who is told, and nothing else."""

import pathlib
import re
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import zoo  # noqa: E402
from zoo import Subject  # noqa: E402


def subjects_of(operation: str, lie: str) -> tuple:
    """(subjects, flows, {victim's rank: bytes that it gets without a lie}). The liars are ranks that lack the library."""
    told = [operation, lie]
    if operation == "gatherv":
        return [Subject("liar", "hostile_teller", told, ranks=2),
                Subject("middle", "collective_victim", [operation], label="MIDDLE"),
                Subject("top", "collective_victim", [operation], label="HIGH")], \
               [("liar", "middle"), ("middle", "top")], {2: 0, 3: 32}
    if operation == "scatterv":
        return [Subject("liar", "hostile_teller", told),
                Subject("high", "collective_victim", [operation], ranks=2, label="HIGH")], \
               [("liar", "high")], {1: 8, 2: 8}
    return [Subject("victim", "collective_victim", [operation]), Subject("liar", "hostile_teller", told),
            Subject("behind", "honest", ["send", 0])], \
           [("victim", "liar"), ("liar", "victim"), ("liar", "behind"), ("behind", "liar")], {0: 24}


@pytest.mark.parametrize("lie", ["honest", "wraps", "largest", "longer"])
@pytest.mark.parametrize("operation", ["gatherv", "scatterv", "alltoallv"])
def test_told_sizes(operation, lie):
    subjects, flows, whole = subjects_of(operation, lie)
    result, ends, outputs = zoo.run_subjects(subjects, flows, queue="64MiB", timeout=60)
    assert result.code == 0, result.explain()
    assert {end["end"] for end in ends.values()} == {"exit 0"}, result.explain()
    found = {int(rank): (error, int(count)) for rank, error, count in
             re.findall(r"RANK (\d+) (no error|error), (\d+) bytes came", "".join(outputs.values()))}
    assert set(found) == set(whole), result.explain()
    for rank, (error, count) in found.items():
        if lie == "honest":
            assert (error, count) == ("no error", whole[rank]), f"rank {rank}: {error}\n{result.explain()}"
        else:
            assert error == "error", f"rank {rank}: {count} bytes came\n{result.explain()}"
