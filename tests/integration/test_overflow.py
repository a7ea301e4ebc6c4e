"""`when_full: spill` and `when_full: drop`: nothing is silently lost, and the sender never notices (SPEC 5.3)."""

import os
import pathlib

import pytest

from mpi_programs import Subject, assert_passed, await_text, prepared, with_mpis
from sluice_run import command_line, descendants

SPILL = "when_full: spill, spill: { directory: spool, size: 128MiB }"


def started(what: str, combination: str, keys: str, queue: str = "16MiB"):
    """`low` has sent all, and `high` has not touched MPI yet."""
    subjects = with_mpis(
        [
            Subject("low", "UNCLASSIFIED", 1, "overflow", [what, "gate/open"]),
            Subject("high", "SECRET", 1, "overflow", [what, "gate/open"], files={"gate": "read"}),
        ],
        combination,
    )
    run = prepared(subjects, [("low", "high", queue, keys)])
    for folder in ("gate", "spool"):
        (run.folder / folder).mkdir()
    return run, subjects


def spill_file_of_guard(run) -> list:
    """(link, size) of the files in the spill directory that the guard has open."""
    found = []
    for pid in descendants(run.process.pid):
        if not command_line(pid).startswith("sluice-guard"):
            continue
        for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            if "/spool/" in os.readlink(entry):
                found.append((os.readlink(entry), entry.stat().st_blocks * 512))
    return found


@pytest.mark.parametrize("combination", ["mixed", "mixed-other"])
def test_what_spills_comes_back_in_order(combination):
    run, subjects = started("spill", combination, SPILL)
    with run:
        run.start()
        await_text(run, "low", "all sent")
        files = spill_file_of_guard(run)
        assert len(files) == 1 and "(deleted)" in files[0][0] and files[0][1] >= 128 << 20, files
        assert list((run.folder / "spool").iterdir()) == [], "the spilled data has a name"
        run.write("gate/open", "", executable=False)
        result = run.finish()
        assert_passed(result, subjects)
        assert "missed 0 of 0 bytes" in result.output_of("high")
        assert list((run.folder / "spool").iterdir()) == []


@pytest.mark.parametrize("combination", ["mixed", "mixed-other"])
def test_what_is_dropped_is_told_in_its_place(combination):
    run, subjects = started("drop", combination, "when_full: drop", "8MiB")
    with run:
        run.start()
        await_text(run, "low", "all sent")
        run.write("gate/open", "", executable=False)
        assert_passed(run.finish(), subjects)


def test_a_full_spill_file_ends_the_receiver_and_says_so():
    run, _ = started("spill", "mixed", SPILL.replace("128MiB", "2MiB"), "4MiB")
    with run:
        result = run.run()
        assert result.code == 5, result.explain()
        assert "PASSED low" in result.output_of("low"), result.explain()
        assert "spill file is full" in result.stderr or "received too slowly" in result.stderr, result.explain()


def test_without_room_on_disk_a_run_does_not_start():
    run, _ = started("spill", "mixed", SPILL.replace("128MiB", "3000GiB"))
    with run:
        result = run.run()
        assert result.code == 4 and "MiB in" in result.stderr, result.explain()
