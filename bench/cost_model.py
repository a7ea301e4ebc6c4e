"""What a message across subjects costs in processor time: per message, per byte, per source subject."""

import dataclasses

import least_squares
import simulation

PARTS = ["sender", "guard", "receiver"]


@dataclasses.dataclass(frozen=True)
class Point:
    """One measured run: senders of `subjects` - 1 subjects to as many ranks of the last one."""

    mpi: str
    ranks: int
    subjects: int
    bytes: int
    rate: float  # messages a second, all together
    sender: float  # processor time for one message, in us
    guard: float
    receiver: float


def fit(points: list, part: str) -> least_squares.Fit:
    """us of `part` for one message: fixed, for each byte, for each source subject."""
    terms = [[1.0, float(point.bytes), float(point.subjects - 1)] for point in points]
    return least_squares.fit(terms, [getattr(point, part) for point in points])


def fit_text(name: str, found: least_squares.Fit) -> list:
    """A row: part, us a message, ns a KiB, ns a source subject, errors."""
    (message, byte, subject), (message_error, byte_error, subject_error) = found.coefficients, found.errors
    return [name, f"{message:.3f} ± {message_error:.3f} us", f"{byte * 1024e3:.1f} ± {byte_error * 1024e3:.1f} ns",
            f"{subject * 1e3:.0f} ± {subject_error * 1e3:.0f} ns",
            f"{100 * found.spread:.0f} %", f"{100 * found.largest_error:.0f} %"]


# Looking at a ring in which nothing is: a cache line that nobody has written since.
LOOK = 5e-9


def costs_of(points: list, share: float) -> simulation.Costs:
    """For the simulation. `share`: of the processor time of senders and receivers that is work; the rest is waiting."""
    parts = {}
    for name in PARTS:
        message, byte, subject = fit(points, name).coefficients
        of_it = 1.0 if name == "guard" else share
        parts[name] = simulation.Part((message + subject) * of_it * 1e-6, byte * of_it * 1e-6)
    return simulation.Costs(parts["sender"], parts["guard"], parts["receiver"], LOOK)


def processors_of(point: Point, processors: int) -> float:
    """Processors that a measured run has had: what others use of the machine is not there for it."""
    return min(point.rate * (point.sender + point.guard + point.receiver) * 1e-6, float(processors))


def simulated_rate(costs: simulation.Costs, point: Point, processors: int) -> float:
    """What the simulation makes of a measured run."""
    threads = point.subjects - 1
    senders = max(point.ranks // 2 // threads, 1)
    return simulation.simulate(costs, simulation.Setting(threads, senders, point.bytes,
                                                           processors_of(point, processors))).rate


def calibrate(points: list, processors: int) -> tuple:
    """The costs whose simulation fits a third of the points best. Returns them, the share that is work, and the points
    that were left for validation."""
    calibrating, validating = points[::3], [point for i, point in enumerate(points) if i % 3]
    best = None
    for share in (0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
        costs = costs_of(points, share)
        ratios = [simulated_rate(costs, point, processors) / point.rate for point in calibrating]
        error = sum(abs(ratio - 1) / max(ratio, 1) for ratio in ratios) / len(ratios)
        if best is None or error < best[0]:
            best = (error, costs, share)
    return best[1], best[2], validating
