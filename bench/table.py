"""The figures as text."""

from figures import Figures, Key, machine

# What is to be reached across subjects on 2 processors: test, bytes, largest ratio to the host MPI.
GOALS = [("latency", 8, 6.0), ("latency", 65536, 3.0)]

# How much longer, or how much less in a second, a peer takes than MPI across subjects by relay: test, bytes, and the
# least ratio for each peer.
PEER_GOALS = [("latency", 8, {"pipe": 3, "unix-socket": 3, "socat": 15, "zeromq": 15}),
              ("latency", 1 << 20, {"pipe": 3, "unix-socket": 3, "socat": 3, "zeromq": 3}),
              ("stream", 8, {"pipe": 5, "unix-socket": 5, "socat": 5, "zeromq": 5})]
# Where the figure of MPI across subjects stands.
PEER_PLACE = {"latency": "cross", "stream": "one-way"}

# Of each call on a communicator inside a subject, in ns more than the host MPI takes.
OVERHEAD = "overhead: "
MOST_ADDED = 5.0
# Where another subject's message is being received, waiting looks after that too: no goal.
WITHOUT_GOAL = " while receiving"


def size_text(count: int) -> str:
    """8, 1K, 64K, 4M."""
    for unit, factor in (("M", 1 << 20), ("K", 1 << 10)):
        if count >= factor and count % factor == 0:
            return f"{count // factor}{unit}"
    return str(count)


def value_text(value: float, unit: str, count: int) -> str:
    """A time as it is; a rate as millions of messages, and as GB/s from 1 KiB on."""
    if unit != "msg/s":
        return f"{value:.3g} {unit}"
    return f"{value * count / 1e9:.3g} GB/s" if count >= 1024 else f"{value / 1e6:.3g} M/s"


def _cell(figures: Figures, key: Key) -> str:
    values = figures.values.get(key)
    if not values:
        return "-"
    unit = figures.units[key.test]
    text = value_text(figures.median(key), unit, key.bytes)
    if len(values) > 1:
        low, high = (value_text(bound, unit, key.bytes).split()[0] for bound in (min(values), max(values)))
        text += f" [{low}..{high}]"
    ratio = figures.ratio(key)
    return text if ratio is None else f"{text}  x{ratio:.2f}"


def _rows(figures: Figures, mpi: str, test: str) -> list:
    places = figures.choices("place", mpi=mpi, test=test)
    rows = [["bytes", *places]]
    for count in figures.choices("bytes", mpi=mpi, test=test):
        rows.append([size_text(count) if count else "-", *(_cell(figures, Key(mpi, test, place, count)) for place in places)])
    return rows


def show(figures: Figures, out) -> None:
    """One table for each host MPI and test: median [min..max] and xRATIO to the host; then the goals."""
    about = machine()
    print(f"{about['processors']} processors, {about['processor']}, Linux {about['kernel']}", file=out)
    for mpi in figures.choices("mpi"):
        for test in figures.choices("test", mpi=mpi):
            if test.startswith(OVERHEAD):
                continue
            rows = _rows(figures, mpi, test)
            widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
            print(f"\n{mpi}: {test}", file=out)
            for row in rows:
                cells = [row[0].rjust(widths[0]), *(cell.ljust(width) for cell, width in zip(row[1:], widths[1:]))]
                print("  " + "  ".join(cells).rstrip(), file=out)
        show_overhead(figures, mpi, out)
    show_goals(figures, out)


def overheads(figures: Figures, mpi: str) -> list:
    """Key of each call that was measured inside a subject and on the host."""
    keys = [Key(mpi, test, "inside/subject", 0) for test in figures.choices("test", mpi=mpi) if test.startswith(OVERHEAD)]
    return [key for key in keys if figures.ratio(key) is not None]


def show_overhead(figures: Figures, mpi: str, out) -> None:
    """One line for each call: alone, inside a subject, the difference."""
    keys = overheads(figures, mpi)
    if not keys:
        return
    width = max(len(key.test) for key in keys) - len(OVERHEAD)
    print(f"\n{mpi}: ns of one call alone, inside a subject, and more", file=out)
    for key in keys:
        inside, added = figures.median(key), figures.difference(key)
        print(f"  {key.test.removeprefix(OVERHEAD):{width}}  {inside - added:8.1f}  {inside:8.1f}  {added:+7.1f}"
              f"  x{figures.ratio(key):.2f}", file=out)


def show_overhead_goal(figures: Figures, mpi: str, out) -> None:
    keys = [key for key in overheads(figures, mpi) if not key.test.endswith(WITHOUT_GOAL)]
    if not keys:
        return
    worst = max(keys, key=figures.difference)
    verdict = "reached" if figures.difference(worst) <= MOST_ADDED else "missed"
    print(f"{mpi}: inside a subject {worst.test.removeprefix(OVERHEAD)} takes {figures.difference(worst):.1f} ns a call "
          f"more, the most of {len(keys)}; goal at most {MOST_ADDED:g}: {verdict}", file=out)


def show_peer_goals(figures: Figures, mpi: str, out) -> None:
    """How far MPI across subjects is ahead of what is used without MPI."""
    for test, count, least in PEER_GOALS:
        own = figures.median(Key(mpi, test, PEER_PLACE[test], count))
        for peer, ratio in least.items():
            other = figures.median(Key("peers", test, peer, count))
            if own is None or other is None:
                continue
            ahead = other / own if test == "latency" else own / other
            verdict = "reached" if ahead >= ratio else "missed"
            print(f"{mpi}: {test} at {size_text(count)} across subjects is {ahead:.2f} times better than {peer}; "
                  f"goal at least {ratio:g}: {verdict}", file=out)


def show_goals(figures: Figures, out) -> None:
    print(file=out)
    for mpi in figures.choices("mpi"):
        for test, count, most in GOALS:
            ratio = figures.ratio(Key(mpi, test, "cross", count))
            if ratio is None:
                continue
            verdict = "reached" if ratio <= most else "missed"
            print(f"{mpi}: {test} at {size_text(count)} across subjects is {ratio:.2f} times the host's; "
                  f"goal at most {most:g}: {verdict}", file=out)
        show_overhead_goal(figures, mpi, out)
        show_peer_goals(figures, mpi, out)
