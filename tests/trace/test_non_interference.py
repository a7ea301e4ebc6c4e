"""Everything that a low program gets back, from the kernel and from MPI, is byte for byte the same, whatever the high
side is or does (SPEC 3.1).

The low program is watched from its execve to its end: every system call of every thread with arguments, contents and
results, and every MPI return code, status and error text, all in their order. system_calls.py says what is left out of
the comparison and why; times are not compared. One rank: how two ranks of a subject race is their own affair.
"""

import os
import pathlib
import signal
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import system_calls  # noqa: E402  (after the path)
from mpi_programs import PROGRAMS, Subject, await_text, await_true, prepared, wrote  # noqa: E402
from test_low_trace import BOTH_WAYS, ONE_WAY, differences, explain, processes, signal_high, without_clock  # noqa: E402

ABSENT, IDLE, FLOODING, CRASHING, STOPPED, MALFORMED = "absent", "idle", "flooding", "crashing", "stopped", "malformed"
BEHAVIOURS = [IDLE, FLOODING, CRASHING, STOPPED, MALFORMED]  # each is compared with ABSENT
QUEUE, SMALL_QUEUE = "64MiB", "2MiB"
GATES = ["gate/watched", "gate/half"]


def rank_of_low(run) -> list:
    """The low rank itself, which starts its program again once it is watched."""
    return [pid for pid in processes(run, "low_side-", "hold") if os.path.basename(os.readlink(f"/proc/{pid}/exe")).startswith("low_side")]


def subjects_of(mpi: str, behaviour: str, how: list, both_ways: bool) -> list:
    high = Subject("high", "UNCLASSIFIED" if both_ways else "SECRET", 1, "high_side", ["mode/high", "gate/end"], "mpich",
                   files={"mode": "read", "gate": "read"})
    if behaviour == MALFORMED:
        high.program, high.arguments = str(PROGRAMS / "malformed_side"), ["gate/half"]
    return [
        Subject("low", "UNCLASSIFIED", 1, "low_side", ["trace", "gate/half", *how, "hold", "gate/watched"], mpi,
                files={"trace": "write", "gate": "read"}),
        high,
        Subject("top", "TOP_SECRET", 1, "high_side", ["mode/top", "gate/end"], "openmpi", files={"mode": "read", "gate": "read"}),
    ]


def half_way(run, behaviour: str) -> None:
    """Makes sure that the high side does what it is to do, while `low` waits."""
    if behaviour == STOPPED:
        await_true(run, lambda: wrote(run, "high", "ready") and processes(run, "high_side-", "mode/high"), "high")
        signal_high(run, signal.SIGSTOP)
    elif behaviour != ABSENT:
        await_text(run, "high", "ready")


def observed(mpi: str, behaviour: str, how: list = None, flows: list = None, queue: str = QUEUE, leak: bool = False) -> dict:
    """Runs `low` beside a high side; returns all that `low` got back. `leak`: the planted path is used."""
    both_ways = flows is BOTH_WAYS
    with prepared(subjects_of(mpi, behaviour, how or ["quick"], both_ways), flows or ONE_WAY, queue,
                  name=f"non-interference-{os.getpid()}") as run:
        for folder in ("trace", "gate", "mode", "calls", "spool"):
            (run.folder / folder).mkdir()
        run.write("mode/high", IDLE if behaviour == STOPPED else behaviour, executable=False)
        run.write("mode/top", "absent" if both_ways else "receiving", executable=False)
        run.start()
        await_true(run, lambda: rank_of_low(run), "the low rank")
        tracer = system_calls.watch(run.folder / "calls", rank_of_low(run)[0])
        run.write("gate/watched", "", executable=False)
        await_text(run, "low", "half way")
        half_way(run, behaviour)
        if leak:
            run.write("gate/leak", "", executable=False)
        run.write("gate/half", "", executable=False)
        await_true(run, lambda: not processes(run, "low_side-"), "low to end")
        run.write("gate/end", "", executable=False)
        if behaviour == STOPPED:
            signal_high(run, signal.SIGCONT)
        result = run.finish()
        assert not result.timed_out, result.explain()
        tracer.wait(10)
        state = {subject["name"]: subject for subject in result.summary["subjects"]}
        if behaviour == MALFORMED:
            assert state["high"]["ended_by"] == "guard-misbehaviour", result.explain()
        seen = {path.name: path.read_text() for path in sorted((run.folder / "trace").iterdir())}
        for thread, calls in system_calls.comparable(run.folder / "calls", GATES).items():
            seen[thread] = "\n".join(calls)
        for stream in ("out", "err"):
            seen[stream] = without_clock(result.output_of("low", stream))
        seen["exit code"] = state["low"]["exit_status"]
        return seen


@pytest.fixture(scope="module", params=["openmpi", "mpich"])
def reference(request):
    """What `low` gets where there is no high side."""
    seen = observed(request.param, ABSENT)
    assert seen["exit code"] == 3, seen["err"]
    calls = seen["thread 0"]
    assert calls.startswith("execve(") and "exit_group(" in calls and calls.count("\n") > 1000, "not all calls were seen"
    assert '"/run/sluice/guard"' in calls, "nor those that speak to the guard"
    assert seen["trace.0"].count("Isend: 0 ") > 50 and "may not send to" in seen["trace.0"]
    return request.param, seen


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_the_high_side_makes_no_difference(reference, behaviour):
    mpi, silent = reference
    seen = observed(mpi, behaviour)
    assert differences(silent, seen) == [], explain(silent, seen)


@pytest.mark.parametrize("keys", ["when_full: stop-receiver", "when_full: drop",
                                  "when_full: spill, spill: { directory: spool, size: 64MiB }"])
def test_nor_does_a_full_queue(reference, keys):
    mpi, silent = reference
    seen = observed(mpi, IDLE, flows=[("low", "high", SMALL_QUEUE, keys), ("high", "top")])
    assert differences(silent, seen) == [], explain(silent, seen)


def test_a_planted_path_that_only_a_system_call_shows_is_caught(reference):
    """The positive control: an accomplice makes a file that `low` can look for when the high side does something."""
    mpi, _ = reference
    silent = observed(mpi, ABSENT, ["look", "gate/leak"])
    told = observed(mpi, IDLE, ["look", "gate/leak"], leak=True)
    assert differences(silent, told) == ["thread 0"], explain(silent, told)


def test_a_planted_path_through_mpi_is_caught(reference):
    """The other: a flow back."""
    mpi, _ = reference
    silent = observed(mpi, ABSENT, ["listen"], BOTH_WAYS)
    told = observed(mpi, "answering", ["listen"], BOTH_WAYS)
    assert "trace.0" in differences(silent, told)
