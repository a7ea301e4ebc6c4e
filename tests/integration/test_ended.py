"""What others notice when a subject ends: those above it are told after the last message, those below it nothing."""

import pytest

from mpi_programs import Subject, assert_passed, await_text, finish_after_abort, prepared, with_mpis

FLOWS = [("low", "high"), ("high", "top")]


def subjects_of(arguments: list, combination: str) -> list:
    return with_mpis(
        [
            Subject("low", "UNCLASSIFIED", 1, "endings", arguments, files={"gate": "read"}),
            Subject("high", "SECRET", 1, "endings", arguments),
            Subject("top", "TOP_SECRET", 1, "endings", arguments),
        ],
        combination,
    )


def started(arguments: list, combination: str):
    subjects = subjects_of(arguments, combination)
    run = prepared(subjects, FLOWS, "96MiB")
    (run.folder / "gate").mkdir()
    return subjects, run


@pytest.mark.parametrize("combination", ["openmpi", "mpich", "mixed", "mixed-other"])
def test_finalized_sender(combination):
    subjects, run = started(["finalize"], combination)
    with run:
        assert_passed(run.run(), subjects)


@pytest.mark.parametrize("combination", ["openmpi", "mpich", "mixed", "mixed-other"])
@pytest.mark.parametrize("how", ["abort", "cut"])
def test_failed_sender(how, combination):
    subjects, run = started([how], combination)
    with run:
        run.start()
        for name in ("high", "top"):
            await_text(run, name, f"PASSED {name}")
        result = finish_after_abort(run, subjects[0].mpi)
        states = {subject["name"]: subject for subject in result.summary["subjects"]}
        assert [states[name].get("exit_status") for name in ("high", "top")] == [0, 0], result.explain()
        assert states["low"].get("exit_status") != 0, result.explain()
        if subjects[0].mpi == "mpich":
            assert result.code == 1, result.explain()
            assert how != "abort" or states["low"]["exit_status"] == 7, result.explain()


@pytest.mark.parametrize("combination", ["mixed", "mixed-other"])
@pytest.mark.parametrize("how, code", [("first", 0), ("failing", 1)])
def test_sender_does_not_notice_that_the_receiver_has_ended(how, code, combination):
    subjects, run = started([how, "gate/open"], combination)
    with run:
        run.start()
        await_text(run, "top", "PASSED top")  # which is told once `high` has ended
        run.write("gate/open", "", executable=False)
        await_text(run, "low", "PASSED low")
        result = finish_after_abort(run, subjects[1].mpi) if how == "failing" else run.finish()
        assert result.code == code or result.code == 130 and how == "failing", result.explain()
        assert "PASSED low" in result.output_of("low"), result.explain()
