"""What is to be reached, and whether it is: one verdict a line, beside the machine's own limits."""

import dataclasses
import statistics

import variants
from figures import Figures, Key
from words import size_text

OVERHEAD = "overhead: "
# Of each call on a communicator inside a subject, in ns more than the host MPI takes.
MOST_ADDED = 5.0
# Where another subject's message is being received, waiting looks after that too, and the world has other
# ranks than the host's: no target.
WITHOUT_TARGET = (" while receiving", " on MPI_COMM_WORLD")
MOST_INSIDE = 1.01

# Ratio to the host MPI: (what, test, place, sizes, at most or at least, ratio).
RATIOS = [
    ("relay, half round trip", "latency", "cross", [8], "at most", 3.0),
    ("relay, half round trip", "latency", "cross", [65536, 1 << 20], "at most", 2.0),
    ("relay, messages in a second", "stream", "one-way", [8], "at least", 1.5),
    ("relay, bandwidth", "stream", "one-way", [1 << 20, 4 << 20, 16 << 20, 64 << 20], "at least", 0.6),
    ("shared, half round trip", "latency", "shared", [8], "at most", 0.8),
    ("shared, messages in a second", "stream", "shared", [8], "at least", 2.0),
    ("shared, bandwidth", "bandwidth", "shared", [64, 1024, 8192], "at least", 1.5),
    ("shared, bandwidth", "bandwidth", "shared", [16384, 65536, 1 << 20, 4 << 20, 16 << 20], "at least", 0.95),
]

# Where the figure of MPI across subjects stands.
PEER_PLACE = {"latency": "cross", "stream": "one-way"}
# How far MPI across subjects by relay is ahead of what is used without MPI: test, bytes, least ratio for each peer.
PEERS = [("latency", 8, {"pipe": 3, "unix-socket": 3, "socat": 15, "zeromq": 15}),
         ("latency", 1 << 20, {"pipe": 3, "unix-socket": 3, "socat": 3, "zeromq": 3}),
         ("stream", 8, {"pipe": 5, "unix-socket": 5, "socat": 5, "zeromq": 5})]

MOST_IDLE = 1.0  # percent of a processor
MOST_START = 150.0  # ms
MOST_MEMORY = 1024.0  # MiB of a guard of 1,024 ranks
MEMORY_RANKS = 1024
APPLICATIONS = ["HPCC", "LAMMPS"]


@dataclasses.dataclass(frozen=True)
class Verdict:
    """One target: of what, the figure as text, the target as text, whether it is reached, how far it is from the
    machine's limit."""

    mpi: str
    what: str
    figure: str
    target: str
    reached: bool
    limit: str = ""

    def text(self) -> str:
        limit = f" ({self.limit})" if self.limit else ""
        word = "reached" if self.reached else "missed"
        return f"{self.mpi}: {self.what}: {self.figure}; goal {self.target}: {word}{limit}"


def verdicts(figures: Figures) -> list:
    """Every target of which there are figures."""
    found = []
    for mpi in figures.choices("mpi"):
        found += ratios(figures, mpi) + inside(figures, mpi) + overhead(figures, mpi) + peers(figures, mpi)
        found += applications(figures, mpi) + crowd(figures, mpi) + idle(figures, mpi) + start(figures, mpi)
    return found + memory(figures)


def ratios(figures: Figures, mpi: str) -> list:
    found = []
    for what, test, place, sizes, kind, bound in RATIOS:
        for count in sizes:
            key = Key(mpi, test, place, count)
            ratio = figures.ratio(key)
            if ratio is None:
                continue
            reached = ratio <= bound if kind == "at most" else ratio >= bound
            found.append(Verdict(mpi, f"{what}, {size_text(count)}", f"{ratio:.2f} times the host's", f"{kind} {bound:g}",
                                 reached, limit_text(figures, key)))
    return found


def inside(figures: Figures, mpi: str) -> list:
    """The middle and the worst of all sizes, for each loop and communicator inside a subject, beside those of the host
    started again."""
    found = []
    for test in variants.LOOPS:
        again = slowness(figures, mpi, test, "again")
        for place in ("inside/world", "inside/subject"):
            slower = slowness(figures, mpi, test, place)
            if not slower:
                continue
            size = size_text(max(slower, key=slower.get))
            for which, choose in (("the middle", statistics.median), (f"the worst ({size})", max)):
                times = choose(slower.values())
                found.append(Verdict(mpi, f"{place}, {test}, {which} of {len(slower)} sizes",
                                     f"{times:.3f} times as slow as the host", f"at most {MOST_INSIDE:g}",
                                     times <= MOST_INSIDE,
                                     f"the host started again: {choose(again.values()):.3f}" if again else ""))
    return found


def slowness(figures: Figures, mpi: str, test: str, place: str) -> dict:
    """How many times as slow as the host, by size."""
    sizes = figures.choices("bytes", mpi=mpi, test=test, place=place)
    ratios = {count: figures.ratio(Key(mpi, test, place, count)) for count in sizes}
    return {count: ratio if test == "latency" else 1 / ratio for count, ratio in ratios.items() if ratio is not None}


def overheads(figures: Figures, mpi: str) -> list:
    """Key of each call that was measured inside a subject and on the host."""
    keys = [Key(mpi, test, "inside/subject", 0) for test in figures.choices("test", mpi=mpi) if test.startswith(OVERHEAD)]
    return [key for key in keys if figures.ratio(key) is not None]


def overhead(figures: Figures, mpi: str) -> list:
    keys = [key for key in overheads(figures, mpi) if not key.test.endswith(WITHOUT_TARGET)]
    if not keys:
        return []
    worst = max(keys, key=figures.difference)
    more = figures.difference(worst)
    return [Verdict(mpi, f"inside a subject, a call, the worst of {len(keys)} ({worst.test.removeprefix(OVERHEAD)})",
                    f"{more:.1f} ns more", f"at most {MOST_ADDED:g}", more <= MOST_ADDED)]


def peers(figures: Figures, mpi: str) -> list:
    found = []
    for test, count, least in PEERS:
        own = figures.median(Key(mpi, test, PEER_PLACE[test], count))
        for peer, ratio in least.items():
            other = figures.median(Key("peers", test, peer, count))
            if own is None or other is None:
                continue
            ahead = other / own if test == "latency" else own / other
            found.append(Verdict(mpi, f"relay beside {peer}, {test}, {size_text(count)}", f"{ahead:.2f} times better",
                                 f"at least {ratio:g}", ahead >= ratio))
    return found


def applications(figures: Figures, mpi: str) -> list:
    found = []
    for name in APPLICATIONS:
        for part in ("its own work", "whole"):
            ratio = figures.ratio(Key(mpi, f"{name}, {part}", "inside", 0))
            if ratio is not None:
                found.append(Verdict(mpi, f"{name} in a subject, {part}", f"{ratio:.3f} times the bare host",
                                     f"at most {MOST_INSIDE:g}", ratio <= MOST_INSIDE))
    return found


def crowd(figures: Figures, mpi: str) -> list:
    """Where ranks outnumber processors, a subject is never slower than the bare host."""
    found = []
    for test in figures.choices("test", mpi=mpi):
        ratio = figures.ratio(Key(mpi, test, "inside", 8)) if test.startswith("Reduce and Bcast") else None
        if ratio is not None:
            found.append(Verdict(mpi, f"{test} in a subject", f"{ratio:.2f} times the bare host's time", "at most 1",
                                 ratio <= 1))
    return found


def idle(figures: Figures, mpi: str) -> list:
    percent = figures.median(Key(mpi, "idle guard", "relay", 0))
    if percent is None:
        return []
    threads = [(figures.median(Key(mpi, test, "relay", 0)), test) for test in figures.choices("test", mpi=mpi)
               if test.startswith("idle guard, ")]
    busiest = max(threads)[1].removeprefix("idle guard, ")
    return [Verdict(mpi, f"idle guard (busiest: {busiest})", f"{percent:.2f} % of a processor", f"less than {MOST_IDLE:g}",
                    percent < MOST_IDLE)]


def start(figures: Figures, mpi: str) -> list:
    found = []
    for test in ("start, ready", "start, to the end"):
        own, host, at_once = (figures.median(Key(mpi, test, place, 0)) for place in ("run", "host", "four at once"))
        if own is None or host is None:
            continue
        small = figures.median(Key(mpi, test, "run, queues of 1 MiB", 0))
        limit = f"four bare mpiexec at once take {at_once - host:.0f} ms more than one" if at_once else ""
        limit += f"; with queues of 1 MiB {small - host:.0f} ms" if small else ""
        found.append(Verdict(mpi, f"four subjects, {test}", f"{own - host:.0f} ms more than one bare mpiexec",
                             f"at most {MOST_START:g}", own - host <= MOST_START, limit))
    return found


def memory(figures: Figures) -> list:
    found = []
    for test in figures.choices("test", mpi="guard"):
        for place in ("there", "reserved"):
            size = figures.median(Key("guard", test, place, MEMORY_RANKS))
            if size is not None:
                found.append(Verdict("guard", f"{test}, {MEMORY_RANKS} ranks, {place}", f"{size:.0f} MiB",
                                     f"less than {MOST_MEMORY:g}", size < MOST_MEMORY))
    return found


def step(figures: Figures, name: str, size: int):
    """Median of one of the machine's own steps; None where it was not measured."""
    return figures.median(Key("machine", f"limit: {name}", "machine", size))


def limit_of(figures: Figures, key: Key):
    """The best that the machine's own steps allow in place of a figure, its unit, and what it is made of; None where it
    is not known."""
    if key.test == "stream" and key.bytes == 8:
        lines = step(figures, "cache lines in a row to another processor", 64)
        return lines and (lines, "M/s", "a cache line to another processor for each")
    if key.test != "latency":
        return None
    if key.bytes == 8:
        line, switch = step(figures, "cache line to another processor", 64), step(figures, "switch to another process", 0)
        if line is None or switch is None:
            return None
        if key.place == "shared":
            return line / 1e3, "us", "a cache line's way"
        # Sender, guard and receiver wait for each other: with fewer than three processors one has to give way.
        return (2 * line + switch) / 1e3, "us", "two cache lines' ways and a switch"
    rates = [step(figures, name, key.bytes) for name in ("memcpy", "memcpy into what another processor read",
                                                         "memcpy of what another processor wrote")]
    if None in rates:
        return None
    within, into, out_of = (key.bytes / rate / 1e3 for rate in rates)
    # With two processors, one of three copies by relay stays on one of them.
    if key.place == "shared":
        return max(into, out_of), "us", "the slower of two copies from one processor to another"
    return (within + into + out_of) / 2, "us", "three copies, two of them from one processor to another, spread over both"


def limit_text(figures: Figures, key: Key) -> str:
    limit = limit_of(figures, key)
    if limit is None:
        return ""
    bound, unit, words = limit
    own = figures.median(key) / (1e6 if unit == "M/s" else 1)
    times = own / bound if unit == "us" else bound / own
    apart = f"{times:.1f} times it" if unit == "us" else f"{times:.1f} times as much"
    return f"{own:.3g} {unit}; limit {bound:.3g} {unit}, {words}: {apart}"
