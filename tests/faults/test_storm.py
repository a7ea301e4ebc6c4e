"""A short storm (storm.py has the long one), and what shows that it would see a broken promise."""

import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import storm  # noqa: E402  (after the path)
from sluice_run import SluiceRun  # noqa: E402

SEED = 1
RUNS = 12


@pytest.mark.parametrize("number", range(RUNS))
def test_storm(number):
    what, _, found, _ = storm.one_run(SEED, number)
    assert not found, f"{what}\n" + "\n".join(found)


def test_every_part_and_way_has_its_turn():
    strikes = [storm.Strike.of(SEED, number) for number in range(1000)]
    assert {one.part for one in strikes} == set(storm.PARTS)
    assert {one.how for one in strikes} == {"kill", "stop", "stop and kill"}


@pytest.fixture
def books():
    with SluiceRun("") as run:
        for name in ("low", "high"):
            (run.folder / f"book-{name}").mkdir()
        run.write("book-low/0", "sent 0\nsent 1\nsent 2\n")
        yield run


@pytest.mark.parametrize("high, complaint", [
    ("got 0 0\ngot 0 1\ngot 0 2\ndone\n", None),
    ("got 0 0\nmissed 0\ngot 0 2\ndone\n", None),
    ("got 0 0\ngot 0 2\ndone\n", "came and"),
    ("got 0 0\ngot 0 2\ngot 0 1\ndone\n", "out of order"),
    ("got 0 0\ngot 0 1\ngot 0 1\ngot 0 2\ndone\n", "twice"),
    ("got 0 0\nbad 0\ngot 0 2\ndone\n", "not what was sent"),
    ("got 0 0\ngot 0 1\ngot 0 2\n", "never told"),
])
def test_wrong_books_are_seen(books, high, complaint):
    """The positive control."""
    books.write("book-high/2", high)
    found = storm.complaints_about_messages(books)
    assert (found == []) if complaint is None else any(complaint in one for one in found), found


def test_what_is_left_behind_is_seen():
    """The other: a process that nobody ends."""
    with SluiceRun("") as run:
        pid = os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "60")
        assert any(f"process {pid}" in one for one in run.leftovers.find(0.1))
        run.leftovers.kill()
        os.waitpid(pid, 0)
