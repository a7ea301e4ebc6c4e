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


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_chain(combination):
    result = run(
        [Subject("low", "UNCLASSIFIED", 2, "collectives"), Subject("high", "SECRET", 2, "collectives"),
         Subject("top", "TOP_SECRET", 1, "collectives")],
        [("low", "high"), ("high", "top")], combination)
    print(verdicts(result))
