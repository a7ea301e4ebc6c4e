"""HPC Challenge, unmodified, as a subject's image: its numbers are those of the bare host."""

import pathlib
import re
import shutil

from sluice_run import SluiceRun, bare

INPUT = pathlib.Path(__file__).with_name("hpccinf.txt")

POLICY = """
sluice: 1
lattice: { levels: [UNCLASSIFIED, SECRET] }
subjects:
  bench:
    label: SECRET
    ranks: 2
    run: [/usr/bin/env, --chdir=work, hpcc]
    mpi: openmpi
    world: subject
    env: { OMP_NUM_THREADS: "1" }
    files:
      - { path: work, access: write }
"""

# What depends on how fast or how loaded the machine is.
TIMING = re.compile(r"time|Gflops|Tflops|GUPs|GBs|GBytes|usec|STREAM_(Copy|Scale|Add|Triad)", re.IGNORECASE)


def summary(output: str) -> dict:
    """The `key=value` lines of hpccoutf.txt that do not tell of speed."""
    section = output.split("Begin of Summary section.")[1].split("End of Summary section.")[0]
    pairs = dict(line.split("=", 1) for line in section.split("\n") if "=" in line)
    return {key: value for key, value in pairs.items() if not TIMING.search(key)}


def verdicts(output: str) -> list:
    """Every verdict that the benchmarks pass on their own results, in order."""
    return re.findall(r"PASSED|FAILED|\(passed\)|\(failed\)|\d+ tests completed and \w+ residual checks", output)


def bare_output(folder: pathlib.Path) -> str:
    shutil.copy(INPUT, folder)
    done = bare("openmpi", 2, "hpcc", cwd=folder, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return (folder / "hpccoutf.txt").read_text()


def test_hpcc_computes_what_the_bare_host_computes(tmp_path):
    expected = bare_output(tmp_path)
    with SluiceRun(POLICY) as run:
        (run.folder / "work").mkdir()
        shutil.copy(INPUT, run.folder / "work")
        result = run.run(timeout=120)
        assert result.code == 0, result.explain()
        output = (run.folder / "work" / "hpccoutf.txt").read_text()
    assert verdicts(output) == verdicts(expected)
    assert summary(output) == summary(expected)
    assert summary(output)["Success"] == "1" and summary(output)["CommWorldProcs"] == "2"


def test_the_comparison_sees_a_wrong_result(tmp_path):
    output = bare_output(tmp_path)
    assert "PASSED" in verdicts(output) and len(summary(output)) > 60
    residual = summary(output)["HPL_RnormI"]
    assert summary(output.replace(residual, "1.0")) != summary(output)
    assert verdicts(output.replace("PASSED", "FAILED", 1)) != verdicts(output)


