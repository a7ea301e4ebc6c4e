"""The scripts explain themselves, and the line counter counts."""

import os
import subprocess

import pytest

from sluice_run import REPOSITORY


def script(name: str, *arguments: str, env: dict = None) -> subprocess.CompletedProcess:
    return subprocess.run(
        [str(REPOSITORY / "scripts" / name), *arguments], capture_output=True, text=True, timeout=60, check=False,
        stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})},
    )


@pytest.mark.parametrize("name", ["setup", "demo", "test", "count-lines"])
def test_help_teaches_and_wrong_usage_is_refused(name):
    shown = script(name, "--help")
    assert shown.returncode == 0 and "usage:" in shown.stdout.lower() and "Exit codes" in shown.stdout
    refused = script(name, "--no-such-option")
    assert refused.returncode == 2 and "usage:" in refused.stderr.lower()


def test_setup_knows_what_is_there():
    done = script("setup", "--check")
    assert done.returncode == 0, done.stderr
    assert "packages are there" in done.stdout


def test_setup_names_what_is_missing(tmp_path):
    """A package manager that knows of one package only: setup lists the others and fails."""
    fake = tmp_path / "dpkg-query"
    fake.write_text("#!/bin/sh\necho 'installed cmake'\n")
    fake.chmod(0o755)
    done = script("setup", "--check", env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert done.returncode == 1
    line = next(line for line in done.stderr.splitlines() if "apt-get install" in line)
    assert "bubblewrap" in line and "libopenmpi-dev" in line and " cmake" not in line


def test_setup_lists_known_packages_once():
    packages = script("setup", "--list").stdout.split()
    assert "mpich" in packages and len(packages) == len(set(packages)) > 30


def test_test_lists_its_steps_and_refuses_others():
    steps = script("test", "--list").stdout.split()
    assert {"format", "build", "tests", "asan", "tsan", "fuzz", "tidy"} <= set(steps)
    assert script("test", "--only", "nonsense").returncode == 2


def test_ci_calls_the_tests():
    assert "scripts/test" in (REPOSITORY / ".ci" / "run").read_text()
    assert os.access(REPOSITORY / ".ci" / "run", os.X_OK)


def tree(folder, lines: dict):
    for name, count in lines.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("int x;\n" * count)
    return folder


@pytest.mark.parametrize(
    "lines, code, text",
    [
        ({"wire/a.hpp": 400, "trusted/guard/b.cpp": 400}, 0, "800  trusted at run time"),
        ({"wire/a.hpp": 400, "trusted/guard/b_test.cpp": 400}, 0, "400  trusted at run time"),
        ({"wire/a.hpp": 400, "trusted/policy/c.cpp": 100}, 0, "400  trusted at run time"),
        ({f"trusted/guard/f{i}.cpp": 499 for i in range(13)}, 1, "the limit is 6000"),
        ({"untrusted/a.cpp": 500, "wire/a.hpp": 1}, 1, "untrusted/a.cpp has 500 lines"),
        ({"wire/a.hpp": 500}, 1, "wire/a.hpp has 500 lines"),
        ({"elsewhere/a.cpp": 10}, 1, "no source files"),
    ],
)
def test_lines_are_counted(lines, code, text, tmp_path):
    done = script("count-lines", "--root", str(tree(tmp_path, lines)))
    assert done.returncode == code
    assert text in done.stdout + done.stderr
