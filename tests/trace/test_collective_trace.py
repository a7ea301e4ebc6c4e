"""What a low subject sees of collectives is byte for byte the same, whatever the high side is or does (SPEC 3.1)."""

import os
import pathlib
import re
import signal
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from mpi_programs import Subject, await_text, await_true, prepared, wrote
from test_low_trace import (  # noqa: E402  (after the path)
    BOTH_WAYS, ONE_WAY, differences, explain, processes, signal_all, without_clock,
)

TAKING_PART, ABSENT, IDLE, KILLED, STOPPED = "taking part", "absent", "idle", "killed", "stopped"
PROGRAM = "collective_side"
# How often a rank looks, gives way, sleeps or is woken depends on who has the processor, and so does when a C library
# under pressure gives memory back. All else is compared.
WAITING = {"sched_yield", "clock_nanosleep", "nanosleep", "futex", "poll", "ppoll", "epoll_wait", "epoll_pwait", "select",
           "access", "faccessat", "faccessat2", "restart_syscall", "recvfrom", "recvmsg", "read", "write", "preadv2",
           "rt_sigreturn", "brk", "madvise", "getrusage"}
MARK = "getppid"
CALL = re.compile(r"^(?:\[pid +\d+\] )?(\w+)\(")


def members(run, mode_file: str) -> list:
    """Ids of the processes whose command line has this mode file: the ranks and what is between them and the run."""
    return processes(run, f"{PROGRAM}-", mode_file)


def ranks(run, mode_file: str) -> list:
    """The ranks among them: they have the guard's memory."""
    def has_ring(pid):
        try:
            with open(f"/proc/{pid}/maps", encoding="utf-8") as file:
                return "memfd:sluice" in file.read()
        except OSError:
            return False
    return sorted(pid for pid in members(run, mode_file) if has_ring(pid))


def watch(run, pids: list) -> list:
    """Starts strace on each process; returns (process, file) pairs once all are attached."""
    found = []
    for i, pid in enumerate(pids):
        path = run.folder / f"calls.{i}"
        tracer = subprocess.Popen(["strace", "-qq", "-p", str(pid), "-o", path], stderr=subprocess.DEVNULL)
        found.append((tracer, path))
        await_true(run, lambda path=path: path.is_file() and path.stat().st_size > 0, "strace to attach")
    return found


def system_calls(path) -> list:
    """Names of the system calls in order, without those of waiting: from the gate to the mark before MPI_Finalize, in
    which one rank may be ended as soon as the other has ended."""
    names = [match.group(1) for match in map(CALL.match, path.read_text(errors="replace").splitlines()) if match]
    return [name for name in names[: names.index(MARK)] if name not in WAITING]


def observed(mpi: str, scenario: str, flows: list = None, listen: bool = False) -> dict:
    """Runs `low` against a high side; returns all that `low` saw and did."""
    flows = flows or ONE_WAY
    both_ways = flows is BOTH_WAYS
    files = {"trace": "write", "gate": "read", "mode": "read"}

    def arguments(name: str) -> list:
        return ["trace", "gate/half", f"mode/{name}", "gate/end", *(["listen"] if listen else [])]
    above = {"gate": "read", "mode": "read"}
    subjects = [
        Subject("low", "UNCLASSIFIED", 2, PROGRAM, arguments("low"), mpi, files=files),
        Subject("high", "UNCLASSIFIED" if both_ways else "SECRET", 1, PROGRAM, arguments("high"), "mpich", files=above),
    ]
    if not both_ways:
        subjects.append(Subject("top", "TOP_SECRET", 1, PROGRAM, arguments("top"), "openmpi", files=above))
    with prepared(subjects, flows, "64MiB") as run:
        for folder in ("trace", "gate", "mode"):
            (run.folder / folder).mkdir()
        run.write("mode/low", "low", executable=False)
        for name in ("high", "top"):
            run.write(f"mode/{name}", {KILLED: IDLE, STOPPED: IDLE}.get(scenario, scenario), executable=False)
        run.start()
        await_text(run, "low", "half way")
        if scenario in (KILLED, STOPPED):
            await_true(run, lambda: wrote(run, "high", "ready") and members(run, "mode/high"), "high to be there")
            signal_all(members(run, "mode/high"), signal.SIGKILL if scenario == KILLED else signal.SIGSTOP)
        watched = watch(run, ranks(run, "mode/low"))
        run.write("gate/half", "", executable=False)
        await_true(run, lambda: len(list((run.folder / "trace").iterdir())) == 2 and not members(run, "mode/low"), "low to end")
        run.write("gate/end", "", executable=False)
        if scenario == STOPPED:
            signal_all(members(run, "mode/high"), signal.SIGCONT)
        result = run.finish()
        assert not result.timed_out, result.explain()
        seen = {path.name: path.read_bytes() for path in sorted((run.folder / "trace").iterdir())}
        for tracer, path in watched:
            tracer.wait(10)
            seen[path.name] = "\n".join(system_calls(path))
        for stream in ("out", "err"):
            seen[stream] = without_clock(result.output_of("low", stream).replace(str(run.folder), "FOLDER"))
        seen["exit code"] = next(one for one in result.summary["subjects"] if one["name"] == "low")["exit_status"]
        return seen


@pytest.mark.parametrize("mpi", ["openmpi", "mpich"])
def test_the_low_side_sees_the_same(mpi):
    reference = observed(mpi, TAKING_PART)
    assert reference["exit code"] == 3, reference["err"]
    assert set(reference) >= {"trace.0", "trace.1", "calls.0", "calls.1"}
    assert reference["trace.0"].count(b"Scan: 0 ") == 16 and b"may not send to" in reference["trace.0"]
    assert reference["trace.1"].count(b"Comm_create: 0 ") == 4 and reference["trace.1"].count(b"Send: 0 ") == 4
    assert reference["trace.0"].count(b"Neighbor_allgather: 0 ") == 4  # and as often refused: an edge down
    assert reference["calls.0"].count("\n") > 10, "strace saw nothing"
    for scenario in (ABSENT, KILLED, STOPPED):
        seen = observed(mpi, scenario)
        assert differences(reference, seen) == [], f"{scenario}: {explain(reference, seen)}"


def test_a_legal_answer_is_seen_by_the_same_comparison():
    """The positive control: with a flow back, the low side does learn what the high side does."""
    answered = observed("mpich", TAKING_PART, BOTH_WAYS, listen=True)
    assert b"told: 4711" in answered["trace.0"]
    absent = observed("mpich", ABSENT, BOTH_WAYS, listen=True)
    assert {"trace.0", "calls.0"} <= set(differences(answered, absent))
