"""Whether bench/run measures all that it should. Says nothing about how fast anything is."""

import importlib.util
import json
import math
import os
import pathlib
import subprocess
import sys

import pytest

BENCH = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(BENCH))

import figures  # noqa: E402  (after the path)
import table  # noqa: E402

QUERIES = ["Comm_rank", "Comm_size", "Iprobe"]
MESSAGES = ["Irecv, Isend, Waitall", "Irecv, Send, Wait", "Sendrecv", "Startall, Waitall"]
COLLECTIVES = ["Barrier", "Bcast", "Allreduce"]
OVERHEAD = ["Type_size", "Test of a null request", "Wait for a null request",
            *(f"{call} {where}" for where in ("on the subject", "on MPI_COMM_SELF", "on a split one", "while receiving")
              for call in QUERIES + MESSAGES),
            *(f"{call} {where}" for where in ("on MPI_COMM_SELF", "on a split one") for call in COLLECTIVES)]
SIZES = [8, 64, 512, 4096, 32768, 262144]


def bench(*arguments, timeout=240):
    return subprocess.run([str(BENCH / "run"), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=timeout, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}, check=False)


def expected(mpis):
    """Every (mpi, test, place, bytes) of a quick run."""
    inside = ["inside/world", "inside/subject"]
    places = {"latency": ["host", "cross", "shared", *inside], "bandwidth": ["host", "cross", "shared", *inside],
              "stream": ["host", "shared", "one-way", *inside]}
    found = {(mpi, test, place, size) for mpi in mpis for test in places for place in places[test] for size in SIZES}
    calls = {(mpi, call, place, 0) for mpi in mpis for call in ("Comm_rank", "Iprobe")
             for place in ("host", "cross", "shared", *inside)}
    overhead = {(mpi, "overhead: " + call, place, 0) for mpi in mpis for call in OVERHEAD
                for place in ("host", "inside/subject")}
    peers = {("peers", test, peer, size) for test in ("latency", "stream") for size in SIZES
             for peer in ("pipe", "unix-socket", "socat", "zeromq")}
    return found | calls | overhead | peers


def test_quick_run_has_every_figure(tmp_path):
    plot = tmp_path / "plot.svg"
    wants_plot = ["--plot", str(plot)] if importlib.util.find_spec("matplotlib") else []
    result = bench("--quick", "--json", str(tmp_path / "all.json"), *wants_plot)
    assert result.returncode == 0, result.stderr
    rows = json.loads((tmp_path / "all.json").read_text())["figures"]
    assert {(row["mpi"], row["test"], row["place"], row["bytes"]) for row in rows} == expected(["openmpi", "mpich"])
    for row in rows:
        assert all(math.isfinite(value) and value > 0 for value in row["values"]), row
        assert row["min"] <= row["median"] <= row["max"], row
        assert (row["ratio"] is None) == (row["place"] == "host" or row["mpi"] == "peers"), row
    assert "goal at most" not in result.stdout or "latency at 8 across subjects" in result.stdout
    assert "openmpi: latency" in result.stdout and "mpich: stream" in result.stdout
    assert "round 1 of 1: mpich inside" in result.stderr
    if wants_plot:
        assert "<svg" in plot.read_text()[:1000]


@pytest.mark.parametrize("added, verdict", [(4.9, "reached"), (5.1, "missed")])
def test_overhead_is_judged(capsys, added, verdict):
    collected = figures.Figures()
    for variant, value in (("host", 100.0), ("inside", 100.0 + added)):
        lines = [{"test": f"overhead: {call}", "place": "subject", "bytes": 0, "value": value + more, "unit": "ns"}
                 for call, more in (("Send", 0), ("Send while receiving", 50 if variant == "inside" else 0))]
        collected.add_all(FakeVariant(variant), lines)
    table.show(collected, sys.stdout)
    output = capsys.readouterr().out
    assert verdict in output and f"+{added:.1f}" in output


class FakeVariant:
    def __init__(self, name):
        self.mpi, self.name = "openmpi", name


def fake(name, values, test="latency", count=8):
    lines = [{"test": test, "place": "world", "bytes": count, "value": value, "unit": "us"} for value in values]
    return FakeVariant(name), lines


def test_ratio_is_of_medians():
    collected = figures.Figures()
    collected.add_all(*fake("host", [1.0, 2.0, 90.0]))
    collected.add_all(*fake("cross", [8.0, 6.0, 1.0]))
    assert collected.ratio(figures.Key("openmpi", "latency", "cross", 8)) == pytest.approx(3.0)
    assert collected.ratio(figures.Key("openmpi", "latency", "host", 8)) is None


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_what_no_clock_shows_is_no_figure(value):
    with pytest.raises(figures.NoMeasurement):
        figures.Figures().add_all(*fake("cross", [value]))


@pytest.mark.parametrize("factor, verdict", [(5.9, "reached"), (6.1, "missed")])
def test_goals_are_judged(capsys, factor, verdict):
    collected = figures.Figures()
    collected.add_all(*fake("host", [1.0]))
    collected.add_all(*fake("cross", [factor]))
    table.show_goals(collected, sys.stdout)
    assert verdict in capsys.readouterr().out


@pytest.mark.parametrize("arguments, word", [
    (["--tests", "latncy"], "latency"), (["--variants", "outside"], "inside"), (["--plot", "x.pdf"], ".svg"),
    (["--rounds", "0"], "at least 1"), (["--build", "/nowhere"], "cmake"), (["--tests", ","], "at least one")])
def test_wrong_usage_is_explained(arguments, word):
    result = bench(*arguments, timeout=20)
    assert result.returncode == 2
    assert word in result.stderr


def test_help_teaches():
    result = bench("--help", timeout=20)
    assert result.returncode == 0
    for word in ("host", "cross", "one-way", "inside", "exit codes", "--quick"):
        assert word in result.stdout


def collectives(*arguments, timeout=240):
    return subprocess.run([str(BENCH / "collectives"), *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=timeout, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}, check=False)


def test_quick_run_of_collectives_has_every_figure(tmp_path):
    result = collectives("--quick", "--json", str(tmp_path / "all.json"))
    assert result.returncode == 0, result.stderr
    rows = json.loads((tmp_path / "all.json").read_text())["figures"]
    assert {(row["mpi"], row["test"], row["place"], row["bytes"]) for row in rows} == {
        (mpi, f"{test}, 3 x 2 ranks", place, size) for mpi in ("openmpi", "mpich")
        for test in ("Bcast", "Scatter", "Reduce", "Gather") for place in ("host", "chain", "one-label")
        for size in (8, 65536)}
    for row in rows:
        assert all(math.isfinite(value) and value > 0 for value in row["values"]), row
        assert (row["ratio"] is None) == (row["place"] == "host"), row
    assert "openmpi: 8 bytes: at most 2 times the host's in" in result.stdout


def test_messages_between_subjects_do_not_grow_with_their_ranks(tmp_path):
    """Two boundaries between three subjects: each is crossed once, whatever the ranks."""
    result = collectives("--mpi", "openmpi", "--ranks", "3", "--messages", "--json", str(tmp_path / "all.json"))
    assert result.returncode == 0, result.stderr
    rows = json.loads((tmp_path / "all.json").read_text())["messages"]
    for shape in ("chain", "one-label"):
        for test in ("Bcast", "Scatter", "Reduce", "Gather"):
            flows = [row["messages"] for row in rows if (row["shape"], row["test"]) == (shape, test)]
            assert sum(flows) == 2 and max(flows) == 1, f"{shape} {test}: {flows}"


@pytest.mark.parametrize("arguments, word", [
    (["--tests", "Barrier"], "Bcast"), (["--ranks", "0"], "at least 1"), (["--sizes", "x"], "at least 4"),
    (["--build", "/nowhere"], "cmake")])
def test_wrong_usage_of_collectives_is_explained(arguments, word):
    result = collectives(*arguments, timeout=20)
    assert result.returncode == 2
    assert word in result.stderr
