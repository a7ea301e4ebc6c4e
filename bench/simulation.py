"""A run as queues: senders fill rings, ingress threads empty them into mailboxes, receivers empty those; all of them
share processors. Time goes on in small steps; messages come at random; a ring that is full holds its sender up.

The costs are measured ones (cost_model.py), and bench/scale first holds the program against measured runs."""

import dataclasses

import numpy

# Of wire/limits.hpp.
RING_BYTES = 240 * 1024
# What a frame takes in a ring besides its payload, on average.
FRAME_BYTES = 96
STEPS = 400


@dataclasses.dataclass(frozen=True)
class Part:
    """Processor time of one part of the way for one message, in seconds: fixed, and for each byte."""

    message: float
    byte: float

    def time(self, size: int) -> float:
        return self.message + self.byte * size


@dataclasses.dataclass(frozen=True)
class Costs:
    sender: Part
    guard: Part
    receiver: Part
    look: float  # at one ring that is empty


@dataclasses.dataclass(frozen=True)
class Setting:
    """What runs: `threads` ingress threads, each with `senders` rings; every sender has a receiver of its own."""

    threads: int
    senders: int
    size: int
    processors: float
    bandwidth: float = float("inf")  # bytes a second that memory lets each ingress thread copy


@dataclasses.dataclass(frozen=True)
class Outcome:
    rate: float  # messages delivered in a second, all senders together
    busy: float  # share of time in which the busiest ingress thread had work
    stalled: float  # share of the messages offered that had to wait for room in a ring
    delay: float  # seconds that a message lies in a ring, on average


def share(wanted, step: float, processors: float) -> float:
    """Most time that each may have in a step, so that together they take no more than the processors have; those that
    want less leave the rest to others."""
    wanted = numpy.minimum(wanted, step)
    if wanted.sum() <= processors * step:
        return step
    rising = numpy.sort(wanted)
    before = numpy.concatenate([[0.0], numpy.cumsum(rising)[:-1]])
    levels = (processors * step - before) / (len(rising) - numpy.arange(len(rising)))
    return float(levels[numpy.argmax(levels <= rising)])


def simulate(costs: Costs, setting: Setting, offered: float = None, seed: int = 1, steps: int = STEPS) -> Outcome:
    """Runs the queues until figures settle. `offered`: messages a second of each sender; None: as fast as it can."""
    random = numpy.random.default_rng(seed)
    shape = (setting.threads, setting.senders)
    room = max(RING_BYTES / (setting.size + FRAME_BYTES), 1.0)
    send, take, receive = (part.time(setting.size) for part in (costs.sender, costs.guard, costs.receiver))
    take = max(take, setting.size / setting.bandwidth)
    # A step is long enough for a few messages of each sender, and for one round of an ingress thread over its rings.
    step = max(4 * setting.senders * take / 8, setting.senders * costs.look * 4, 8 * send, 20e-6)
    waiting, ring, mailbox = (numpy.zeros(shape) for _ in range(3))
    delivered = lain = held = asked = busy = 0.0
    for number in range(2 * steps):
        if offered is None:
            waiting[:] = room
        else:
            waiting += random.poisson(offered * step, shape)
        if number >= steps:
            asked += (offered or 0.0) * step * ring.size
            held += numpy.clip(waiting - (room - ring), 0, (offered or 0.0) * step).sum()
        wanted = numpy.minimum(waiting, room - ring) * send, mailbox * receive
        looking = setting.senders * costs.look
        work = ring.sum(axis=1) * take
        most = share(numpy.concatenate([part.ravel() for part in (*wanted, work + looking)]), step, setting.processors)
        sent = numpy.minimum(wanted[0], most) / send
        got = numpy.minimum(wanted[1], most) / receive
        # Each ring has its turn in each round, so all that lies there is served alike.
        time = numpy.maximum(numpy.minimum(work + looking, most) - looking, 0.0)
        taken = ring * numpy.minimum(1.0, time / numpy.maximum(work, 1e-30))[:, None]
        waiting -= sent
        ring += sent - taken
        mailbox += taken - got
        if number >= steps:
            delivered += taken.sum()
            lain += ring.sum() * step
            busy += numpy.minimum((work + looking) / step, 1.0).max()
    total = steps * step
    return Outcome(delivered / total, busy / steps, held / asked if asked else 0.0, lain / max(delivered, 1e-30))


def capacity(costs: Costs, setting: Setting, most_busy: float = 0.9, most_stalled: float = 0.01) -> float:
    """Most messages a second of each sender that the guard carries without holding senders up, by trial."""
    low, high = 0.0, 1.0 / costs.guard.time(setting.size) / setting.senders
    for _ in range(10):
        middle = (low + high) / 2
        outcome = simulate(costs, setting, middle, steps=60)
        if outcome.busy <= most_busy and outcome.stalled <= most_stalled:
            low = middle
        else:
            high = middle
    return low
