"""The figures as text."""

import targets
from figures import Figures, Key, machine
from words import size_text, value_text


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


def count_text(mpi: str, count: int) -> str:
    """What a row is of: bytes, of a guard's memory ranks."""
    if not count:
        return "-"
    return str(count) if mpi == "guard" else size_text(count)


def rows(figures: Figures, mpi: str, test: str) -> list:
    """One row for each size, after one of headings."""
    places = figures.choices("place", mpi=mpi, test=test)
    found = [["ranks" if mpi == "guard" else "bytes", *places]]
    for count in figures.choices("bytes", mpi=mpi, test=test):
        found.append([count_text(mpi, count), *(_cell(figures, Key(mpi, test, place, count)) for place in places)])
    return found


def show(figures: Figures, out) -> None:
    """One table for each host MPI and test: median [min..max] and xRATIO to the host; then the goals."""
    about = machine()
    print(f"{about['processors']} processors, {about['processor']}, Linux {about['kernel']}", file=out)
    for mpi in figures.choices("mpi"):
        for test in figures.choices("test", mpi=mpi):
            if test.startswith(targets.OVERHEAD):
                continue
            found = rows(figures, mpi, test)
            widths = [max(len(row[i]) for row in found) for i in range(len(found[0]))]
            print(f"\n{mpi}: {test}", file=out)
            for row in found:
                cells = [row[0].rjust(widths[0]), *(cell.ljust(width) for cell, width in zip(row[1:], widths[1:]))]
                print("  " + "  ".join(cells).rstrip(), file=out)
        show_overhead(figures, mpi, out)
    show_goals(figures, out)


def show_overhead(figures: Figures, mpi: str, out) -> None:
    """One line for each call: alone, inside a subject, the difference."""
    keys = targets.overheads(figures, mpi)
    if not keys:
        return
    width = max(len(key.test) for key in keys) - len(targets.OVERHEAD)
    print(f"\n{mpi}: ns of one call alone, inside a subject, and more", file=out)
    for key in keys:
        inside, added = figures.median(key), figures.difference(key)
        print(f"  {key.test.removeprefix(targets.OVERHEAD):{width}}  {inside - added:8.1f}  {inside:8.1f}  {added:+7.1f}"
              f"  x{figures.ratio(key):.2f}", file=out)


def show_goals(figures: Figures, out) -> None:
    """One line for each target, and how many are reached."""
    found = targets.verdicts(figures)
    print(file=out)
    for verdict in found:
        print(verdict.text(), file=out)
    if found:
        print(f"{sum(verdict.reached for verdict in found)} of {len(found)} goals reached", file=out)
