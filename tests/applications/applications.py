"""What applications print, without what depends on how fast the machine is."""

import itertools
import pathlib
import re

HPCC_INPUT = pathlib.Path(__file__).with_name("hpccinf.txt")
MELT = pathlib.Path("/usr/share/lammps/examples/melt/in.melt")

# What depends on how fast or how loaded the machine is (random access stops updating after a while).
TIMING = re.compile(r"time|ExeUpdates|Gflops|Tflops|GUPs|GBs|GBytes|usec|STREAM_(Copy|Scale|Add|Triad)", re.IGNORECASE)


def hpcc_summary(output: str) -> dict:
    """The `key=value` lines of hpccoutf.txt that do not tell of speed."""
    section = output.split("Begin of Summary section.")[1].split("End of Summary section.")[0]
    pairs = dict(line.split("=", 1) for line in section.split("\n") if "=" in line)
    return {key: value for key, value in pairs.items() if not TIMING.search(key)}


def hpcc_verdicts(output: str) -> list:
    """Every verdict that the benchmarks pass on their own results, in order. How often the matrix transposition repeats
    one depends on how long it takes, so repetitions count once."""
    found = re.findall(r"PASSED|FAILED|\(passed\)|\(failed\)|\d+ tests completed and \w+ residual checks", output)
    return [verdict for verdict, _ in itertools.groupby(found)]


def thermo(log: str) -> list:
    """Rows of the table that LAMMPS prints: step, temperature, energies, pressure, as text."""
    table = re.search(r"^ *Step .*\n((?:[ \d.e+-]+\n)+)", log, flags=re.MULTILINE)
    assert table, log
    return [line.split() for line in table.group(1).splitlines()]


def result_lines(text: str) -> list:
    """What follows RESULT, whatever tag stands before."""
    return [line.split("RESULT", 1)[1] for line in text.splitlines() if "RESULT" in line]
