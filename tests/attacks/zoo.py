"""What the attackers' tests share: the tables of README.md, policies, and the figures that honest subjects print."""

import dataclasses
import os
import pathlib
import re
import shutil
import socket
import subprocess
import time

from sluice_run import SluiceRun, build_folder

README = pathlib.Path(__file__).with_name("README.md")
ATTACKERS = build_folder() / "attackers"
SECRET = "the-victims-secret"
CANARY = "operators-canary"
INTRUDER_SECTIONS = ["Processes", "Shared memory, queues, sockets, keys", "Network", "Files", "Kernel", "Locks"]


def table(section: str) -> dict:
    """Rows of one section of README.md: first cell, without its quotes, to the cells after the second."""
    text = README.read_text().split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0].split("\n# ", 1)[0]
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            found[cells[0].strip("`")] = cells[2:]
    assert found, f"README.md has no table {section}"
    return found


def tables(sections: list) -> dict:
    found = {}
    for section in sections:
        for name, cells in table(section).items():
            assert name not in found, f"README.md has two rows {name}"
            found[name] = cells
    return found


def verdicts(text: str) -> dict:
    """Name to verdict, of the `VERDICT name verdict` lines in `text`."""
    return dict(re.findall(r"VERDICT (\w+) (.*)$", text, flags=re.MULTILINE))


def differences(expected: dict, found: dict) -> list:
    """One line for each attempt whose verdict is not the table's, or that is only in one of the two."""
    lines = [f"{name}: no row in README.md" for name in found if name not in expected]
    for name, verdict in expected.items():
        if name not in found:
            lines.append(f"{name}: no such attempt")
        elif found[name] != verdict:
            lines.append(f"{name}: {found[name]}, should be {verdict}")
    return lines


def own_address() -> str:
    """An address of this host other than the loopback's. No packet is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return probe.getsockname()[0]
        except OSError:
            return "127.0.0.2"  # no network: another address that reaches a listener on every address


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def process_with(*words: str) -> int:
    """The process, seen from here, whose program ends in the first word and whose arguments have the others; 0: none."""
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            arguments = pathlib.Path("/proc", entry, "cmdline").read_text().split("\0")
        except OSError:
            continue
        if arguments[0].endswith(words[0]) and all(word in arguments for word in words[1:]):
            return int(entry)
    return 0


def wait_for(path: pathlib.Path, text: str, process: subprocess.Popen, seconds: float) -> None:
    """Waits until the file has `text`, the process has ended, or time is up (AssertionError)."""
    deadline = time.monotonic() + seconds
    while text not in (path.read_text(errors="replace") if path.exists() else ""):
        if process.poll() is not None:
            return
        assert time.monotonic() < deadline, f"no {text} within {seconds} s:\n{path.read_text(errors='replace')}"
        time.sleep(0.05)


def write_target(place: pathlib.Path, **values) -> None:
    """Tells the intruder of its victim, all at once."""
    text = "".join(f"{name}={value}\n" for name, value in values.items())
    part = place.with_suffix(".part")
    part.write_text(text)
    part.rename(place)


@dataclasses.dataclass
class Subject:
    """One subject of a policy for hostile ranks."""

    name: str
    program: str
    arguments: list
    ranks: int = 1
    label: str = "LOW"

    def yaml(self) -> str:
        words = ", ".join(f'"{word}"' for word in [f"./{self.program}", *map(str, self.arguments)])
        return f"  {self.name}:\n    label: {self.label}\n    ranks: {self.ranks}\n    run: [{words}]\n    mpi: mpich\n"


def policy(subjects: list, flows: list, queue: str = "8MiB") -> str:
    """Text of a policy of three levels; `flows` are pairs of names."""
    text = "sluice: 1\nlattice:\n  levels: [LOW, MIDDLE, HIGH]\nsubjects:\n" + "".join(one.yaml() for one in subjects)
    return text + "flows:\n" + "".join(f"  - {{ from: {a}, to: {b}, queue: {queue} }}\n" for a, b in flows)


def run_subjects(subjects: list, flows: list, queue: str = "8MiB", timeout: float = 60.0):
    """Runs the subjects with their programs from the build tree. Returns (Result, summary's subjects by name, output of
    each by name). Leaves nothing behind, which SluiceRun asserts."""
    with SluiceRun(policy(subjects, flows, queue)) as run:
        for program in {one.program for one in subjects}:
            shutil.copy(ATTACKERS / program, run.folder)
        result = run.run(timeout=timeout)
        assert not result.timed_out, result.explain()
        ends = {one["name"]: one for one in result.summary["subjects"]}
        outputs = {one.name: result.output_of(one.name) for one in subjects}
        return result, ends, outputs


FROM = re.compile(
    r"FROM (\S+) messages (\d+) probes (\d+) patterned (\d+) ended (\d+) cut (\d+) malformed (\d+)"
)


def received(text: str) -> dict:
    """What `honest receive` says of each sending subject: name to a dict of its counts."""
    names = ("messages", "probes", "patterned", "ended", "cut", "malformed")
    return {found[0]: dict(zip(names, map(int, found[1:]))) for found in FROM.findall(text)}
