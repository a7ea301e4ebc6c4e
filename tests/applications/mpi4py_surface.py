#!/usr/bin/python3
"""What mpi4py offers for point-to-point, communicators, groups and errors, tried on MPI_COMM_WORLD.

Every rank runs every test; each exchanges with the rank half a world away. Prints one line for each test of each rank:
`TEST name ok`, or `TEST name` and what went wrong. Usage: mpi4py_surface.py [TEST...]
"""

import array
import os
import sys
import traceback

import numpy
from mpi4py import MPI

WORLD = MPI.COMM_WORLD
RANK, SIZE = WORLD.Get_rank(), WORLD.Get_size()
PEER = (RANK + SIZE // 2) % SIZE
TYPE_CODES = "bhilqfdFDB?"
SHAPES = [(0,), (1,), (257,), (16, 33)]
OBJECTS = [None, 7, -3.25, "text", b"bytes", [1, 2, 3], {"key": ("value", 2)}, list(range(20000))]


def filled(rank, code, shape):
    """An array that tells who made it."""
    count = int(numpy.prod(shape))
    return ((numpy.arange(count) * (rank + 3)) % 101).astype(code).reshape(shape)


def equal(got, expected):
    """Raises unless both are the same, types included."""
    if isinstance(expected, numpy.ndarray):
        same = got.dtype == expected.dtype and numpy.array_equal(got, expected)
    else:
        same = got == expected
    if not same:
        raise AssertionError(f"got {got!r:.80}, expected {expected!r:.80}")


def each_array():
    """All kinds and shapes: (tag, what to send, what will come, room for it)."""
    for number, code in enumerate(TYPE_CODES):
        for shape in SHAPES:
            yield number, filled(RANK, code, shape), filled(PEER, code, shape), numpy.zeros(shape, dtype=code)


def in_turns(send, receive):
    """The lower half of the world sends first."""
    for action in (send, receive) if RANK < SIZE // 2 else (receive, send):
        action()


# --- Point-to-point --------------------------------------------------------------------------------------------------

def test_send_modes():
    MPI.Attach_buffer(MPI.Alloc_mem(1 << 16))
    try:
        for send in (WORLD.Send, WORLD.Ssend, WORLD.Bsend):
            for tag, mine, theirs, room in each_array():
                status = MPI.Status()
                in_turns(lambda: send(mine, PEER, tag), lambda: WORLD.Recv(room, PEER, tag, status))
                equal(room, theirs)
                equal((status.source, status.tag, status.Get_count(MPI.BYTE)), (PEER, tag, room.nbytes))
    finally:
        MPI.Detach_buffer()


def test_nonblocking_modes():
    for send in (WORLD.Isend, WORLD.Issend):
        for tag, mine, theirs, room in each_array():
            requests = [WORLD.Irecv(room, PEER, tag), send(mine, PEER, tag)]
            statuses = [MPI.Status(), MPI.Status()]
            MPI.Request.Waitall(requests, statuses)
            equal(room, theirs)
            equal((statuses[0].source, statuses[0].tag), (PEER, tag))


def test_persistent():
    for tag, mine, theirs, room in each_array():
        receive, send = WORLD.Recv_init(room, PEER, tag), WORLD.Send_init(mine, PEER, tag)
        for _ in range(2):
            room[...] = 0
            MPI.Prequest.Startall([receive, send])
            MPI.Request.Waitall([receive, send])
            equal(room, theirs)
        receive.Free()
        send.Free()


def test_exchanges():
    for tag, mine, theirs, room in each_array():
        WORLD.Sendrecv(mine, PEER, tag, room, PEER, tag)
        equal(room, theirs)
        WORLD.Sendrecv_replace(mine, PEER, tag, PEER, tag)
        equal(mine, theirs)


def test_any_source_and_probe():
    right, left = (RANK + 1) % SIZE, (RANK - 1) % SIZE
    request = WORLD.Isend(filled(RANK, "i", (9,)), right, 41)
    status = MPI.Status()
    WORLD.Probe(MPI.ANY_SOURCE, 41, status)
    equal((status.source, status.Get_count(MPI.INT)), (left, 9))
    while not WORLD.Iprobe(left, 41):
        pass
    room = numpy.zeros(9, dtype="i")
    WORLD.Recv(room, MPI.ANY_SOURCE, 41)
    equal(room, filled(left, "i", (9,)))
    request.Wait()


def test_matched_probe():
    for number in range(3):
        request = WORLD.Isend(filled(RANK, "d", (number + 1,)), PEER, 50 + number)
        message = WORLD.Mprobe(PEER, 50 + number) if number else None
        while message is None:
            message = WORLD.Improbe(MPI.ANY_SOURCE, 50 + number)
        room = numpy.zeros(number + 1)
        if number == 2:
            message.Irecv(room).Wait()
        else:
            message.Recv(room)
        equal(room, filled(PEER, "d", (number + 1,)))
        request.Wait()


def test_no_peer():
    status = MPI.Status()
    WORLD.Send(filled(RANK, "i", (3,)), MPI.PROC_NULL)
    WORLD.Recv(numpy.zeros(3, dtype="i"), MPI.PROC_NULL, status=status)
    equal((status.source, status.tag, status.Get_count(MPI.INT)), (MPI.PROC_NULL, MPI.ANY_TAG, 0))


def test_datatypes():
    column = MPI.DOUBLE.Create_vector(6, 1, 6).Commit()
    record = MPI.Datatype.Create_struct([1, 2], [0, 8], [MPI.INT, MPI.DOUBLE]).Commit()
    matrix = filled(RANK, "d", (6, 6))
    flat = matrix.reshape(-1)
    WORLD.Sendrecv([flat[1:], 1, column], PEER, 1, [flat[4:], 1, column], PEER, 1)
    equal(matrix[:, 4], filled(PEER, "d", (6, 6))[:, 1])
    packed = numpy.zeros(3, dtype=[("a", "i4"), ("gap", "i4"), ("b", "2f8")])
    packed["a"], packed["b"] = RANK, RANK + 0.5
    room = numpy.zeros_like(packed)
    WORLD.Sendrecv([packed.view("b"), 3, record], PEER, 2, [room.view("b"), 3, record], PEER, 2)
    equal(room["a"].tolist() + room["b"].ravel().tolist(), [PEER] * 3 + [PEER + 0.5] * 6)
    column.Free()
    record.Free()


def test_pickles():
    for send in (WORLD.send, WORLD.ssend, WORLD.bsend):
        MPI.Attach_buffer(MPI.Alloc_mem(1 << 20))
        try:
            for tag, thing in enumerate(OBJECTS):
                got = []
                in_turns(lambda: send(thing, PEER, tag), lambda: got.append(WORLD.recv(source=PEER, tag=tag)))
                equal(got[0], thing)
        finally:
            MPI.Detach_buffer()


def test_nonblocking_pickles():
    for tag, thing in enumerate(OBJECTS):
        requests = [WORLD.isend(thing, PEER, tag), WORLD.issend(thing, PEER, tag + 100)]
        equal(WORLD.recv(source=PEER, tag=tag), thing)
        equal(WORLD.irecv(bytearray(1 << 20), source=PEER, tag=tag + 100).wait(), thing)
        MPI.Request.waitall(requests)
        equal(WORLD.sendrecv(thing, PEER, 3, None, PEER, 3), thing)
        request = WORLD.isend(thing, PEER, 4)
        equal(WORLD.mprobe(PEER, 4).recv(), thing)
        request.wait()


def test_requests():
    room = array.array("i", [0, 0, 0])
    receives = [WORLD.Irecv([memoryview(room)[i:i + 1], MPI.INT], PEER, 60 + i) for i in range(3)]
    sends = [WORLD.Isend(array.array("i", [100 * RANK + i]), PEER, 60 + i) for i in range(3)]
    first = MPI.Request.Waitany(receives)
    rest = set()
    while len(rest) < 2:
        rest |= set(MPI.Request.Waitsome(receives) or [])
    equal(rest | {first}, {0, 1, 2})
    equal(room.tolist(), [100 * PEER + i for i in range(3)])
    MPI.Request.Waitall(sends)
    cancelled, status = WORLD.Irecv(room, PEER, 70), MPI.Status()
    cancelled.Cancel()
    cancelled.Wait(status)
    equal(status.Is_cancelled(), True)


# --- Communicators and groups ----------------------------------------------------------------------------------------

def check_messages(comm):
    """A ring of messages within a communicator, which must not mix with those of another."""
    rank, size = comm.Get_rank(), comm.Get_size()
    got = comm.sendrecv((rank, "ring"), (rank + 1) % size, 5, None, (rank - 1) % size, 5)
    equal(got, ((rank - 1) % size, "ring"))


def test_duplicates():
    for make in (WORLD.Dup, WORLD.Clone, lambda: WORLD.Dup(MPI.INFO_NULL)):
        comm = make()
        equal(MPI.Comm.Compare(WORLD, comm), MPI.CONGRUENT)
        equal((comm.Get_rank(), comm.Get_size()), (RANK, SIZE))
        check_messages(comm)
        comm.Free()
        equal(comm == MPI.COMM_NULL, True)
    comm, request = WORLD.Idup()
    request.Wait()
    check_messages(comm)
    comm.Free()


def test_split():
    parity = list(range(RANK % 2, SIZE, 2))
    for color, key, members in (
        (RANK % 2, RANK, parity),
        (0, -RANK, list(range(SIZE - 1, -1, -1))),
        (MPI.UNDEFINED if RANK == 0 else 1, 0, list(range(1, SIZE)) if RANK else None),
    ):
        comm = WORLD.Split(color, key)
        if members is None:
            equal(comm == MPI.COMM_NULL, True)
            continue
        equal((comm.Get_rank(), comm.Get_size()), (members.index(RANK), len(members)))
        check_messages(comm)
        comm.Free()


def test_create():
    group = WORLD.Get_group()
    ends = group.Incl([SIZE - 1, 0])
    comm = WORLD.Create(ends)
    if RANK in (0, SIZE - 1):
        equal(comm.Get_rank(), 0 if RANK == SIZE - 1 else 1)
        check_messages(comm)
        comm.Free()
    else:
        equal(comm == MPI.COMM_NULL, True)
    if RANK in (0, SIZE - 1):
        comm = WORLD.Create_group(ends, 3)
        check_messages(comm)
        comm.Free()
    ends.Free()
    group.Free()


def test_groups():
    world = WORLD.Get_group()
    equal((world.Get_rank(), world.Get_size()), (RANK, SIZE))
    lower, odd = world.Range_incl([(0, SIZE // 2 - 1, 1)]), world.Incl(range(1, SIZE, 2))
    for operation, expected in (
        (MPI.Group.Union, [*range(SIZE // 2), *(r for r in range(1, SIZE, 2) if r >= SIZE // 2)]),
        (MPI.Group.Intersection, [r for r in range(SIZE // 2) if r % 2]),
        (MPI.Group.Difference, [r for r in range(SIZE // 2) if r % 2 == 0]),
    ):
        made = operation(lower, odd)
        equal(list(MPI.Group.Translate_ranks(made, range(made.Get_size()), world)), expected)
        equal(made.Get_rank(), expected.index(RANK) if RANK in expected else MPI.UNDEFINED)
        if made != MPI.GROUP_EMPTY:
            made.Free()
    rest = world.Excl(range(1, SIZE, 2))
    equal(list(MPI.Group.Translate_ranks(odd, range(odd.Get_size()), rest)), [MPI.UNDEFINED] * odd.Get_size())
    equal(MPI.Group.Compare(world, WORLD.Get_group()), MPI.IDENT)
    equal(MPI.Group.Compare(lower, world), MPI.UNEQUAL)
    equal(MPI.Group.Compare(world.Incl(range(SIZE - 1, -1, -1)), world), MPI.SIMILAR)


def test_attributes_and_names():
    keyval = MPI.Comm.Create_keyval(copy_fn=lambda comm, key, value: value + ["copied"],
                                    delete_fn=lambda comm, key, value: value.append("deleted"))
    comm, value = WORLD.Dup(), ["set"]
    comm.Set_attr(keyval, value)
    other = comm.Dup()
    copied = other.Get_attr(keyval)
    equal(copied, ["set", "copied"])
    other.Free()
    equal(copied, ["set", "copied", "deleted"])
    comm.Delete_attr(keyval)
    equal(comm.Get_attr(keyval), None)
    comm.Set_name("of all ranks")
    equal(comm.Get_name(), "of all ranks")
    comm.Free()
    MPI.Comm.Free_keyval(keyval)
    equal(WORLD.Get_attr(MPI.TAG_UB) >= 32767, True)


def test_topologies():
    shape = MPI.Compute_dims(SIZE, 2)
    cart = WORLD.Create_cart(shape, periods=[True, False], reorder=False)
    equal((cart.Get_topology(), cart.dims, cart.Get_cart_rank(cart.coords)), (MPI.CART, shape, cart.Get_rank()))
    before, after = cart.Shift(0, 1)
    equal(cart.sendrecv(RANK, after, 0, None, before, 0), before)
    rows = cart.Sub([False, True])
    equal(rows.Get_size(), shape[1])
    rows.Free()
    cart.Free()


def test_errors():
    WORLD.Set_errhandler(MPI.ERRORS_RETURN)
    for call, expected in (
        (lambda: WORLD.Send(b"x", SIZE + 3), MPI.ERR_RANK),
        (lambda: WORLD.Recv(bytearray(1), SIZE), MPI.ERR_RANK),
        (lambda: WORLD.Send(b"x", PEER, -5), MPI.ERR_TAG),
    ):
        try:
            call()
        except MPI.Exception as problem:
            equal(problem.Get_error_class(), expected)
        else:
            raise AssertionError("no error")
    in_turns(lambda: WORLD.Send(bytearray(64), PEER, 80), lambda: truncated())


def truncated():
    """A message that is longer than the room for it."""
    try:
        WORLD.Recv(bytearray(8), PEER, 80)
    except MPI.Exception as problem:
        equal(problem.Get_error_class(), MPI.ERR_TRUNCATE)
    else:
        raise AssertionError("no error")


def tell(name, verdict):
    """One line in one piece, so that no other rank's comes between."""
    os.write(sys.stdout.fileno(), f"TEST {name} {RANK} {verdict}\n".encode())


def main():
    """Runs the tests that are named, or all."""
    known = {name.removeprefix("test_"): function for name, function in globals().items() if name.startswith("test_")}
    for name in sys.argv[1:] or known:
        try:
            known[name]()
            tell(name, "ok")
        except Exception:  # whatever it is, it is told
            tell(name, traceback.format_exc().splitlines()[-1])
            WORLD.Abort(3)  # the others would wait for this one


if __name__ == "__main__":
    main()
