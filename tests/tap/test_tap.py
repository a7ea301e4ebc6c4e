"""No frame goes against a flow, whatever collective runs: seen by a tap in the guard and by the kernel's own lists.

The tap (guard_tap.cpp) says which frames were put into which memory. Which process can read or write that memory is
read from /proc while the run goes on, and which subjects may send to which is read off the policy here: nothing of the
guard's tables or counters is believed.
"""

import dataclasses
import os
import pathlib
import re
import shutil
import struct
import tempfile
import time

import pytest

from mpi_programs import PROGRAMS, Subject, assert_passed, prepared, with_mpis
from sluice_run import FOLDER_PREFIX, build_folder, command_line, descendants

LINES, HEAD, LINE = 512, struct.Struct("QQ"), struct.Struct("QQQQQQ")
MAILBOX, RING = 1, 2
MAPPING = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ (\d+) +/memfd:(sluice-\S+)", re.MULTILINE)
UNKNOWN = "unknown"
TWO_WAY = [("low", "high"), ("high", "low")]


@dataclasses.dataclass
class Seen:
    """What a run did: frames by (sender, receiver); highest capability index by sender; who shares memory with whom."""

    frames: dict
    highest: dict
    shared: set


@pytest.fixture(scope="module")
def tapped():
    """An installation whose guard is the tapped one. The guard's user has to reach it."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
    folder.chmod(0o755)
    shutil.copytree(build_folder() / "bin", folder / "bin")
    shutil.copy(PROGRAMS / "tapped-guard", folder / "bin" / "sluice-guard")
    shutil.copytree(build_folder() / "lib", folder / "lib")
    os.environ["SLUICE_BINARY"] = str(folder / "bin" / "sluice")
    yield folder
    del os.environ["SLUICE_BINARY"]
    shutil.rmtree(folder)


def maps_of(pid: int) -> list:
    """(first address, end, permissions, inode) of the memory that a process has from the guard."""
    try:
        text = pathlib.Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return []
    return [(int(a, 16), int(b, 16), mode, int(inode)) for a, b, mode, inode, _ in MAPPING.findall(text)]


def look(run, subjects: list, seen: dict, guard: list) -> None:
    """Adds to `seen` which subjects' ranks have which memory, and how; keeps the guard's own mappings."""
    for pid in descendants(run.process.pid):
        line = command_line(pid)
        maps = maps_of(pid)
        if line.startswith("sluice-guard"):
            guard[:] = max(guard, maps, key=len)
            continue
        for subject in subjects:
            if f" tap={subject.name}" in f" {line}":
                for _, _, mode, inode in maps:
                    seen.setdefault(inode, {}).setdefault(subject.name, set()).add(mode[:2])


def observed(folder: pathlib.Path, run, subjects: list) -> tuple:
    """Runs to the end; returns the result and what was seen."""
    record = folder / "bin" / "TAP"
    record.write_bytes(bytes(HEAD.size + LINES * LINE.size))
    record.chmod(0o666)
    owners, guard = {}, []
    run.start()
    deadline = time.monotonic() + 60
    while run.process.poll() is None and time.monotonic() < deadline:
        look(run, subjects, owners, guard)
        time.sleep(0.01)
    result = run.finish(5)
    data = record.read_bytes()
    used, lost = HEAD.unpack_from(data)
    assert used > 0 and lost == 0, f"{used} memories, lost {lost}\n{result.explain()}"
    lines = [LINE.unpack_from(data, HEAD.size + i * LINE.size) for i in range(used)]
    return result, judge_memory(lines, owners, guard, subjects)


def judge_memory(lines: list, owners: dict, guard: list, subjects: list) -> Seen:
    """From addresses in the guard to subjects."""
    subject_of = [subject.name for subject in subjects for _ in range(subject.ranks)]
    found = Seen({}, {}, {tuple(sorted(who)) for who in owners.values() if len(who) > 1})
    for kind, _, address, frames, sources, highest in lines:
        inode = next(inode for first, end, _, inode in guard if first <= address < end)
        if frames == 0:
            continue
        # Of a rank that had ended before anybody looked.
        ((owner, modes),) = owners.get(inode, {UNKNOWN: {"r-"}}).items()
        if kind == RING:
            found.highest[owner] = max(found.highest.get(owner, 0), highest)
            continue
        assert modes == {"r-"}, f"{owner} may write what it receives: {modes}"
        for rank, sender in enumerate(subject_of):
            if sources >> rank & 1:
                found.frames[sender, owner] = found.frames.get((sender, owner), 0) + frames
    return found


def complaints(seen: Seen, subjects: list, flows: list) -> list:
    """What is against the policy."""
    ranks = {subject.name: subject.ranks for subject in subjects}
    capabilities = {name: sum(ranks[to] for sender, to in flows if sender == name) for name in ranks}
    found = [f"frames from {a} to {b}" for a, b in seen.frames if (a, b) not in flows]
    capabilities[UNKNOWN] = max(capabilities.values())
    found += [f"{a} tried" for a, highest in seen.highest.items() if highest >= capabilities[a]]
    return found + [f"{' and '.join(who)} share memory" for who in seen.shared]


def programs(program: str, labels: dict, arguments: list, ranks: list) -> list:
    return [Subject(name, label, count, program, [*arguments, f"tap={name}"])
            for (name, label), count in zip(labels.items(), ranks)]


def run_and_look(tapped, subjects: list, flows: list) -> Seen:
    with prepared(subjects, flows, "64MiB") as run:
        result, seen = observed(tapped, run, subjects)
        assert_passed(result, subjects)
        return seen


CHAIN = {"low": "UNCLASSIFIED", "middle": "SECRET", "high": "TOP_SECRET"}
DIAMOND = {"low": "UNCLASSIFIED", "left": "SECRET//IMG", "right": "SECRET//NUC", "top": "TOP_SECRET//IMG/NUC"}
SHAPES = {
    "chain": (CHAIN, [("low", "middle"), ("middle", "high")], [2, 2, 1]),
    "diamond": (DIAMOND, [("low", "left"), ("low", "right"), ("left", "top"), ("right", "top")], [1, 2, 1, 1]),
}


@pytest.mark.parametrize("shape, combination", [("chain", "openmpi"), ("chain", "mpich"), ("diamond", "mixed")])
def test_no_frame_goes_against_a_flow(tapped, shape, combination):
    labels, flows, ranks = SHAPES[shape]
    subjects = with_mpis(programs("collectives", labels, [], ranks), combination)
    seen = run_and_look(tapped, subjects, flows)
    assert complaints(seen, subjects, flows) == []
    # Every flow carried something, or it would show nothing.
    assert set(seen.frames) == set(flows) and min(seen.frames.values()) > 100, seen


@pytest.mark.parametrize("combination", ["openmpi", "mpich"])
def test_no_frame_of_nonblocking_collectives_does(tapped, combination):
    labels = {"low": "UNCLASSIFIED", "high": "SECRET", "top": "TOP_SECRET"}
    flows = [("low", "high"), ("high", "top")]
    subjects = with_mpis(programs("pending_collectives", labels, ["chain"], [2, 2, 1]), combination)
    seen = run_and_look(tapped, subjects, flows)
    assert complaints(seen, subjects, flows) == []
    assert set(seen.frames) == set(flows), seen


@pytest.mark.parametrize("combination", ["openmpi", "mpich"])
def test_no_frame_of_an_intercommunicator_does(tapped, combination):
    """It is made, used for messages and collectives, and freed."""
    labels = {"low": "UNCLASSIFIED", "high": "SECRET"}
    flows = [("low", "high")]
    subjects = with_mpis(programs("intercommunicators", labels, ["upwards"], [2, 2]), combination)
    seen = run_and_look(tapped, subjects, flows)
    assert complaints(seen, subjects, flows) == []
    assert set(seen.frames) == set(flows), seen


def test_frames_downwards_would_be_seen(tapped):
    """The positive control: with flows both ways frames do go down, and against a policy of one way that is found."""
    labels = {"low": "SECRET", "high": "SECRET"}
    subjects = programs("collectives", labels, [], [2, 1])
    seen = run_and_look(tapped, subjects, TWO_WAY)
    assert complaints(seen, subjects, TWO_WAY) == []
    assert "frames from high to low" in complaints(seen, subjects, TWO_WAY[:1])


@pytest.mark.parametrize("misdeed", ["endpoint_next", "endpoint_none"])
def test_an_attempt_is_seen(tapped, misdeed):
    """The other: a rank without the library that names a destination it has no flow to."""
    sender = Subject("sender", "UNCLASSIFIED", 1, "./hostile_sender", [misdeed], "mpich")
    victim = Subject("victim", "SECRET", 2, "./honest", ["receive"], "mpich")
    with prepared([sender, victim], [("sender", "victim")]) as run:
        for name in ("hostile_sender", "honest"):
            shutil.copy(build_folder() / "attackers" / name, run.folder)
        result, seen = observed(tapped, run, [sender, victim])
        ends = {one["name"]: one["ended_by"] for one in result.summary["subjects"]}
    assert ends["sender"] == "guard-misbehaviour", result.explain()
    # It has no further argument by which to know it, so whose ring it was is not seen.
    assert f"{UNKNOWN} tried" in complaints(seen, [sender, victim], [("sender", "victim")])
    assert sum(seen.frames.values()) == 2, "more than the probe came, in all, and the end of the sender"
