"""What bench/run measures besides the loops of mpi_bench: traffic of many ranks, processor time, an idle guard, memory,
start-up, whole applications and the machine's own limits. Each function returns lines as figures.Figures takes them."""

import json
import os
import pathlib
import re
import shutil
import time

import gated
import variants

# Tests of this module, in the order in which they run.
TESTS = ["pairs", "fan", "delay", "processor", "idle", "memory", "start", "reduce", "applications", "limits"]
APPLICATIONS = pathlib.Path(__file__).resolve().parent.parent / "tests" / "applications"
MELT = pathlib.Path("/usr/share/lammps/examples/melt/in.melt")
# Of a policy that says nothing else.
DEFAULT_QUEUE = "256MiB"
# How long an idle run is looked at, in seconds.
IDLE_TIME = 3.0
# Ranks and subjects whose memory is measured.
MEMORY_RANKS = [64, 256, 1024]
MEMORY_SUBJECTS = [2, 4, 8]


def line(test: str, place: str, count: int, value: float, unit: str, mpi: str = "") -> dict:
    return {"test": test, "place": place, "bytes": count, "value": value, "unit": unit, "mpi": mpi}


def span(lines: list) -> float:
    """Seconds from when the first rank begins to when the last one ends."""
    return max(one["end"] for one in lines) - min(one["begin"] for one in lines)


def rate(lines: list) -> float:
    """Messages received in a second."""
    received = [one for one in lines if one["role"] == "receiver"]
    return sum(one["messages"] for one in received) / span(lines)


class Crossing:
    """The measurements, one method a test; `options` as bench/run parses them."""

    # Of figures.Figures: each line says itself which host MPI and place it is of.
    name, mpi = "crossing", ""

    def __init__(self, build: pathlib.Path, folder: pathlib.Path, options):
        self.build, self.folder, self.options = build, folder, options
        self.maker = gated.Maker(build, folder)
        self.work = ["--work", "0.02" if options.quick else "1"]

    def run(self, test: str) -> list:
        """The figures of one round of a test, for all host MPIs. Raises variants.Failed."""
        if test in ("memory", "limits"):
            return getattr(self, test)()
        found = []
        for mpi in self.options.mpis:
            found += [{**one, "mpi": mpi} for one in getattr(self, test)(mpi)]
        return found

    def _sizes(self, sizes: list) -> list:
        chosen = [size for size in sizes if size <= self.options.max_bytes]
        return ["--sizes", ",".join(map(str, chosen[:2] if self.options.quick else chosen))]

    def _programs(self, mpi: str, senders: int, receivers: int, arguments: list) -> list:
        """(place, program) for the same traffic on the host, by relay and by shared path."""
        subjects = [("low", senders), ("high", receivers)]
        flows = [("low", "high")]
        # Bare MPICH spins: where its ranks outnumber processors, a message may take a millisecond.
        spins = mpi == "mpich" and senders + receivers > len(os.sched_getaffinity(0))
        less = ["--work", "0.02"] if spins else []
        return [("host", self.maker.host(mpi, senders + receivers, [*self.work, *less, *arguments])),
                ("relay", self.maker.sluice("relay", mpi, subjects, flows, [*self.work, *arguments])),
                ("shared", self.maker.sluice("shared", mpi, subjects, gated.both_ways(flows), [*self.work, *arguments],
                                             "shared"))]

    def pairs(self, mpi: str) -> list:
        found = []
        for count in [2] if self.options.quick else [1, 2, 4, 8]:
            arguments = [*self._sizes([8, 65536, 1 << 20]), "pairs"]
            for place, program in self._programs(mpi, count, count, arguments):
                found += self._rates(f"pairs x{count}", place, program)
        return found

    def fan(self, mpi: str) -> list:
        count = 2 if self.options.quick else 4
        found = []
        for test, senders, receivers in (("fan-in", count, 1), ("fan-out", 1, count)):
            arguments = [*self._sizes([8, 65536, 1 << 20]), test]
            for place, program in self._programs(mpi, senders, receivers, arguments):
                found += self._rates(f"{test} x{count}", place, program)
        return found

    def _rates(self, test: str, place: str, program) -> list:
        with program:
            passages = program.passages(program.ranks)
        return [line(test, place, passage.lines[0]["bytes"], rate(passage.lines), "msg/s") for passage in passages]

    def delay(self, mpi: str) -> list:
        """One way, by one clock: median and 99th percentile."""
        sizes = [8, 1024, 65536, 1 << 20, 1 << 22, 1 << 24, 1 << 26]
        found = []
        for place, program in self._programs(mpi, 1, 1, [*self._sizes(sizes), "delay"]):
            with program:
                passages = program.passages(2)
            for passage in passages:
                arrived = next(one for one in passage.lines if "median" in one)
                found.append(line("one-way delay", place, arrived["bytes"], arrived["median"], "us"))
                found.append(line("one-way delay, 99th of 100", place, arrived["bytes"], arrived["high"], "us"))
        return found

    def processor(self, mpi: str) -> list:
        """Processor time of each part for one message of a stream."""
        found = []
        for place, program in self._programs(mpi, 1, 1, [*self._sizes([8, 65536, 1 << 20]), "pairs"]):
            with program:
                passages = program.passages(2)
            for passage in passages:
                size, messages = passage.lines[0]["bytes"], passage.lines[0]["messages"]
                for one in passage.lines:
                    spent = max(one["processor"], 1e-6) / messages * 1e6
                    found.append(line(f"processor time, {one['role']}", place, size, spent, "us"))
                if place != "host":
                    spent = max(sum(passage.guard), 1) / messages / 1e3
                    found.append(line("processor time, guard", place, size, spent, "us"))
        return found

    def idle(self, mpi: str) -> list:
        """Percent of a processor that the guard takes while all ranks wait for other subjects, and its busiest thread."""
        ranks = 1 if self.options.quick else 2
        subjects = [("low", ranks), ("high", ranks)]
        flows = gated.both_ways([("low", "high")])
        with self.maker.sluice("idle", mpi, subjects, flows, ["idle"]) as program:
            program.wait_for_gate()
            time.sleep(1.0)
            begin, before = time.monotonic(), program.guard_times()
            time.sleep(0.5 if self.options.quick else IDLE_TIME)
            after, seconds = program.guard_times(), time.monotonic() - begin
        spent = [then - now for then, now in zip(after, before)]
        if not spent:
            raise variants.Failed(program.explain("has no guard"))
        names = gated.thread_names(len(spent), len(flows))
        busiest = max(range(len(spent)), key=spent.__getitem__)
        # What a clock of nanoseconds cannot tell from nothing still is a figure.
        percent = [max(part, 1) / seconds / 1e7 for part in (sum(spent), spent[busiest])]
        return [line("idle guard", "relay", 0, percent[0], "% of a processor"),
                line(f"idle guard, {names[busiest]}", "relay", 0, percent[1], "% of a processor")]

    def memory(self) -> list:
        """Bytes of a guard of many ranks, reserved and there."""
        found = []
        program = str(self.build / "bench" / "guard_memory")
        for shape in ("chain", "any"):
            for ranks in MEMORY_RANKS[:1] if self.options.quick else MEMORY_RANKS:
                counts = [count for count in MEMORY_SUBJECTS if shape == "chain" or count <= 4]
                for one in run_lines([program, shape, str(ranks), *map(str, counts)], self.folder):
                    test = f"guard memory, {shape}, {one['subjects']} subjects"
                    found.append(line(test, "there", ranks, one["resident"] / 2**20, "MiB", "guard"))
                    found.append(line(test, "reserved", ranks, one["reserved"] / 2**20, "MiB", "guard"))
        return found

    def start(self, mpi: str) -> list:
        """Milliseconds until the last rank has left MPI_Init, and until all has ended: the slowest of four subjects
        alone, all four alone at once, and as a run, with queues of their default size and of the smallest."""
        names = ["a", "b", "c", "d"]
        alone = [self._start_alone(mpi, 1) for _ in names]
        at_once = self._start_alone(mpi, len(names))
        flows = list(zip(names, names[1:]))
        places = {"host": [max(one[part] for one in alone) for part in (0, 1)], "four at once": at_once}
        for place, queue in (("run", DEFAULT_QUEUE), ("run, queues of 1 MiB", "1MiB")):
            run = self.maker.sluice("start", mpi, [(name, 1) for name in names], flows, ["start"], queue=queue)
            places[place] = self._take_start([run], len(names))
        return [line(test, place, 0, times[part], "ms") for part, test in enumerate(("start, ready", "start, to the end"))
                for place, times in places.items()]

    def _start_alone(self, mpi: str, count: int):
        return self._take_start([self.maker.host(mpi, 1, ["start"]) for _ in range(count)], count)

    def _take_start(self, programs: list, ranks: int):
        """Milliseconds from before the programs' start to the last rank's readiness, and to the last end."""
        begin = time.monotonic()
        started = [program.__enter__() for program in programs]
        lines = [one for program in started for one in program.lines()]
        end = time.monotonic()
        for program in started:
            program.__exit__()
        if len(lines) != ranks:
            raise variants.Failed(programs[0].explain("did not start all ranks"))
        return [(max(one["at"] for one in lines) - begin) * 1e3, (end - begin) * 1e3]

    def reduce(self, mpi: str) -> list:
        """Microseconds of a reduction over more ranks than processors, alone and as a subject."""
        ranks = 5
        # On bare MPICH one may take some milliseconds.
        arguments = ["--work", "0.01" if self.options.quick else "0.1", "reduce"]
        found = []
        for place, program in (("host", self.maker.host(mpi, ranks, arguments)),
                               ("inside", self.maker.sluice("crowd", mpi, [("crowd", ranks)], [], arguments))):
            with program:
                lines = program.passages(ranks)[0].lines
            found.append(line(f"Reduce and Bcast, {ranks} ranks", place, 8, span(lines) / lines[0]["messages"] * 1e6, "us"))
        return found

    def applications(self, mpi: str) -> list:
        """Seconds of HPCC and LAMMPS on the bare host and as the only subject of a run. Debian builds them for Open MPI."""
        if mpi != "openmpi":
            return []
        found = []
        for name, command, files in (("HPCC", ["hpcc"], [APPLICATIONS / "hpccinf.txt"]),
                                     ("LAMMPS", ["lmp", "-in", "in.melt", "-log", "log.lammps"], [MELT])):
            host, inside = self._application(mpi, name, command, files)
            found += [line(f"{name}, whole", "host", 0, host[0], "s"), line(f"{name}, whole", "inside", 0, inside[0], "s"),
                      line(f"{name}, its own work", "host", 0, host[1], "s"),
                      line(f"{name}, its own work", "inside", 0, inside[1], "s")]
        return found

    def _application(self, mpi: str, name: str, command: list, files: list):
        results = []
        for place in ("host", "inside"):
            folder = self.folder / f"{name}-{place}-{time.monotonic_ns()}"
            work = folder / "work"
            work.mkdir(parents=True)
            folder.chmod(0o755)
            for file in files:
                shutil.copy(file, work)
            self._shorten(work)
            if place == "host":
                words = [f"mpiexec.{mpi}", "--oversubscribe", "--bind-to", "none", "-n", "2", *command]
                where = work
            else:
                words, where = [str(self.build / "bin" / "sluice"), "run", "--quiet", "policy.yaml"], folder
                (folder / "policy.yaml").write_text(application_policy(mpi, command))
            begin = time.monotonic()
            run_command(words, where)
            results.append([time.monotonic() - begin, own_time(name, work)])
        return results

    def _shorten(self, work: pathlib.Path) -> None:
        """Enough work that what a start takes is small beside it; little of it where the figures mean nothing."""
        melt, hpcc = work / "in.melt", work / "hpccinf.txt"
        if hpcc.exists() and not self.options.quick:
            hpcc.write_text(re.sub(r"^800 +Ns$", "4000 Ns", hpcc.read_text(), flags=re.MULTILINE))
        if melt.exists():
            steps = "100" if self.options.quick else "12000"
            melt.write_text(re.sub(r"^run\s.*$", f"run {steps}", melt.read_text(), flags=re.MULTILINE))

    def limits(self) -> list:
        """What the machine's own steps take."""
        work = ["--work", "0.05"] if self.options.quick else []
        return [{**one, "mpi": "machine"}
                for one in run_lines([str(self.build / "bench" / "limits_bench"), *work], self.folder)]


def application_policy(mpi: str, command: list) -> str:
    words = ", ".join(json.dumps(word) for word in ["/usr/bin/env", "--chdir=work", *command])
    return ("sluice: 1\nlattice: { levels: [BENCH] }\nsubjects:\n  application:\n    label: BENCH\n    ranks: 2\n"
            f"    mpi: {mpi}\n    run: [{words}]\n    env: {{ OMP_NUM_THREADS: \"1\" }}\n"
            "    files: [ { path: work, access: write } ]\nflows: []\n")


def own_time(name: str, work: pathlib.Path) -> float:
    """Seconds that the program itself says its work took; of HPCC the parts that do the same work in every run."""
    if name == "LAMMPS":
        return float(re.search(r"^Loop time of ([\d.]+)", (work / "log.lammps").read_text(), re.MULTILINE)[1])
    parts = re.findall(r"^(?:HPL_time|PTRANS_time|MPIFFT_time\d+)=([\d.eE+-]+)", (work / "hpccoutf.txt").read_text(),
                       re.MULTILINE)
    return sum(max(float(part), 0) for part in parts)


def run_command(command: list, folder: pathlib.Path) -> str:
    """Standard output of a command. Raises variants.Failed."""
    variant = variants.Variant(command[0], "", command, folder)
    return variant.output()


def run_lines(command: list, folder: pathlib.Path) -> list:
    return [json.loads(text) for text in run_command(command, folder).splitlines() if text.startswith("{")]
