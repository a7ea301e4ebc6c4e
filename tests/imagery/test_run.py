"""The imagery example under `sluice run`: two MPI implementations, three levels, real pictures."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import outcome  # noqa: E402
from test_plain import PROGRAMS, plain_run  # noqa: E402
from sluice_run import SluiceRun  # noqa: E402

PROBE = pathlib.Path(__file__).with_name("probe.py")
ORDINARY_USER = 65534

# Processes of the trusted parts and of other subjects, which a subject must not see.
OWN_PARTS = {"sluice", "sluice-guard"}
FOREIGN = {
    "ingest": OWN_PARTS | {"exploit", "report", "mpiexec.hydra", "mpiexec.mpich", "hydra_pmi_proxy"},
    "exploit": OWN_PARTS | {"ingest", "report", "mpiexec.openmpi", "orterun", "mpiexec"},
}


def prepared(uid: int = None) -> SluiceRun:
    """The example in a folder of its own, with something secret in out/ that only report may see."""
    run = SluiceRun((PROGRAMS / "imagery.yaml").read_text(), uid=uid)
    for program in ("ingest", "exploit", "report"):
        shutil.copy(PROGRAMS / program, run.folder)
    run.write("out/secret.txt", "launch codes", executable=False)
    return run


def with_probes(policy: str, seconds: float) -> str:
    """The policy with each subject looking round before it becomes what it is."""
    policy = re.sub(r"run: \[(\./\w+)", rf"run: [./probe.py, '{seconds}', \1", policy)
    return re.sub(r"(    files:\n)", r"\1      - { path: probe.py, access: read }\n", policy)


def probes(text: str, subject: str) -> list:
    """What the probes of one subject saw, from the operator's view of a run."""
    found = re.findall(rf"^\[\S+ {subject}:\d+\] PROBE (.*)$", text, flags=re.MULTILINE)
    return [json.loads(line) for line in found]


@pytest.mark.parametrize("uid", [None, ORDINARY_USER], ids=["as-is", "ordinary-user"])
def test_imagery_climbs(uid):
    if uid is not None and os.geteuid() != 0:
        uid = None  # already an ordinary user
    with prepared(uid) as run:
        result = run.run(timeout=90)
        assert result.code == 0, result.explain()
        outcome.assert_sites(run.folder / "out" / "lights.csv")
        outcome.assert_picture(run.folder / "out" / "lights.png")


def test_the_sites_are_those_of_plain_mpi(tmp_path):
    assert plain_run(tmp_path).returncode == 0
    with prepared() as run:
        result = run.run(timeout=90)
        assert result.code == 0, result.explain()
        assert (run.folder / "out" / "lights.csv").read_bytes() == (tmp_path / "out" / "lights.csv").read_bytes()


def test_the_downward_send_is_refused_with_both_labels():
    with prepared() as run:
        result = run.run(timeout=90)
        assert result.code == 0, result.explain()
        refusals = [line for line in result.stdout.splitlines() if "on purpose; refused:" in line]
        assert len(refusals) == 1, result.explain()
        text = refusals[0].split("refused:", 1)[1]
        assert "SECRET//IMG" in text and "UNCLASSIFIED" in text, text
        assert "nothing stopped it" not in result.stderr


def test_no_subject_sees_the_data_or_the_processes_of_the_next():
    with prepared() as run:
        shutil.copy(PROBE, run.folder)
        run.policy.write_text(with_probes(run.policy.read_text(), 3))
        run.start()
        # The control: the same probe outside any sandbox, meanwhile, sees all of it.
        control = subprocess.run(
            [PROBE, "2", "-"], cwd=run.folder, capture_output=True, text=True, timeout=30, check=True
        )
        result = run.finish(timeout=90)
        assert result.code == 0, result.explain()

        outside = json.loads(control.stdout.removeprefix("PROBE "))
        assert outside["secret"] == "launch codes"
        assert {"policy.yaml", "out", "ingest", "exploit", "report", "probe.py"} <= set(outside["files"])
        assert OWN_PARTS <= set(outside["processes"])

        for subject, ranks in (("ingest", 2), ("exploit", 2)):
            seen = probes(result.stdout, subject)
            assert len(seen) == ranks, result.explain()
            for view in seen:
                assert view["secret"] == "FileNotFoundError"
                assert set(view["files"]) == {subject, "probe.py"}, view
                assert not FOREIGN[subject] & set(view["processes"]), view
                assert not {name for name in view["tmp"] if name.startswith("sluice")} - {run.folder.name}, view
        # report may read what it wrote in an earlier run: its own level.
        assert [view["secret"] for view in probes(result.stdout, "report")] == ["launch codes"]
