"""The figures as tables of a page in Markdown, and put into one between two marks."""

import pathlib

import targets
from figures import Figures, Key, machine, machine_text
from words import size_text, value_text

# Columns of tables by message size; all sizes are in the JSON.
SIZES = [8, 64, 1024, 65536, 1 << 20, 4 << 20, 64 << 20]
NAMES = {"openmpi": "Open MPI", "mpich": "MPICH", "peers": "without MPI", "machine": "the machine", "guard": "a guard"}
# Heading of each test by size, in the order of the page.
BY_SIZE = [("latency", "Half round trip"), ("one-way delay", "One way, by one clock, median"),
           ("bandwidth", "Windows of 64, answered"), ("stream", "Stream")]
HEADINGS = {"pairs": "Pairs of a sender and a receiver, together", "fan-in": "Many senders to one receiver, together",
            "fan-out": "One sender to many receivers, together", "processor time": "Processor time of one message",
            "idle": "A guard all of whose ranks wait", "start": "Start of four subjects",
            "Reduce": "More ranks than processors", "HPCC": "HPCC", "LAMMPS": "LAMMPS", "guard memory": "Memory of a guard",
            "limit": "Steps of the machine itself"}


def cell(figures: Figures, key: Key) -> str:
    median = figures.median(key)
    if median is None:
        return ""
    ratio = figures.ratio(key)
    return value_text(median, figures.units[key.test], key.bytes) + ("" if ratio is None else f", x{ratio:.2f}")


def grid(head: list, rows: list) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def by_size(figures: Figures, test: str, heading: str) -> str:
    """One row for each place of each host MPI."""
    sizes = [size for size in SIZES if size in figures.choices("bytes", test=test)]
    rows = [[f"{NAMES[mpi]}, {place}", *(cell(figures, Key(mpi, test, place, size)) for size in sizes)]
            for mpi in figures.choices("mpi", test=test) for place in figures.choices("place", mpi=mpi, test=test)]
    head = [heading, *map(bytes_text, sizes)]
    return grid(head, rows) if rows and sizes else ""


def others(figures: Figures) -> str:
    """Tables of what has few sizes or none: a row for each test and size, a column for each place."""
    parts = []
    for start, heading in HEADINGS.items():
        tests = [test for test in figures.choices("test") if test.startswith(start)]
        places = list(dict.fromkeys(place for test in tests for place in figures.choices("place", test=test)))
        rows = [[f"{NAMES[mpi]}, {test}" + (f", {_count(mpi, count)}" if count else ""),
                 *(cell(figures, Key(mpi, test, place, count)) for place in places)]
                for test in tests for mpi in figures.choices("mpi", test=test)
                for count in figures.choices("bytes", mpi=mpi, test=test)]
        if rows:
            parts.append(grid([heading, *places], rows))
    return "\n".join(parts)


def _count(mpi: str, count: int) -> str:
    return f"{count} ranks" if mpi == "guard" else bytes_text(count)


def bytes_text(count: int) -> str:
    """8 B, 64 KiB, 1 MiB."""
    text = size_text(count)
    return f"{text} B" if text.isdigit() else f"{text[:-1]} {text[-1]}iB"


def overhead(figures: Figures) -> str:
    calls = list(dict.fromkeys(key.test for mpi in ("openmpi", "mpich") for key in targets.overheads(figures, mpi)))
    rows = []
    for test in calls:
        row = [test.removeprefix(targets.OVERHEAD)]
        for mpi in ("openmpi", "mpich"):
            key = Key(mpi, test, "inside/subject", 0)
            more = figures.difference(key)
            row += ["", ""] if more is None else [f"{figures.median(key) - more:.1f}", f"{figures.median(key):.1f} ({more:+.1f})"]
        rows.append(row)
    head = ["ns of one call", "Open MPI alone", "inside", "MPICH alone", "inside"]
    return grid(head, rows) if rows else ""


def goals(figures: Figures) -> str:
    rows = [[NAMES.get(one.mpi, one.mpi), one.what, one.figure, one.target, "reached" if one.reached else "**missed**",
             one.limit] for one in targets.verdicts(figures)]
    return grid(["", "Goal", "measured", "wanted", "", "beside the machine's limit"], rows) if rows else ""


def text(figures: Figures, rounds: int) -> str:
    head = f"{machine_text(machine())}; {rounds} rounds, medians and ratios to the host.\n"
    parts = [head, *(by_size(figures, *one) for one in BY_SIZE), others(figures), overhead(figures), goals(figures)]
    return "\n".join(part for part in parts if part)


def write(figures: Figures, rounds: int, path: str) -> None:
    place(text(figures, rounds), path, "bench/run --markdown")


def place(found: str, path: str, name: str) -> None:
    """Prints tables (`-`), puts them between the marks of a page that has them, or makes a file of them. Raises
    ValueError for a page without marks."""
    if path == "-":
        print(found)
        return
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    file = pathlib.Path(path)
    page = file.read_text(encoding="utf-8") if file.exists() else ""
    if begin in page and end in page:
        before, after = page.split(begin)[0], page.split(end)[1]
        found = f"{before}{begin}\n{found}{end}{after}"
    elif page:
        raise ValueError(f"{path} has no lines {begin} and {end} to put the tables between")
    file.write_text(found, encoding="utf-8")
