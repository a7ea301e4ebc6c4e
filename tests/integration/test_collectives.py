"""Collective operations between subjects: legal ones give the serial model's result, others are refused alike by all."""

import re

import pytest

from mpi_programs import Subject, assert_passed, prepared, with_mpis

QUEUE = "64MiB"
COMBINATIONS = ["openmpi", "mpich", "mixed"]


def two_way(*names: str) -> list:
    return [(a, b) for a in names for b in names if a != b]


def run(subjects: list, flows: list, combination: str):
    subjects = with_mpis(subjects, combination)
    with prepared(subjects, flows, QUEUE) as prepared_run:
        result = prepared_run.run(timeout=60)
        assert_passed(result, subjects)
        return result


def verdicts(result) -> dict:
    """The texts of refusals, as each rank got them: {(call, root): {text without the policy's line}}."""
    found = {}
    for call, root, text in re.findall(r"VERDICT (\w+) root (\d+): (.*)", result.stdout):
        found.setdefault((call, int(root)), []).append(text)
    return found


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_two_subjects_of_one_label(combination):
    result = run(
        [Subject("left", "SECRET", 2, "collectives"), Subject("right", "SECRET", 2, "collectives")],
        two_way("left", "right"), combination)
    assert not verdicts(result)


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_three_subjects_of_one_label(combination):
    result = run(
        [Subject("left", "SECRET", 2, "collectives"), Subject("middle", "SECRET", 1, "collectives"),
         Subject("right", "SECRET", 2, "collectives")],
        two_way("left", "middle", "right"), combination)
    assert not verdicts(result)


# For each call the roots that the policy allows on low (ranks 0, 1) -> high (2, 3) -> top (4); others are refused.
CHAIN = {"MPI_Bcast": {0, 1}, "MPI_Scatter": {0, 1}, "MPI_Scatterv": {0, 1},
         "MPI_Reduce": {4}, "MPI_Gather": {4}, "MPI_Gatherv": {4}}
REFUSED = {f"MPI_{name}" for name in (
    "Barrier Allgather Allgatherv Alltoall Alltoallv Alltoallw Allreduce Reduce_scatter Reduce_scatter_block").split()}


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_chain(combination):
    result = run(
        [Subject("low", "UNCLASSIFIED", 2, "collectives"), Subject("high", "SECRET", 2, "collectives"),
         Subject("top", "TOP_SECRET", 1, "collectives")],
        [("low", "high"), ("high", "top")], combination)
    found = verdicts(result)
    refused = {(call, root) for call, roots in CHAIN.items() for root in set(range(5)) - roots}
    assert set(found) == refused | {(call, 0) for call in REFUSED}
    for (call, root), texts in found.items():
        assert len(texts) % 5 == 0, f"{call} {root}: not every rank"
        assert len({re.sub(r"line \d+", "", text) for text in texts}) == 1, f"{call} {root}: not unanimous: {texts}"
        assert re.search(r"Legal here: .* from low; .* to top|MPI_COMM_SUBJECT", texts[0]), texts[0]


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_diamond(combination):
    """Two subjects in the middle that may not send to each other: everything from below, everything to above."""
    result = run(
        [Subject("low", "UNCLASSIFIED", 1, "collectives"), Subject("left", "SECRET//IMG", 2, "collectives"),
         Subject("right", "SECRET//NUC", 1, "collectives"), Subject("top", "TOP_SECRET//IMG/NUC", 1, "collectives")],
        [("low", "left"), ("low", "right"), ("left", "top"), ("right", "top")], combination)
    found = verdicts(result)
    legal = {(call, 0) for call in CHAIN if "Bcast" in call or "Scatter" in call}
    legal |= {(call, 4) for call in CHAIN if "Reduce" in call or "Gather" in call}
    everywhere = {(call, root) for call in CHAIN for root in range(5)}
    assert set(found) == everywhere - legal | {(call, 0) for call in REFUSED | {"MPI_Scan", "MPI_Exscan"}}


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_ring_of_flows(combination):
    """Every subject reaches every other, but not directly: of one label, so that the policy may have any flows."""
    result = run(
        [Subject("one", "SECRET", 1, "collectives"), Subject("two", "SECRET", 2, "collectives"),
         Subject("three", "SECRET", 1, "collectives")],
        [("one", "two"), ("two", "three"), ("three", "one")], combination)
    assert not verdicts(result)


@pytest.mark.parametrize("combination", COMBINATIONS)
@pytest.mark.parametrize("shape", ["two-way", "chain"])
def test_several_at_once(shape, combination):
    chain = shape == "chain"
    labels = ["UNCLASSIFIED", "SECRET", "TOP_SECRET"] if chain else ["SECRET"] * 3
    subjects = [Subject(name, label, ranks, "pending_collectives", [shape])
                for name, label, ranks in zip(["low", "high", "top"], labels, [2, 2, 1])]
    run(subjects, [("low", "high"), ("high", "top")] if chain else two_way("low", "high", "top"), combination)
