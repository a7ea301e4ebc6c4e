"""The conformance programs on the bare host, as one subject, in subjects that flow both ways, and on one-way flows.

What is refused, where and by which function, is in refused.txt; what does not work yet is in pending.txt, and fails
here once it works.
"""

import functools
import os

import pytest

import conformance
from conformance import HOSTS, Verdicts
from mpi_programs import Subject, prepared
from sluice_run import bare, build_folder

RANKS = [2, 3, 5, 8]
LABELS = {"U": "UNCLASSIFIED", "S": "SECRET", "TS": "TOP_SECRET"}
SECONDS = 20  # for each case
PATIENCE = 240  # for a whole run


def spread(ranks: int, subjects: int) -> list:
    """How many ranks each subject gets; the first ones have more."""
    return [ranks // subjects + (1 if i < ranks % subjects else 0) for i in range(subjects)]


def layout(mode: str, mpis: list, ranks: int) -> tuple:
    """Subjects of a mode and their flows. Each has a writable folder: where there is one, files can be locked."""
    if mode == "one":
        return [Subject("only", "SECRET", ranks, "conformance", mpi=mpis[0], files={"own-only": "write"})], []
    if mode in ("two-way", "mixed"):
        names = ["a", "b", "c"][: min(ranks, 3)]
        labels = dict.fromkeys(names, "SECRET//IMG")
        flows = [(a, b) for a in names for b in names if a != b]
    else:
        names = ["U", "S"] if mode == "pair" else ["U", "S", "TS"]
        labels = LABELS
        flows = list(zip(names, names[1:]))
    sizes = spread(ranks, len(names))
    return [
        Subject(name, labels[name], sizes[i], "conformance", mpi=mpis[i % len(mpis)], files={f"own-{name}": "write"})
        for i, name in enumerate(names)
    ], flows


def threads(ranks: int) -> bool:
    """Half of the runs are initialised with MPI_THREAD_MULTIPLE."""
    return ranks in (2, 5)


def run(mode: str, mpis: list, ranks: int, arguments: list, folder, path: str = "relay") -> dict:
    """Verdicts of each subject. `path`: of every flow."""
    arguments = [*(["--threads"] if threads(ranks) else []), *arguments]
    if mode == "bare":
        program = str(build_folder() / "tests" / "programs" / f"conformance-{mpis[0]}")
        done = bare(mpis[0], ranks, program, *arguments, cwd=folder, timeout=PATIENCE)
        verdicts = Verdicts(done.stdout, ranks)
        verdicts.failures = [] if done.returncode == 0 else [f"exit code {done.returncode}: {done.stderr[-2000:]}"]
        return {"only": verdicts}
    subjects, flows = layout(mode, mpis, ranks)
    for subject in subjects:
        subject.arguments = arguments
    with prepared(subjects, flows, path=path) as started:
        for subject in subjects:
            (started.folder / f"own-{subject.name}").mkdir()
        result = started.run(timeout=PATIENCE)
        found = {s.name: Verdicts(result.output_of(s.name), s.ranks) for s in subjects}
        if result.code != 0:
            found[subjects[0].name].failures = [f"exit code {result.code}, timed out: {result.timed_out}: {result.stderr[-2000:]}"]
        return found


def problems(mode: str, mpi: str, found: dict, cases: list) -> list:
    """What differs from what is expected."""
    refusals = conformance.expected_refusals(mode, mpi)
    result = []
    for subject, verdicts in found.items():
        for case in cases:
            expected = refusals.get((subject, case), refusals.get(("*", case), set()))
            problem = verdicts.problem(case, expected)
            result += [f"{subject}: {problem}"] if problem else []
        result += verdicts.failures
    return result


def learn(mode: str, found: dict, cases: list) -> None:
    """With SLUICE_LEARN=FILE, appends lines for refused.txt as they would be, for a person to judge."""
    path = os.environ.get("SLUICE_LEARN")
    if path is None:
        return
    with open(path, "a", encoding="utf-8") as file:
        for subject, verdicts in found.items():
            for case in cases:
                if verdicts.refused(case):
                    name = "*" if mode in ("two-way", "mixed") else subject
                    file.write(f"{mode} {name} {case} {' '.join(sorted(verdicts.refused(case)))}\n")


def check(mode: str, mpis: list, ranks: int, folder, path: str = "relay") -> None:
    """Runs all cases that are not pending and compares."""
    names = [conformance.case_names(mpi, threads(ranks)) for mpi in mpis]
    waiting = set().union(*(conformance.pending(mode, mpi) for mpi in mpis))
    common = [case for case in names[0] if all(case in other for other in names)]
    cases = [case for case in common if case not in waiting]
    leave_out = waiting | set().union(*names) - set(common)
    arguments = ["--seconds", SECONDS, *(["--without", ",".join(sorted(leave_out))] if leave_out else [])]
    found = run(mode, mpis, ranks, [str(argument) for argument in arguments], folder, path)
    learn(mode, found, cases)
    wrong = problems(mode, mpis[0], found, cases)
    assert not wrong, f"{len(wrong)} problems:\n" + "\n".join(wrong[:60])


@pytest.mark.parametrize("ranks", RANKS)
@pytest.mark.parametrize("mpi", HOSTS)
def test_bare_host(mpi, ranks, tmp_path):
    check("bare", [mpi], ranks, tmp_path)


@pytest.mark.parametrize("ranks", RANKS)
@pytest.mark.parametrize("mpi", HOSTS)
def test_one_subject(mpi, ranks, tmp_path):
    check("one", [mpi], ranks, tmp_path)


@pytest.mark.parametrize("ranks", RANKS)
@pytest.mark.parametrize("mpi", HOSTS)
def test_both_ways(mpi, ranks, tmp_path):
    check("two-way", [mpi], ranks, tmp_path)


def test_both_ways_between_hosts(tmp_path):
    check("mixed", ["openmpi", "mpich"], 5, tmp_path)


@pytest.mark.parametrize("mpis", [["openmpi"], ["mpich"], ["openmpi", "mpich"]], ids="-".join)
def test_shared_path(mpis, tmp_path):
    check("mixed", mpis, 5, tmp_path, "shared")


@pytest.mark.parametrize("ranks", RANKS)
@pytest.mark.parametrize("mpi", HOSTS)
def test_one_way(mpi, ranks, tmp_path):
    check("pair" if ranks == 2 else "chain", [mpi], ranks, tmp_path)


@pytest.mark.parametrize("mode", ["one", "two-way", "mixed", "pair", "chain"])
@pytest.mark.parametrize("mpi", HOSTS)
def test_pending_cases_still_fail(mpi, mode, tmp_path):
    """Cases run in turn until one hangs or crashes, then the next run begins with the one after it."""
    mpis = HOSTS if mode == "mixed" else [mpi]
    waiting = sorted(conformance.pending(mode, mpi, steadily=True))
    known = [set(conformance.case_names(host, True)) for host in mpis]
    waiting = [case for case in waiting if all(case in names for names in known)]
    works = []
    while waiting:
        found = run(mode, mpis, {"mixed": 5, "pair": 2}.get(mode, 3), ["--seconds", "4", ",".join(waiting)], tmp_path)
        tried = [case for case in waiting if any(case in verdicts.cases() for verdicts in found.values())]
        for verdicts in found.values():
            verdicts.failures = []
        works += [case for case in tried if not problems(mode, mpi, found, [case])]
        waiting = [case for case in waiting if case not in tried] if tried else waiting[1:]
    assert not works, f"works by now, take it out of pending.txt: {works}"


@functools.cache
def known_cases() -> set:
    return {case for mpi in HOSTS for case in conformance.case_names(mpi, True)}


def test_lists_name_cases_that_exist():
    named = {case for mode in conformance.MODES for mpi in HOSTS for case in conformance.pending(mode, mpi)}
    named |= {case for mode in conformance.MODES for mpi in HOSTS for _, case in conformance.expected_refusals(mode, mpi)}
    assert not named - known_cases()


def test_differences_are_seen():
    """Positive control of the comparison."""
    verdicts = Verdicts("CASE a ok\nCASE a ok\nCASE b refused MPI_Send@backward MPI_Recv: text: more\nCASE b ok\n"
                        "CASE c FAILED x.cpp:1: 1 == 2 (rank 0)\nCASE c ok\nCASE d ok\n", 2)
    assert verdicts.problem("a", set()) is None
    assert verdicts.problem("b", {"MPI_Send@backward", "MPI_Recv"}) is None
    assert verdicts.problem("a", {"MPI_Send"}) and verdicts.problem("b", {"MPI_Recv"}) and verdicts.problem("b", set())
    assert verdicts.problem("c", set()) and verdicts.problem("d", set()) and verdicts.problem("absent", set())
