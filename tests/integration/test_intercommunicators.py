"""Intercommunicators between subjects, and communicators merged from them."""

import pytest

from mpi_programs import Subject, run_and_pass, with_mpis


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
