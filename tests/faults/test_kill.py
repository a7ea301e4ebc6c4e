"""However a run ends, it ends soon, says so, and leaves nothing behind (SPEC 6.3, 6.4).

Each test kills one part, at one moment, and then holds the run against docs/running.md: exit code, and no process,
mount or file left, within BOUND seconds.
"""

import os
import signal
import time

import pytest

from mpi_programs import COMBINATIONS, Subject, await_text, await_true, finish_after_abort, prepared, with_mpis, wrote
from sluice_run import command_line, descendants

BOUND = 10.0
ORDINARY_USER = 65534
FLOWS = [("low", "high")]


def started(combination: str = "mixed", how: str = "work", uid: int = None):
    """A run that goes on until `gate/end` is there."""
    subjects = with_mpis(
        [
            Subject("low", "UNCLASSIFIED", 1, "worker", [how, "gate/end", "named-low"], files={"gate": "read"}),
            Subject("high", "SECRET", 1, "worker", ["work", "gate/end", "named-high"]),
        ],
        combination,
    )
    run = prepared(subjects, FLOWS, "8MiB", uid)
    (run.folder / "gate").mkdir()
    return run


def first(candidates: list):
    return candidates[0] if candidates else None


def named(run, test) -> list:
    """Ids of the processes of the run whose command line passes `test`, parents before children."""
    return [pid for pid in sorted(descendants(run.process.pid)) if test(command_line(pid))]


def supervisor(run):
    """The child of the front that leads a session. Others try out what the host can do, and are gone soon."""
    front = run.process.pid
    return first([pid for pid in descendants(front) if parent_of(pid) == front and stat_field(pid, 3) == pid])


def parent_of(pid: int) -> int:
    return stat_field(pid, 1)


def stat_field(pid: int, index: int) -> int:
    """A number after the command in /proc/PID/stat: 1 parent, 2 process group, 3 session; -1 if the process is gone."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return int(file.read().rsplit(")", 1)[1].split()[index])
    except (OSError, IndexError):
        return -1


PARTS = {
    "front": lambda run: run.process.pid,
    "supervisor": supervisor,
    "guard": lambda run: first(named(run, lambda line: "sluice-guard" in line.split(" ")[0])),
    "bwrap": lambda run: first(named(run, lambda line: "bwrap" in line.split(" ")[0] and "named-low" in line)),
    "mpiexec": lambda run: first(named(run, lambda line: "mpiexec" in line.split(" ")[0] and "named-low" in line)),
    "rank": lambda run: first(named(run, lambda line: "worker" in line.split(" ")[0] and "named-low" in line)),
}
# The exit code of the run. A part that dies while it is set up may mean that the host cannot.
CODES = {"front": {-signal.SIGKILL}, "supervisor": {6}, "guard": {6}, "bwrap": {1}, "mpiexec": {1}, "rank": {1}}
CODES_AT_START = {**CODES, "supervisor": {4, 6}, "guard": {4, 6}, "bwrap": {1, 4}, "mpiexec": {1, 4}}


def await_both_up(run) -> None:
    for name in ("low", "high"):
        await_text(run, name, "is up")


def finish_in_time(run, code_wanted: set) -> None:
    """The run ends within BOUND with one of these codes, and everything of it is gone by then."""
    begin = time.monotonic()
    result = run.finish(BOUND)
    assert not result.timed_out, f"still there after {BOUND} s\n{result.explain()}"
    assert result.code in code_wanted, result.explain()
    left = run.leftovers.find(BOUND - (time.monotonic() - begin))
    assert not left, "left behind:\n" + "\n".join(left)


def check_high_was_told(run) -> None:
    """`high` got every message, was told of the end, and ended well."""
    assert wrote(run, "high", "PASSED high"), run.finish(1).explain()


@pytest.mark.parametrize("part", PARTS)
def test_killed_while_it_runs(part):
    with started() as run:
        run.start()
        await_both_up(run)
        os.kill(PARTS[part](run), signal.SIGKILL)
        finish_in_time(run, CODES[part])
        if part in ("bwrap", "mpiexec", "rank"):
            check_high_was_told(run)


@pytest.mark.parametrize("part", ["bwrap", "mpiexec", "rank"])
def test_killed_while_it_runs_with_the_other_mpi(part):
    with started("mixed-other") as run:
        run.start()
        await_both_up(run)
        os.kill(PARTS[part](run), signal.SIGKILL)
        finish_in_time(run, CODES[part])
        check_high_was_told(run)


@pytest.mark.parametrize("part", PARTS)
def test_stopped_and_then_killed(part):
    with started() as run:
        run.start()
        await_both_up(run)
        target = PARTS[part](run)
        os.kill(target, signal.SIGSTOP)
        await_true(run, lambda: state_of(target) == "T", f"{part} to stop")
        os.kill(target, signal.SIGKILL)
        finish_in_time(run, CODES[part])


def state_of(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "gone"


@pytest.mark.parametrize("combination", ["mixed", "mixed-other"])
def test_an_mpiexec_that_outlives_its_ranks_is_ended(combination):
    """Open MPI's does so now and then after an abort; here it is stopped, so that it cannot notice."""
    with started(combination) as run:
        run.start()
        await_both_up(run)
        rank = PARTS["rank"](run)
        launchers = [PARTS["mpiexec"](run), *named(run, lambda line: "hydra_pmi_proxy" in line.split(" ")[0])]
        stopped = [pid for pid in launchers if pid in (parent_of(rank), parent_of(parent_of(rank)))]
        assert stopped
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        os.kill(rank, signal.SIGKILL)
        if combination == "mixed-other":  # the proxy is a process too, and only without it is mpiexec alone
            os.kill(parent_of(rank), signal.SIGKILL)
        await_text(run, "high", "PASSED high")
        result = run.finish(40)
        assert not result.timed_out, result.explain()
        assert result.code == 1, result.explain()
        assert "its mpiexec went on without any rank" in result.stderr, result.explain()


@pytest.mark.parametrize("part", PARTS)
def test_killed_as_soon_as_it_is_there(part):
    with started() as run:
        run.start()
        target = None
        deadline = time.monotonic() + BOUND
        while target is None and run.process.poll() is None and time.monotonic() < deadline:
            target = PARTS[part](run)
        assert target is not None, run.finish(1).explain()
        os.kill(target, signal.SIGKILL)
        finish_in_time(run, CODES_AT_START[part])


@pytest.mark.parametrize("delay", [0.02, 0.1, 0.3])
def test_front_killed_during_start_up(delay):
    """At moments that fall into different steps; whatever step it is, nothing stays."""
    with started() as run:
        run.start()
        time.sleep(delay)
        run.process.kill()
        finish_in_time(run, CODES["front"])


MOMENTS = {
    "at-once": lambda run: True,
    "guard-there": PARTS["guard"],
    "rank-there": PARTS["rank"],
    "running": lambda run: wrote(run, "low", "is up") and wrote(run, "high", "is up"),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_interrupt(moment):
    with started() as run:
        run.start()
        await_true(run, lambda: MOMENTS[moment](run), moment)
        run.process.send_signal(signal.SIGINT)
        # Before the front catches signals, it ends by this one, which a shell shows as 130 too.
        finish_in_time(run, {130, -signal.SIGINT} if moment == "at-once" else {130})


def test_second_interrupt_does_not_wait():
    with started() as run:
        run.start()
        await_both_up(run)
        os.kill(PARTS["mpiexec"](run), signal.SIGSTOP)  # it will not hear the first one
        run.process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        begin = time.monotonic()
        run.process.send_signal(signal.SIGINT)
        finish_in_time(run, {130})
        assert time.monotonic() - begin < 4, "the second Ctrl-C waited as long as the first"


@pytest.mark.parametrize("combination", ["mixed", "mixed-other"])
@pytest.mark.parametrize("how, status", [("exit3", 3), ("segfault", None), ("abort", 4)])
def test_failure_of_one_subject_is_reported_and_the_other_goes_on(how, status, combination):
    with started(combination, how) as run:
        run.start()
        await_text(run, "high", "PASSED high")
        low_mpi = COMBINATIONS[combination][0]
        result = finish_after_abort(run, low_mpi)
        states = {subject["name"]: subject for subject in result.summary["subjects"]}
        assert states["high"]["exit_status"] == 0 and states["high"]["ended_by"] == "itself", result.explain()
        assert states["low"].get("exit_status") != 0, result.explain()
        assert any("low" in line and states["low"]["end"] in line for line in result.stderr.splitlines())
        if low_mpi == "mpich" or how == "exit3":
            assert result.code == 1 and states["low"]["ended_by"] == "itself", result.explain()
            assert status is None or states["low"]["exit_status"] == status, result.explain()


def test_it_would_have_ended_well():
    """The control for all of the above: the same run, let alone."""
    with started() as run:
        run.start()
        await_both_up(run)
        run.write("gate/end", "", executable=False)
        finish_in_time(run, {0})
        check_high_was_told(run)


@pytest.mark.skipif(os.geteuid() != 0, reason="all tests above have run as an ordinary user already")
@pytest.mark.parametrize("part", [*PARTS, "nothing"])
def test_as_an_ordinary_user(part):
    with started(uid=ORDINARY_USER) as run:
        run.start()
        await_both_up(run)
        if part == "nothing":
            run.write("gate/end", "", executable=False)
            finish_in_time(run, {0})
        else:
            os.kill(PARTS[part](run), signal.SIGKILL)
            finish_in_time(run, CODES[part])
