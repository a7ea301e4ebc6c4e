"""The figures as a picture. Needs matplotlib; everything else works without it."""

import importlib.util

from figures import Figures, Key

STYLES = {"host": ("black", "o"), "again": ("tab:gray", "o"), "cross": ("tab:red", "s"), "one-way": ("tab:red", "s"),
          "shared": ("tab:orange", "D"), "inside/world": ("tab:blue", "^"), "inside/subject": ("tab:green", "v")}
PANELS = [("latency", "half round trip, µs"), ("bandwidth", "bandwidth, GB/s"), ("stream", "one-way stream, GB/s")]


def available() -> bool:
    return importlib.util.find_spec("matplotlib") is not None


def draw(figures: Figures, path: str) -> None:
    """Writes one row of panels for each host MPI: medians, with the range of the rounds shaded."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    mpis = figures.choices("mpi")
    panels = [(test, label) for test, label in PANELS if figures.choices("mpi", test=test)]
    if not panels:
        raise ValueError("nothing to draw: no test with message sizes was run")
    grid, axes = pyplot.subplots(len(mpis), len(panels), figsize=(5 * len(panels), 4 * len(mpis)), squeeze=False)
    for row, mpi in zip(axes, mpis):
        for axis, (test, label) in zip(row, panels):
            _panel(axis, figures, mpi, test)
            axis.set(title=f"{mpi}: {test}", xlabel="message, bytes", ylabel=label, xscale="log", yscale="log")
            axis.set_xscale("log", base=2)
            axis.grid(True, which="major", alpha=0.3)
            axis.legend()
    grid.tight_layout()
    grid.savefig(path)
    pyplot.close(grid)


def _panel(axis, figures: Figures, mpi: str, test: str) -> None:
    for place in figures.choices("place", mpi=mpi, test=test):
        sizes = figures.choices("bytes", mpi=mpi, test=test, place=place)
        factor = [1.0 if test == "latency" else size / 1e9 for size in sizes]
        keys = [Key(mpi, test, place, size) for size in sizes]
        color, marker = STYLES.get(place, ("tab:gray", "x"))
        medians = [figures.median(key) * f for key, f in zip(keys, factor)]
        low = [min(figures.values[key]) * f for key, f in zip(keys, factor)]
        high = [max(figures.values[key]) * f for key, f in zip(keys, factor)]
        axis.plot(sizes, medians, color=color, marker=marker, markersize=4, label=place)
        axis.fill_between(sizes, low, high, color=color, alpha=0.15)
