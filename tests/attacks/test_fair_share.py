"""A subject that plays games with the guard costs the others no more than an honest busy one does.

One run, in which a neighbour is honest and hostile in turns of 50 ms; the throughput of an honest sender beside it is
compared between both kinds of turns. So whatever else this machine does falls on both alike. Neither sender has a receiver
that takes anything: what a sender gets done does not depend on it.
"""

import pathlib
import re
import statistics
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import zoo  # noqa: E402  (after the path)
from zoo import Subject  # noqa: E402

SECONDS = 4
# Of the honest sender's throughput beside an honest neighbour. The rest is noise, of which a busy machine has much: so the
# best of three is taken where a share is promised, and the control must be seen at once.
ATTEMPTS = 3
FAIR = 0.6


def share(role: str) -> tuple:
    """Throughput of the meter in hostile slots as a part of that in honest ones, and what the run said."""
    subjects = [
        Subject("meter", "neighbour", ["meter", SECONDS]),
        Subject("neighbour", "neighbour", [role, SECONDS + 1]),
        Subject("sink", "crasher", ["before_connect"], label="HIGH"),
    ]
    result, ends, outputs = zoo.run_subjects(subjects, [("meter", "sink"), ("neighbour", "sink")], timeout=60)
    if role != "connections" or ends["neighbour"]["ended_by"] != "guard-misbehaviour":  # too many at once end it
        assert ends["neighbour"]["end"] == "exit 0", result.explain()
        assert "WENT ON" in outputs["neighbour"], result.explain()
    slots = {int(slot): int(count) for slot, count in re.findall(r"SLOT (\d+) (\d+)", outputs["meter"])}
    whole = sorted(slots)[4:-4]  # both are at work, and slots are whole
    assert len(whole) > SECONDS * 10, result.explain()
    honest, hostile = (statistics.median(slots[slot] for slot in whole if slot % 2 == odd) for odd in (0, 1))
    return hostile / honest, result


def best_share(role: str) -> tuple:
    """The first that is fair, else the last."""
    for _ in range(ATTEMPTS):
        found = share(role)
        if found[0] >= FAIR:
            break
    return found


@pytest.mark.parametrize("role", ["empty", "endless", "doorbell", "connections"])
def test_a_hostile_neighbour_takes_no_more_than_its_share(role):
    found, result = best_share(role)
    assert found >= FAIR, f"{role}: {found:.2f} of what is left beside an honest neighbour\n{result.explain()}"


def test_honest_turns_are_alike():
    found, _ = best_share("same")
    assert found >= FAIR, f"{found:.2f}: this machine is too busy to measure on"


def test_an_unfair_neighbour_is_seen():
    """The positive control: one that takes eight more threads' time, against which no share is promised."""
    found, _ = share("hog")
    assert found < FAIR, f"{found:.2f}: the measurement does not see a neighbour that takes more"
