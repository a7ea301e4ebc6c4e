"""Fortran programs through all three bindings of both host MPIs: as on the bare host, and never past the library."""

import re

import pytest

from mpi_programs import COMBINATIONS, PROGRAMS, Subject, prepared, run_and_pass, with_mpis
from sluice_run import bare

MPIS = ["openmpi", "mpich"]
BINDINGS = {"include": 77, "module": 90, "f08": 2008}
PROGRAM_NAMES = ["messages", "objects"]
RANKS = 4


def verdicts(text: str) -> dict:
    """What each rank said in its last line, by world rank."""
    found = re.findall(r"(PASSED|FAILED) rank (\d+): (.*)", text)
    return {int(rank): f"{verdict} {rest.strip()}" for verdict, rank, rest in found}


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """What a program says on the bare host; asked once for each."""
    known = {}

    def ask(image: str, topics: list) -> dict:
        mpi = image.rsplit("-", 1)[1]
        if (image, *topics) not in known:
            done = bare(mpi, RANKS, str(PROGRAMS / image), *topics, cwd=tmp_path_factory.mktemp("bare"), timeout=60)
            assert done.returncode == 0, done.stdout + done.stderr
            known[(image, *topics)] = verdicts(done.stdout)
        return known[(image, *topics)]

    return ask


def run_subjects(image: str, topics: list, layout: list, combination: str, flows: list) -> dict:
    """Runs `image` in subjects of the given sizes, all at one label; returns what each world rank said."""
    names = ["left", "right"]
    subjects = with_mpis(
        [Subject(names[i], "SECRET", ranks, image, topics) for i, ranks in enumerate(layout)], combination)
    result = run_and_pass(subjects, flows)
    return verdicts(result.stdout)


@pytest.mark.parametrize("program", PROGRAM_NAMES)
@pytest.mark.parametrize("binding", BINDINGS)
@pytest.mark.parametrize("mpi", MPIS)
def test_one_subject_is_the_bare_host(mpi, binding, program, reference):
    image = f"{program}-{BINDINGS[binding]}"
    expected = reference(f"{image}-{mpi}", [])
    assert len(expected) == RANKS
    assert run_subjects(image, [], [RANKS], mpi, []) == expected


@pytest.mark.parametrize("program", PROGRAM_NAMES)
@pytest.mark.parametrize("binding", BINDINGS)
@pytest.mark.parametrize("combination", ["openmpi", "mpich", "mixed"])
def test_two_subjects_are_the_bare_host(combination, binding, program, reference):
    image = f"{program}-{BINDINGS[binding]}"
    mpis = COMBINATIONS[combination]
    flows = [("left", "right"), ("right", "left")]
    said = run_subjects(image, [], [2, 2], combination, flows)
    for rank in range(RANKS):
        mpi = mpis[(rank // 2) % len(mpis)]
        assert said[rank] == reference(f"{image}-{mpi}", [])[rank], f"rank {rank}"


@pytest.mark.parametrize("binding", BINDINGS)
@pytest.mark.parametrize("mpi", MPIS)
def test_one_way(mpi, binding):
    subjects = [Subject("low", "UNCLASSIFIED", 2, f"one_way-{BINDINGS[binding]}", mpi=mpi),
                Subject("high", "SECRET", 2, f"one_way-{BINDINGS[binding]}", mpi=mpi)]
    run_and_pass(subjects, [("low", "high")])


# --- The self-check --------------------------------------------------------------------------------------------------

def run_binding(mpi: str, program: str, arguments: list, world: str = "run", files: dict = None):
    """Two subjects of one rank each that run a program which may go past the library."""
    subjects = [Subject(name, "SECRET", 1, program, arguments, mpi, files or {}, world) for name in ("left", "right")]
    with prepared(subjects, [] if world == "subject" else [("left", "right")]) as run:
        for path in files or {}:
            (run.folder / path).write_bytes((PROGRAMS / path).read_bytes())
        return run.run(timeout=60)


@pytest.mark.parametrize("mpi", MPIS)
def test_a_binding_that_is_intercepted_passes(mpi):
    result = run_binding(mpi, "binding", ["global"])
    assert result.code == 0 and result.stdout.count("PASSED with 2 ranks") == 2, result.explain()


@pytest.mark.parametrize("mpi", MPIS)
def test_a_binding_loaded_past_the_library_ends_the_program_at_init(mpi):
    result = run_binding(mpi, "binding", ["deep"])
    assert result.code == 1 and "PASSED" not in result.stdout, result.explain()
    assert "reaches an MPI library without passing this one" in result.stderr, result.explain()
    assert "libmpi_mpifh.so" in result.stderr or "libmpichfort.so" in result.stderr, result.explain()


@pytest.mark.parametrize("mpi", MPIS)
def test_a_program_that_uses_nothing_else_ends_with_the_reason(mpi):
    result = run_binding(mpi, "binding", ["alone"])
    assert result.code == 1, result.explain()
    assert "without passing this library, so it has run in a world of its own subject" in result.stderr, result.explain()


@pytest.mark.parametrize("mpi", MPIS)
def test_a_binding_with_a_host_of_its_own_ends_the_program_at_load(mpi):
    library = f"libown_copy-{mpi}.so"
    result = run_binding(mpi, "own_copy_user", [], files={library: "read"})
    assert result.code == 1 and "PASSED" not in result.stdout, result.explain()
    assert library in result.stderr and "without passing this one" in result.stderr, result.explain()


@pytest.mark.parametrize("mpi", MPIS)
def test_a_world_of_its_own_needs_no_check(mpi):
    result = run_binding(mpi, "own_copy_user", [], world="subject", files={f"libown_copy-{mpi}.so": "read"})
    assert result.code == 0 and result.stdout.count("PASSED") == 2, result.explain()


# --- mpix_sluice.h from Fortran --------------------------------------------------------------------------------------

@pytest.mark.parametrize("mpi", MPIS)
def test_queries_from_fortran(mpi):
    subjects = [Subject("low", "UNCLASSIFIED", 2, "fortran_subjects", mpi=mpi),
                Subject("high", "SECRET", 2, "fortran_subjects", mpi=mpi)]
    result = run_and_pass(subjects, [("low", "high")])
    said = sorted(re.findall(r"PASSED subject (.*)", result.stdout))
    assert said == ["0 2 1 0 0 1", "0 2 1 0 1 1", "1 2 1 0 2 5", "1 2 1 0 3 5"], result.explain()
