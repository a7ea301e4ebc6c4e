"""Intercommunicators between subjects, and communicators merged from them."""

import functools

import pytest

from mpi_programs import Subject, assert_passed, prepared, run_and_pass, with_mpis


@pytest.mark.parametrize("combination", ["openmpi", "mpich", "mixed"])
@pytest.mark.parametrize("ranks", [(2, 2), (1, 3, 1)])
def test_both_ways(combination, ranks):
    names = ["first", "second", "third"][: len(ranks)]
    subjects = [Subject(name, "SECRET", count, "intercommunicators", ["both"]) for name, count in zip(names, ranks)]
    flows = [(a, b, "4MiB") for a in names for b in names if a != b]
    run_and_pass(with_mpis(subjects, combination), flows)


@pytest.mark.parametrize("combination", ["openmpi", "mpich"])
@pytest.mark.parametrize("what", ["upwards", "apart"])
def test_without_a_flow_back(combination, what):
    subjects = [
        Subject("low", "UNCLASSIFIED", 1, "intercommunicators", [what]),
        Subject("high", "SECRET", 2, "intercommunicators", [what]),
    ]
    run_and_pass(with_mpis(subjects, combination), [("low", "high")] if what == "upwards" else [])


@pytest.mark.parametrize("combination", ["openmpi", "mpich"])
def test_data_passes_a_subject_of_the_other_group(combination):
    names = ["first", "second", "third"]
    subjects = [Subject(name, "SECRET", count, "intercommunicators", ["line"]) for name, count in zip(names, [1, 2, 1])]
    neighbours = [("first", "second"), ("second", "third")]
    run_and_pass(with_mpis(subjects, combination), neighbours + [(b, a) for a, b in neighbours])


@functools.cache
def messages(operation: str, calls: int, ranks: tuple) -> int:
    """Messages between subjects of a whole run, by the guard's figures."""
    names = ["first", "second", "third"][: len(ranks)]
    subjects = [Subject(name, "SECRET", count, "inter_counts", [operation, calls]) for name, count in zip(names, ranks)]
    flows = [(a, b, "4MiB") for a in names for b in names if a != b]
    with prepared(subjects, flows) as run:
        result = run.run(timeout=60)
        assert_passed(result, subjects)
        return sum(flow["messages"] for flow in result.summary["flows"])


@pytest.mark.parametrize("operation", ["Bcast", "Scatter", "Reduce", "Gather"])
def test_each_boundary_is_crossed_once(operation):
    """Whatever the ranks: one message a call for each subject of the remote group, not one for each rank."""
    calls, ranks = 10, (2, 3, 2)
    assert messages(operation, calls, ranks) - messages("none", 0, ranks) == calls * (len(ranks) - 1)
