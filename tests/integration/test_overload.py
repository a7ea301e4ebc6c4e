"""Much data: a message of 1 GiB, both ways at once, and a receiver that does not receive."""

import re

import pytest

from mpi_programs import Subject, assert_passed, await_text, prepared, with_mpis


def pair(arguments: list, combination: str, label: str = "SECRET") -> list:
    """`low` and `high`; `high` sees the folder `gate`."""
    return with_mpis(
        [
            Subject("low", "UNCLASSIFIED", 1, "volume", arguments),
            Subject("high", label, 1, "volume", arguments, files={"gate": "read"}),
        ],
        combination,
    )


@pytest.mark.parametrize("combination", ["mixed", "mixed-other"])
def test_one_message_of_a_gibibyte(combination):
    subjects = pair(["giant"], combination)
    # The sender is never held up, so a queue has to hold what a slow receiver leaves: here, all of it.
    with prepared(subjects, [("low", "high", "1100MiB")]) as run:
        (run.folder / "gate").mkdir()
        assert_passed(run.run(), subjects)


@pytest.mark.parametrize("combination", ["openmpi", "mpich", "mixed"])
def test_both_ways_at_once(combination):
    subjects = pair(["both-ways"], combination, label="UNCLASSIFIED")
    with prepared(subjects, [("low", "high"), ("high", "low")], "96MiB") as run:
        (run.folder / "gate").mkdir()
        assert_passed(run.run(), subjects)


@pytest.mark.parametrize("combination", ["mixed", "mixed-other"])
def test_receiver_sleeps_while_100_mib_arrive(combination):
    subjects = pair(["pile", "gate/open"], combination)
    with prepared(subjects, [("low", "high", "256MiB")]) as run:
        (run.folder / "gate").mkdir()
        run.start()
        await_text(run, "low", "all sent")  # the receiver has not touched MPI yet
        run.write("gate/open", "", executable=False)
        assert_passed(run.finish(), subjects)


@pytest.mark.parametrize("combination", ["mixed", "mixed-other"])
def test_full_queue_ends_the_receiver_and_the_sender_notices_nothing(combination):
    subjects = pair(["pile", "gate/open"], combination)
    with prepared(subjects, [("low", "high", "8MiB")]) as run:
        (run.folder / "gate").mkdir()
        result = run.run()
        assert result.code == 5, result.explain()
        assert "all sent" in result.output_of("low"), result.explain()
        assert "PASSED low" in result.output_of("low"), result.explain()
        states = {subject["name"]: subject for subject in result.summary["subjects"]}
        assert states["low"]["exit_status"] == 0, result.explain()
        assert "PASSED" not in result.output_of("high")
        # The operator is told which queue, and how large it was.
        told = [line for line in result.stderr.splitlines() if "queue" in line and "high" in line]
        assert told and any(re.search(r"8 ?MiB", line) for line in told), result.explain()
