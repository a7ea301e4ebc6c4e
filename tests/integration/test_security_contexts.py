"""Communicators of named subjects and of label ranges, and what a communicator may carry."""

import shutil
import subprocess

import pytest

from mpi_programs import PROGRAMS, Subject, prepared, run_and_pass, with_mpis
from sluice_run import REPOSITORY, bare, build_folder

NAMES = ["low", "middle", "high"]


def subjects(shape: str, labels: list, ranks: list) -> list:
    return [Subject(name, label, count, "security_contexts", [shape]) for name, label, count in zip(NAMES, labels, ranks)]


@pytest.mark.parametrize("combination, ranks", [("openmpi", [2, 2, 1]), ("mpich", [1, 2, 2]), ("mixed", [2, 1, 2])])
def test_chain(combination, ranks):
    labels = ["UNCLASSIFIED", "SECRET", "TOP_SECRET//IMG"]
    run_and_pass(with_mpis(subjects("chain", labels, ranks), combination), [("low", "middle"), ("middle", "high")])


@pytest.mark.parametrize("combination", ["openmpi", "mpich", "mixed"])
def test_two_way(combination):
    flows = [(a, b) for a in NAMES for b in NAMES if a != b]
    run_and_pass(with_mpis(subjects("two-way", ["SECRET"] * 3, [2, 1, 1]), combination), flows)


@pytest.mark.parametrize("mpi", ["openmpi", "mpich"])
def test_one_subject(mpi, tmp_path):
    run_and_pass([Subject("only", "SECRET", 2, "security_contexts", ["single"], mpi)], [])
    done = bare(mpi, 2, str(PROGRAMS / f"security_contexts-{mpi}"), "single", cwd=tmp_path, timeout=30)
    assert done.returncode == 0 and done.stdout.count("PASSED") == 2, done.stdout + done.stderr


def example() -> str:
    """The program in docs/communicators.md."""
    page = (REPOSITORY / "docs" / "communicators.md").read_text()
    return next(block for block in page.split("```c\n")[1:] if block.startswith("#include")).split("```")[0]


@pytest.mark.parametrize("mpi", ["openmpi", "mpich"])
def test_the_example_of_the_documentation(mpi, tmp_path):
    (tmp_path / "example.c").write_text(example())
    library = build_folder() / "lib"
    command = [f"mpicc.{mpi}", "-Wall", "-Werror", "-I", REPOSITORY, tmp_path / "example.c", "-o", tmp_path / f"example-{mpi}",
               "-L", library, f"-lsluice-{mpi}", f"-Wl,-rpath,{library}"]
    subprocess.run(command, check=True, timeout=60)
    subjects = [Subject(name, label, count, f"./example-{mpi}", [], mpi)
                for name, label, count in zip(NAMES, ["UNCLASSIFIED", "SECRET", "TOP_SECRET"], [1, 2, 2])]
    with prepared(subjects, [("low", "middle"), ("middle", "high")]) as run:
        shutil.copy(tmp_path / f"example-{mpi}", run.folder)
        result = run.run(timeout=40)
    assert result.code == 0, result.explain()
    assert "sum 4 of 4" in result.stdout and "UNCLASSIFIED" not in result.stdout, result.explain()
