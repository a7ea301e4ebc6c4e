"""Figures of all rounds, their medians, and the ratio of Sluice to the host MPI."""

import dataclasses
import json
import math
import os
import platform
import statistics
import sys
import time


class NoMeasurement(Exception):
    """A figure that is not finite or not above zero."""


@dataclasses.dataclass(frozen=True)
class Key:
    """What was measured. `place` is `host`, or the variant and the communicator it was measured on."""

    mpi: str
    test: str
    place: str
    bytes: int


class Figures:
    """Values by Key, one for each round."""

    def __init__(self):
        self.values = {}
        self.units = {}

    def add_all(self, variant, lines: list) -> None:
        """Takes the lines of one start of mpi_bench. Raises NoMeasurement for a value that no measurement gives."""
        for line in lines:
            value = float(line["value"])
            if not math.isfinite(value) or value <= 0:
                raise NoMeasurement(f"{variant.mpi} {variant.name}: {line} is no measurement")
            key = Key(line.get("mpi") or variant.mpi, line["test"], place_of(variant.name, line["place"]), line["bytes"])
            self.values.setdefault(key, []).append(value)
            self.units[line["test"]] = line["unit"]

    def median(self, key: Key):
        return statistics.median(self.values[key]) if key in self.values else None

    def ratio(self, key: Key):
        """Median over the host's median; None for the host itself or where the host has no such figure."""
        host = self.median(dataclasses.replace(key, place="host"))
        return self.median(key) / host if host and key.place != "host" and key in self.values else None

    def difference(self, key: Key):
        """Median less the host's median; None where ratio() is None."""
        return self.median(key) - self.median(dataclasses.replace(key, place="host")) if self.ratio(key) else None

    def choices(self, field: str, **fixed) -> list:
        """Values of one field of the keys that have the fixed fields, in order of appearance (sizes: ascending)."""
        found = dict.fromkeys(getattr(key, field) for key in self.values
                              if all(getattr(key, name) == value for name, value in fixed.items()))
        return sorted(found) if field == "bytes" else list(found)


def place_of(variant: str, communicator: str) -> str:
    """Name of a column: inside a subject there is one for each communicator. What follows ` x` is not part of it."""
    if variant in ("peers", "crossing"):
        return communicator
    return f"inside/{communicator}" if variant == "inside" else variant.split(" x")[0]


def machine() -> dict:
    """What a reader of the figures must know of the machine."""
    model = "unknown"
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), model)
    except OSError:
        pass
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return {"processor": model, "processors": len(os.sched_getaffinity(0)), "kernel": platform.release(),
            "memory": memory, "load_average": os.getloadavg()[0]}


def machine_text(about: dict) -> str:
    return (f"{about['processor']}, {about['processors']} processors, {about['memory']:.0f} GiB memory, Linux "
            f"{about['kernel']}, {time.strftime('%Y-%m-%d', time.gmtime())}, load {about['load_average']:.1f}")


def write_json(figures: Figures, rounds: int, path: str) -> None:
    """All figures as one JSON object: machine, rounds, and for each key median, minimum, maximum, values, ratio and
    difference to the host."""
    rows = [{**dataclasses.asdict(key), "unit": figures.units[key.test], "median": figures.median(key),
             "min": min(values), "max": max(values), "ratio": figures.ratio(key),
             "difference": figures.difference(key), "values": values}
            for key, values in figures.values.items()]
    text = json.dumps({"machine": machine(), "rounds": rounds, "figures": rows}, indent=1) + "\n"
    if path == "-":
        sys.stdout.write(text)
        return
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def read_json(path: str) -> tuple:
    """Figures and rounds of a file of write_json(). Raises OSError, ValueError or KeyError where it is none."""
    with open(path, encoding="utf-8") as file:
        content = json.load(file)
    figures = Figures()
    for row in content["figures"]:
        figures.values[Key(row["mpi"], row["test"], row["place"], row["bytes"])] = row["values"]
        figures.units[row["test"]] = row["unit"]
    return figures, content["rounds"]
