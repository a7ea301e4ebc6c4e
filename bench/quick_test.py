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

import collective_limits  # noqa: E402  (after the path)
import collective_variants  # noqa: E402
import crossing  # noqa: E402
import figures  # noqa: E402
import gated  # noqa: E402
import least_squares  # noqa: E402
import markdown  # noqa: E402
import page  # noqa: E402
import simulation  # noqa: E402
import table  # noqa: E402
import targets  # noqa: E402
import variants  # noqa: E402

QUERIES = ["Comm_rank", "Comm_size", "Iprobe"]
MESSAGES = ["Irecv, Isend, Waitall", "Irecv, Send, Wait", "Sendrecv", "Startall, Waitall"]
COLLECTIVES = ["Barrier", "Bcast", "Allreduce"]
OVERHEAD = ["Type_size", "Test of a null request", "Wait for a null request",
            *(f"{call} {where}" for where in ("on MPI_COMM_WORLD", "on the subject", "on MPI_COMM_SELF", "on a split one",
                                                     "while receiving")
              for call in QUERIES + MESSAGES),
            *(f"{call} {where}" for where in ("on MPI_COMM_SELF", "on a split one") for call in COLLECTIVES)]
SIZES = [8, 64, 512, 4096, 32768, 262144]
LOOPS = "latency,bandwidth,stream,calls,overhead"
OTHERS = "pairs,fan,delay,processor,idle,memory,start,limits"


def bench(*arguments, timeout=240):
    return subprocess.run([str(BENCH / "run"), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=timeout, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}, check=False)


def expected(mpis):
    """Every (mpi, test, place, bytes) of a quick run."""
    inside = ["inside/world", "inside/subject"]
    places = {"latency": ["host", "again", "cross", "shared", *inside],
              "bandwidth": ["host", "again", "cross", "shared", *inside],
              "stream": ["host", "again", "shared", "one-way", *inside]}
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
    result = bench("--quick", "--tests", LOOPS, "--json", str(tmp_path / "all.json"), *wants_plot)
    assert result.returncode == 0, result.stderr
    rows = json.loads((tmp_path / "all.json").read_text())["figures"]
    assert {(row["mpi"], row["test"], row["place"], row["bytes"]) for row in rows} == expected(["openmpi", "mpich"])
    for row in rows:
        assert all(math.isfinite(value) and value > 0 for value in row["values"]), row
        assert row["min"] <= row["median"] <= row["max"], row
        assert (row["ratio"] is None) == (row["place"] == "host" or row["mpi"] == "peers"), row
    assert "openmpi: relay, half round trip, 8: " in result.stdout
    assert "openmpi: latency" in result.stdout and "mpich: stream" in result.stdout
    assert "round 1 of 1: mpich inside, " in result.stderr
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

    @staticmethod
    def crossing(collected, lines):
        """Adds lines that say themselves what they are of."""
        collected.add_all(FakeVariant("crossing"), lines)


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


@pytest.mark.parametrize("factor, verdict", [(2.9, "reached"), (3.1, "missed")])
def test_goals_are_judged(capsys, factor, verdict):
    collected = figures.Figures()
    collected.add_all(*fake("host", [1.0]))
    collected.add_all(*fake("cross", [factor]))
    table.show_goals(collected, sys.stdout)
    assert verdict in capsys.readouterr().out


def one_of(test, place, count, value, mpi="openmpi"):
    return crossing.line(test, place, count, value, "us", mpi)


@pytest.mark.parametrize("lines, reached", [
    ([one_of("stream", "host", 8, 2.0), one_of("stream", "one-way", 8, 3.1)], True),
    ([one_of("stream", "host", 8, 2.0), one_of("stream", "one-way", 8, 2.9)], False),
    ([one_of("bandwidth", "host", 8192, 2.0), one_of("bandwidth", "shared", 8192, 2.9)], False),
    ([one_of("latency", "host", 8, 1.0), one_of("latency", "inside/world", 8, 1.02)], False),
    ([one_of("stream", "host", 8, 1.0), one_of("stream", "inside/world", 8, 0.98)], False),
    ([one_of("stream", "host", 8, 1.0), one_of("stream", "inside/world", 8, 1.2)], True),
    ([one_of("latency", place, size, 1.0) for place in ("host", "again", "inside/world") for size in (8, 64)], True),
    ([one_of("latency", "pipe", 8, 9.0, "peers"), one_of("latency", "cross", 8, 2.9)], True),
    ([one_of("latency", "pipe", 8, 9.0, "peers"), one_of("latency", "cross", 8, 3.1)], False),
    ([one_of("idle guard", "relay", 0, 1.1), one_of("idle guard, egress 0", "relay", 0, 1.0)], False),
    ([one_of("start, ready", "host", 0, 100.0), one_of("start, ready", "run", 0, 249.0)], True),
    ([one_of("start, ready", "host", 0, 100.0), one_of("start, ready", "run", 0, 251.0)], False),
    ([one_of("Reduce and Bcast, 5 ranks", "host", 8, 1.0), one_of("Reduce and Bcast, 5 ranks", "inside", 8, 1.1)], False),
    ([one_of("HPCC, whole", "host", 0, 1.0), one_of("HPCC, whole", "inside", 0, 1.02)], False),
    ([one_of("guard memory, chain, 4 subjects", "there", 1024, 1025.0, "guard")], False)])
def test_every_kind_of_goal_is_judged(lines, reached):
    collected = figures.Figures()
    FakeVariant.crossing(collected, lines)
    found = targets.verdicts(collected)
    assert found and {verdict.reached for verdict in found} == {reached}


def test_other_measurements_have_every_figure(tmp_path):
    """What bench/run measures besides loops of two ranks, on the page and in the tables as well."""
    kept, shown, tables = tmp_path / "all.json", tmp_path / "all.html", tmp_path / "all.md"
    result = bench("--quick", "--mpi", "openmpi", "--tests", OTHERS, "--json", str(kept), "--html", str(shown))
    assert result.returncode == 0, result.stderr
    rows = json.loads(kept.read_text())["figures"]
    found = {(row["mpi"], row["test"], row["place"]) for row in rows}
    for test in ("pairs x2", "fan-in x2", "fan-out x2", "one-way delay", "processor time, sender"):
        assert {place for mpi, name, place in found if name == test} == {"host", "relay", "shared"}
    assert {("openmpi", "start, ready", place) for place in ("host", "four at once", "run")} <= found
    assert ("guard", "guard memory, chain, 4 subjects", "there") in found
    assert ("machine", "limit: switch to another process", "machine") in found
    # The reading of the guard's processor time sees a guard that works, or an idle one would prove nothing.
    medians = {(row["test"], row["place"]): row["median"] for row in rows if row["bytes"] in (0, 8)}
    assert medians["processor time, guard", "relay"] > 0.005
    assert medians["idle guard", "relay"] < 20
    text = shown.read_text()
    assert "<svg" in text and "start, ready" in text and "http" not in text.replace("http://www.w3.org", "")
    result = bench("--from", str(kept), "--markdown", str(tables), timeout=20)
    assert result.returncode == 0 and "| Open MPI, relay |" in tables.read_text(), result.stderr


def test_five_ranks_of_mpich_give_way(tmp_path):
    """Alone they spin on fewer processors; as a subject they are not slower."""
    kept = tmp_path / "all.json"
    result = bench("--quick", "--mpi", "mpich", "--tests", "reduce", "--json", str(kept))
    assert result.returncode == 0, result.stderr
    medians = {row["place"]: row["median"] for row in json.loads(kept.read_text())["figures"]}
    ratio = medians["inside"] / medians["host"]
    print(f"MPICH, 5 ranks, inside a subject: {ratio:.3f} times the time alone")
    assert len(os.sched_getaffinity(0)) >= 5 or ratio < 1


def test_tables_take_their_place_in_a_page(tmp_path):
    file = tmp_path / "page.md"
    file.write_text("before\n<!-- x: begin -->\nold\n<!-- x: end -->\nafter\n")
    markdown.place("new\n", str(file), "x")
    assert file.read_text() == "before\n<!-- x: begin -->\nnew\n<!-- x: end -->\nafter\n"
    with pytest.raises(ValueError, match="no lines"):
        markdown.place("new\n", str(file), "y")


def test_least_squares_find_what_was_put_in():
    terms = [[1.0, size, subjects] for size in (8.0, 4096.0, 65536.0) for subjects in (1.0, 2.0, 4.0)]
    found = least_squares.fit(terms, [0.2 + 1e-4 * size + 0.05 * subjects for _, size, subjects in terms])
    assert found.coefficients == pytest.approx([0.2, 1e-4, 0.05]) and found.largest_error < 1e-9
    off = least_squares.fit(terms, [0.2 + 1e-4 * size - 0.02 * subjects for _, size, subjects in terms])
    assert min(off.coefficients) == 0 and off.largest_error > 0.05


def test_simulation_keeps_to_what_queues_cannot_exceed():
    part = simulation.Part(0.1e-6, 1e-10)
    costs = simulation.Costs(part, part, part, 5e-9)
    short = simulation.simulate(costs, simulation.Setting(1, 8, 8, 2)).rate
    assert 0.7 < short / (2 / (3 * part.time(8))) <= 1.01, "three parts on two processors"
    wide = simulation.simulate(costs, simulation.Setting(1, 8, 8, 100)).rate
    assert 0.5 < wide * part.time(8) <= 1.01, "one ingress thread"
    few, many = (simulation.capacity(costs, simulation.Setting(1, senders, 8, 1e9)) for senders in (100, 1000))
    assert 5 < few / many < 20
    assert simulation.simulate(costs, simulation.Setting(1, 100, 8, 1e9), 3 * few).busy > 0.95


def test_growth_with_ranks_and_subjects(tmp_path):
    result = subprocess.run([str(BENCH / "scale"), "--quick", "--mpi", "mpich", "--json", str(tmp_path / "points.json"), "--svg",
                             str(tmp_path / "plot.svg")], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            timeout=240, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}, check=False)
    assert result.returncode == 0, result.stderr
    points = json.loads((tmp_path / "points.json").read_text())["points"]
    assert {(point["mpi"], point["ranks"], point["subjects"], point["bytes"]) for point in points} == {
        ("mpich", *shape, size) for shape in ((2, 2), (4, 2), (4, 3)) for size in (8, 4096)}
    assert all(point[part] > 0 for point in points for part in ("rate", "sender", "guard", "receiver"))
    assert "a source subject" in result.stdout and "1,000 ranks" in result.stdout
    assert "<svg" in (tmp_path / "plot.svg").read_text()


def test_guard_is_found_by_its_threads():
    assert gated.thread_names(5, 1) == ["main", "reporter", "egress 0", "ingress 0", "ingress 1"]
    assert gated.find_guard(os.getpid()) is None and os.getpid() in gated.children(os.getppid())


def test_a_plot_shows_each_line():
    picture = page.plot("heading <1>", "across", "up", [("host", [(8, 1, 2, 3), (64, 2, 3, 4)]), ("x", [(8, 1, 1, 1)])])
    assert picture.count("<polyline") == 2 and "heading &lt;1&gt;" in picture


@pytest.mark.parametrize("arguments, word", [
    (["--tests", "latncy"], "latency"), (["--variants", "outside"], "inside"), (["--plot", "x.pdf"], ".svg"),
    (["--rounds", "0"], "at least 1"), (["--max", "1"], "--max"), (["--from", "/nowhere"], "/nowhere"), (["--build", "/nowhere"], "cmake"), (["--tests", ","], "at least one")])
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
        (mpi, test, place, size) for mpi in ("openmpi", "mpich") for size in (8, 65536)
        for test, place in [("Copy, one step", "two ranks"), *(
            (f"{test}, {case}", place) for test in ("Bcast", "Scatter", "Reduce", "Gather")
            for case, places in (("3 x 2 ranks", ("host", "chain", "one-label")),
                                 ("one step", ("two ranks", "two subjects")))
            for place in places)]}
    for row in rows:
        assert all(math.isfinite(value) and value > 0 for value in row["values"]), row
        assert (row["ratio"] is None) == (row["place"] not in ("chain", "one-label")), row
    assert "openmpi: 8 bytes: at most 2 times the host's in" in result.stdout
    assert "mpich: 64K: time of the host and ratios to it; in brackets what the steps take" in result.stdout


def test_limits_of_collectives_follow_from_steps():
    """A Scatter on a chain of 2 ranks a subject moves six parts between subjects and three inside them."""
    measured = figures.Figures()
    for test, place, value in (("Scatter, one step", "two ranks", 1.0), ("Scatter, one step", "two subjects", 10.0),
                               ("Copy, one step", "two ranks", 4.0)):
        measured.values[figures.Key("openmpi", test, place, 1 << 20)] = [value]
        measured.values[figures.Key("openmpi", test, place, 8)] = [value]
    at = {place: figures.Key("openmpi", "Scatter, 3 x 2 ranks", place, 1 << 20) for place in ("host", "chain", "one-label")}
    assert {place: collective_limits.by_steps(measured, key) for place, key in at.items()} == {
        "host": 5.0, "chain": 63.0, "one-label": 43.0}
    processors = len(os.sched_getaffinity(0))
    assert collective_limits.by_copying(measured, at["chain"]) == (3 * 6 + 3) * 4.0 / processors
    few = figures.Key("openmpi", "Scatter, 3 x 2 ranks", "chain", 8)
    assert collective_limits.by_steps(measured, few) == 23.0 and collective_limits.by_copying(measured, few) is None
    assert collective_limits.by_steps(measured, figures.Key("mpich", few.test, "chain", 8)) is None


def test_a_start_that_takes_too_long_gives_what_it_has_measured(tmp_path, capsys):
    """A figure counts once every rank has reported it, and the run says from where on there are none."""
    line = '{"test": "Bcast", "bytes": %d, "rank": %d, "begin": 1.0, "end": 2.0, "calls": 10}'
    said = "\n".join(line % (size, rank) for size, rank in ((8, 0), (8, 1), (64, 1)))
    late = collective_variants.StepVariant("two ranks x1", "openmpi", ["/bin/sh", "-c", f"echo '{said}'; exec sleep 60"],
                                           tmp_path, 2, limit=0.5)
    assert [(found["bytes"], found["rank"]) for found in late.run()] == [(8, 0), (8, 1)]
    assert "ended after 0.5 s; nothing of what follows Bcast 8 is known" in capsys.readouterr().err
    late.command = ["/bin/sh", "-c", "exec sleep 60"]
    with pytest.raises(variants.Failed):
        late.run()


@pytest.mark.parametrize("subjects, ranks", [(3, 3), (6, 1)])
def test_messages_between_subjects_grow_with_their_number_alone(tmp_path, subjects, ranks):
    """Each boundary is crossed once, whatever the ranks: one message fewer than there are subjects."""
    result = collectives("--mpi", "openmpi", "--ranks", str(ranks), "--subjects", str(subjects), "--messages",
                         "--json", str(tmp_path / "all.json"))
    assert result.returncode == 0, result.stderr
    rows = json.loads((tmp_path / "all.json").read_text())["messages"]
    for shape in ("chain", "one-label"):
        for test in ("Bcast", "Scatter", "Reduce", "Gather"):
            flows = [row["messages"] for row in rows if (row["shape"], row["test"]) == (shape, test)]
            assert sum(flows) == subjects - 1 and max(flows) == 1, f"{shape} {test}: {flows}"


@pytest.mark.parametrize("arguments, word", [
    (["--tests", "Barrier"], "Bcast"), (["--ranks", "0"], "at least 1"), (["--sizes", "x"], "at least 4"),
    (["--subjects", "6"], "--messages"), (["--build", "/nowhere"], "cmake")])
def test_wrong_usage_of_collectives_is_explained(arguments, word):
    result = collectives(*arguments, timeout=20)
    assert result.returncode == 2
    assert word in result.stderr
