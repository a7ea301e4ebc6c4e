"""The detector of leftovers must catch what is planted before it may vouch for anything."""

import os
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from sluice_run import OURS_IN_TMP, Leftovers, bare  # noqa: E402


def test_a_clean_command_leaves_nothing():
    leftovers = Leftovers()
    subprocess.run(["true"], check=True)
    assert leftovers.find(0.2) == []


def test_an_orphan_is_found_and_killed():
    leftovers = Leftovers()
    subprocess.run(["sh", "-c", "setsid sleep 60 >/dev/null 2>&1 &"], check=True)
    found = leftovers.find(0.2)
    assert len(found) == 1 and "sleep 60" in found[0]
    leftovers.kill()
    assert leftovers.find() == []


@pytest.mark.parametrize("path", ["/dev/shm/sluice-planted", "/dev/shm/vader_segment.planted", "/tmp/sluice.planted"])
def test_a_file_is_found(path):
    leftovers = Leftovers()
    pathlib.Path(path).write_text("planted")
    try:
        assert any(path in line for line in leftovers.find(0.1))
    finally:
        os.unlink(path)
    assert leftovers.find() == []


def test_folders_of_other_tests_are_left_alone():
    for name in ("sluice-test-abc", "sluice-host-view-test-abc", "sluice-bench-f_p1syog", "ompi.host.0"):
        assert not OURS_IN_TMP.match(name), name
    for name in ("sluice-run-1", ".sluice", "bwrap-x", "ompi.sluice.1000"):
        assert OURS_IN_TMP.match(name), name


def test_a_mount_is_found(tmp_path):
    leftovers = Leftovers()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "none", str(tmp_path)], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("this user may not mount, so cannot plant a mount")
    try:
        assert any(str(tmp_path) in line for line in leftovers.find(0.1))
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
    assert leftovers.find() == []


@pytest.mark.parametrize("mpi", ["openmpi", "mpich"])
def test_bare_runs_every_rank(mpi, tmp_path):
    done = bare(mpi, 2, "echo", "here", cwd=tmp_path, timeout=30)
    assert done.returncode == 0 and done.stdout.count("here") == 2
