"""Flows with `path: shared`: messages that the receiver reads where the sender writes them."""

import pytest

from mpi_programs import COMBINATIONS, Subject, assert_passed, await_text, prepared, with_mpis

BOTH_WAYS = [("left", "right"), ("right", "left")]


def run_shared(subjects: list, flows: list, combination: str, queue: str = "16MiB") -> int:
    """Runs it to the end. Returns how many bytes went by relay: on a busy machine not none."""
    subjects = with_mpis(subjects, combination)
    with prepared(subjects, flows, queue, path="shared") as run:
        result = run.run()
        assert_passed(result, subjects)
        assert {flow["path"] for flow in result.summary["flows"]} == {"shared"}, result.explain()
        return sum(flow["bytes"] for flow in result.summary["flows"])


@pytest.mark.parametrize("combination", COMBINATIONS)
@pytest.mark.parametrize("program", ["ordering", "messages"])
def test_rules_of_mpi(program, combination):
    run_shared([Subject("left", "SECRET", 2, program), Subject("right", "SECRET", 2, program)], BOTH_WAYS, combination)


@pytest.mark.parametrize("combination", ["openmpi", "mpich", "mixed"])
def test_four_threads_each_way(combination):
    subjects = [Subject("low", "SECRET", 1, "threads"), Subject("high", "SECRET", 1, "threads")]
    run_shared(subjects, [("low", "high"), ("high", "low")], combination, "64MiB")


@pytest.mark.parametrize("combination", ["openmpi", "mpich", "mixed"])
def test_both_ways_at_once(combination):
    subjects = [Subject(name, "SECRET", 1, "volume", ["both-ways"]) for name in ("low", "high")]
    relayed = run_shared(subjects, [("low", "high"), ("high", "low")], combination, "96MiB")
    assert relayed < 64 << 20, "of 128 MiB, the guard carries what a rank leaves lying that has no processor"


@pytest.mark.parametrize("combination", ["mixed", "mixed-other"])
def test_what_a_full_ring_does_not_hold_takes_the_relay(combination):
    """The sender is not held up by a receiver that does not look, and nothing is lost or out of order."""
    subjects = with_mpis(
        [
            Subject("low", "SECRET", 1, "volume", ["pile", "gate/open"]),
            Subject("high", "SECRET", 1, "volume", ["pile", "gate/open"], files={"gate": "read"}),
        ],
        combination,
    )
    with prepared(subjects, [("low", "high"), ("high", "low")], "256MiB", path="shared") as run:
        (run.folder / "gate").mkdir()
        run.start()
        await_text(run, "low", "all sent")  # the receiver has not touched MPI yet
        run.write("gate/open", "", executable=False)
        result = run.finish()
        assert_passed(result, subjects)
        carried = {flow["from"]: flow["bytes"] for flow in result.summary["flows"]}
        assert 90 << 20 < carried["low"] < 100 << 20, result.explain()
