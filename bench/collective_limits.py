"""What a collective over three subjects takes at least, by steps that the same program measured in the same run.

A step is the same collective between two ranks: of one host MPI, or of two subjects. While calls follow each other, a step
keeps all processors busy, so on two of them the times of the steps of a call add up; where there are more, they only may.
Copying is a bound below that: every byte is copied three times across a boundary and once inside a subject, at the speed
at which all processors copy at once.
"""

import os

from figures import Figures, Key
from words import size_text, value_text

COPIES_ACROSS, COPIES_INSIDE = 3, 1
# From so many bytes on copying counts.
LARGE = 65536


def moves(test: str, place: str, ranks: int, whole: bool) -> tuple:
    """How often a call moves the bytes between subjects and inside them: messages, or with `whole` parts of ranks."""
    inside = 3 * (ranks - 1)
    if place == "host":
        return 0, 3 * ranks - 1
    if not whole or test in ("Bcast", "Reduce"):
        return 2, inside
    # On a chain the far subject's parts cross both boundaries.
    return (3 if place == "chain" else 2) * ranks, inside


def by_steps(figures: Figures, key: Key):
    """Microseconds that the steps of a case take by themselves, or None where they were not measured."""
    test, ranks = _case(key)
    across, inside = (figures.median(Key(key.mpi, f"{test}, one step", place, key.bytes))
                      for place in ("two subjects", "two ranks"))
    if across is None or inside is None:
        return None
    messages = moves(test, key.place, ranks, key.bytes >= LARGE)
    return messages[0] * across + messages[1] * inside


def by_copying(figures: Figures, key: Key):
    """Microseconds that copying alone takes, or None for few bytes."""
    copy = figures.median(Key(key.mpi, "Copy, one step", "two ranks", key.bytes))
    if copy is None or key.bytes < LARGE:
        return None
    test, ranks = _case(key)
    across, inside = moves(test, key.place, ranks, True)
    return (COPIES_ACROSS * across + COPIES_INSIDE * inside) * copy / len(os.sched_getaffinity(0))


def _case(key: Key) -> tuple:
    test, rest = key.test.split(", 3 x ")
    return test, int(rest.split()[0])


def _cell(figures: Figures, key: Key) -> str:
    median, host = figures.median(key), figures.median(Key(key.mpi, key.test, "host", key.bytes))
    if median is None or host is None:
        return "-"
    bounds = [bound for bound in (by_steps(figures, key), by_copying(figures, key)) if bound is not None]
    if key.place == "host":
        return f"{value_text(median, 'us', key.bytes)} ({', '.join(value_text(bound, 'us', key.bytes) for bound in bounds)})"
    return f"x{median / host:.2f} ({', '.join(f'x{bound / host:.2f}' for bound in bounds)})"


def show(figures: Figures, out) -> None:
    """For each host MPI and size a table of ratios, and what bounds them."""
    for mpi in figures.choices("mpi"):
        tests = [test for test in figures.choices("test", mpi=mpi) if ", 3 x " in test]
        for count in figures.choices("bytes", mpi=mpi):
            print(f"\n{mpi}: {size_text(count)}: time of the host and ratios to it; in brackets what the steps take by "
                  f"themselves{', and copying alone' if count >= LARGE else ''}", file=out)
            rows = [[test, *(_cell(figures, Key(mpi, test, place, count)) for place in ("host", "chain", "one-label"))]
                    for test in tests]
            widths = [max(len(row[i]) for row in rows) for i in range(4)] if rows else []
            for row in rows:
                print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip(), file=out)
