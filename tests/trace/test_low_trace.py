"""What a low subject sees is byte for byte the same, whatever the high side is or does (SPEC 3.1)."""

import os
import signal

import pytest

from mpi_programs import Subject, await_text, await_true, prepared, wrote
from sluice_run import command_line, descendants

ONE_WAY = [("low", "high"), ("high", "top")]
BOTH_WAYS = [("low", "high"), ("high", "low")]
LARGE_QUEUE = "160MiB"  # holds all that both low ranks send
SMALL_QUEUE = "4MiB"  # does not: the receiver is ended half-way

RECEIVING, STOPPED, KILLED = "receiving", "stopped", "killed"
SCENARIOS = ["absent", "idle", "flooding", KILLED, STOPPED]


def processes(run, *words: str) -> list:
    """Ids of the processes of the run that have these words in their command lines: ranks of a program, and whatever is
    between them and the supervisor."""
    return [pid for pid in descendants(run.process.pid) if all(word in command_line(pid) for word in words)]


def signal_all(pids: list, number: int) -> None:
    assert pids, "no process of the high side to signal"
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


def signal_high(run, number: int) -> None:
    signal_all(processes(run, "high_side-", "mode/high"), number)


def observed(mpi: str, scenario: str, queue: str, flows: list = None, listen: bool = False) -> dict:
    """Runs `low` against a high side; returns all that `low` saw and what others saw of its end."""
    flows = flows or ONE_WAY
    label = "UNCLASSIFIED" if flows is BOTH_WAYS else "SECRET"
    arguments = ["trace", "gate/half", *(["listen"] if listen else [])]
    subjects = [
        Subject("low", "UNCLASSIFIED", 2, "low_side", arguments, mpi, files={"trace": "write", "gate": "read"}),
        Subject("high", label, 1, "high_side", ["mode/high", "gate/end"], "mpich", files={"mode": "read", "gate": "read"}),
        Subject("top", "TOP_SECRET", 1, "high_side", ["mode/top", "gate/end"], "openmpi", files={"mode": "read"}),
    ]
    with prepared(subjects, flows, queue) as run:
        for folder in ("trace", "gate", "mode"):
            (run.folder / folder).mkdir()
        plays = {KILLED: "idle", STOPPED: "idle"}.get(scenario, scenario)
        run.write("mode/high", plays, executable=False)
        run.write("mode/top", "absent" if flows is BOTH_WAYS else RECEIVING, executable=False)
        run.start()
        await_text(run, "low", "half way")
        if scenario in (KILLED, STOPPED):
            await_true(run, lambda: wrote(run, "high", "ready") and processes(run, "high_side-", "mode/high"), "high to be there")
            signal_high(run, signal.SIGKILL if scenario == KILLED else signal.SIGSTOP)
        elif scenario == "flooding":
            await_text(run, "high", "ready")
        run.write("gate/half", "", executable=False)
        await_true(run, lambda: len(list((run.folder / "trace").iterdir())) == 2 and ended(run, "low"), "low to end")
        run.write("gate/end", "", executable=False)
        if scenario == STOPPED:
            signal_high(run, signal.SIGCONT)
        result = run.finish()
        assert not result.timed_out, result.explain()
        state = next(subject for subject in result.summary["subjects"] if subject["name"] == "low")
        seen = {path.name: path.read_bytes() for path in sorted((run.folder / "trace").iterdir())}
        for stream in ("out", "err"):
            seen[stream] = without_clock(result.output_of("low", stream).replace(str(run.folder), "FOLDER"))
        seen["exit code"] = state["exit_status"]
        return seen


def without_clock(text: str) -> str:
    """Output without the lines that UCX, a library below MPICH, stamps with the time of day."""
    return "".join(line for line in text.splitlines(keepends=True) if " UCX " not in line)


def ended(run, subject: str) -> bool:
    return not any(f"{subject}_side-" in command_line(pid) for pid in descendants(run.process.pid))


def differences(one: dict, other: dict) -> list:
    """Names of what differs between two sets of observations."""
    return sorted(key for key in one.keys() | other.keys() if one.get(key) != other.get(key))


@pytest.mark.parametrize("mpi", ["openmpi", "mpich"])
def test_the_low_side_sees_the_same(mpi):
    reference = observed(mpi, RECEIVING, LARGE_QUEUE)
    assert reference["exit code"] == 3
    assert set(reference) >= {"trace.0", "trace.1"}
    assert reference["trace.0"].count(b"Isend: 0 ") > 100
    assert b"flow" in reference["trace.0"].lower()
    for scenario in SCENARIOS:
        seen = observed(mpi, scenario, LARGE_QUEUE)
        assert differences(reference, seen) == [], f"{scenario}: {explain(reference, seen)}"


@pytest.mark.parametrize("mpi", ["openmpi", "mpich"])
def test_nor_that_a_queue_was_full(mpi):
    reference = observed(mpi, RECEIVING, LARGE_QUEUE)
    seen = observed(mpi, "idle", SMALL_QUEUE)
    assert differences(reference, seen) == [], explain(reference, seen)


@pytest.mark.parametrize("mpi", ["openmpi", "mpich"])
def test_a_legal_answer_is_seen_by_the_same_comparison(mpi):
    """The positive control: with a flow back, the low side does learn what the high side does."""
    silent = observed(mpi, "absent", "64MiB", BOTH_WAYS, listen=True)
    answered = observed(mpi, "answering", "64MiB", BOTH_WAYS, listen=True)
    assert "trace.0" in differences(silent, answered)


def explain(one: dict, other: dict) -> str:
    """The first line that differs in each of the things that differ."""
    found = []
    for key in differences(one, other):
        left, right = (str(seen.get(key)).replace("\\n", "\n").splitlines() for seen in (one, other))
        pairs = [(a, b) for a, b in zip(left, right) if a != b][:1] or [(f"{len(left)} lines", f"{len(right)} lines")]
        found += [f"{key}: {a!r} but {b!r}" for a, b in pairs]
    return "; ".join(found)
