"""The three imagery programs are ordinary MPI programs: they also run under one plain mpiexec."""

import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import outcome  # noqa: E402
from sluice_run import bare, build_folder  # noqa: E402

PROGRAMS = build_folder() / "examples" / "imagery"


def plain_run(folder: pathlib.Path) -> subprocess.CompletedProcess:
    """All five ranks in one job of Open MPI, without Sluice; writes into folder/out."""
    (folder / "out").mkdir()
    programs = f"{PROGRAMS}/ingest {outcome.EARTH} {outcome.NIGHT} "
    programs += f": -n 2 {PROGRAMS}/plain/exploit : -n 1 {PROGRAMS}/report out"
    return bare("openmpi", 2, *programs.split(), cwd=folder, timeout=60)


def test_plain_mpiexec_finds_the_cities(tmp_path):
    done = plain_run(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    outcome.assert_sites(tmp_path / "out" / "lights.csv")
    outcome.assert_picture(tmp_path / "out" / "lights.png")


def test_a_wrong_world_is_explained(tmp_path):
    done = bare("openmpi", 1, f"{PROGRAMS}/report", "out", cwd=tmp_path, timeout=30)
    assert done.returncode != 0
    assert "needs 5 ranks" in done.stderr and "sluice run imagery.yaml" in done.stderr


def test_without_a_policy_the_downward_send_goes_through(tmp_path):
    """The control of the refusal: what Sluice stops does happen on plain MPI, and the program says so."""
    (tmp_path / "out").mkdir()
    programs = f"{PROGRAMS}/ingest {outcome.EARTH} {outcome.NIGHT} : -n 2 {PROGRAMS}/plain/exploit --try-downward"
    done = bare("openmpi", 2, *programs.split(), ":", "-n", "1", f"{PROGRAMS}/report", "out", cwd=tmp_path, timeout=60)
    assert done.returncode != 0
    assert "nothing stopped it" in done.stderr


def test_the_picture_check_refuses_a_damaged_picture(tmp_path):
    path = tmp_path / "damaged.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 40)
    with pytest.raises(ValueError):
        outcome.read_png(path)


def test_the_site_check_refuses_an_empty_ocean(tmp_path):
    path = tmp_path / "sites.csv"
    path.write_text("number,latitude,longitude,brightness\n1,35.7,139.7,9\n2,0.0,-140.0,8\n")
    with pytest.raises(AssertionError):
        outcome.assert_sites(path)
