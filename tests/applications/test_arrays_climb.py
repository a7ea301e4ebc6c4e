"""numpy arrays and pickles of an mpi4py program climb a level, between two subjects of one run."""

from sluice_run import SluiceRun, bare

# Ranks 0 and 1 are low, 2 and 3 high. All messages climb.
CLIMB = '''#!/usr/bin/python3
import sys
import mpi4py
import numpy

from mpi4py import MPI

world = MPI.COMM_WORLD
rank, size = world.Get_rank(), world.Get_size()
if size != 4:
    sys.exit(f"{size} ranks")


def check(condition, what):
    if not condition:
        print("WRONG", what, flush=True)
        world.Abort(3)  # an exception would leave the other ranks waiting


def array(source, shape, kind):
    count = int(numpy.prod(shape))
    return (numpy.arange(count, dtype="q") * (source + 3) % 251).astype(kind).reshape(shape)


shapes = [((7,), "i"), ((100, 200), "d"), ((3, 5, 7), "f"), ((0,), "d"), ((1024, 1024), "d"), ((300,), "D")]
if sys.argv[1] == "low":
    for to in (2, 3):
        for tag, (shape, kind) in enumerate(shapes):
            world.Send(array(rank, shape, kind), dest=to, tag=tag)
        world.send({"from": rank, "words": ["pickles", "climb", "too"]}, dest=to, tag=99)
    print("SENT", rank, flush=True)
else:
    checked = 0
    for source in (1, 0):
        for tag, (shape, kind) in enumerate(shapes):
            status = MPI.Status()
            got = numpy.full(shape, 99, dtype=kind)
            world.Recv(got, source=source, tag=tag, status=status)
            check(numpy.array_equal(got, array(source, shape, kind)), (source, tag))
            check((status.Get_source(), status.Get_tag()) == (source, tag), "status")
            checked += got.nbytes
        note = world.recv(source=source, tag=99)
        check(note == {"from": source, "words": ["pickles", "climb", "too"]}, note)
    print("CHECKED", rank, checked, flush=True)
'''

TWO_LEVELS = """
sluice: 1
lattice: { levels: [UNCLASSIFIED, SECRET] }
subjects:
  low:
    label: UNCLASSIFIED
    ranks: 2
    run: [./climb.py, low]
    files: [ { path: climb.py, access: read } ]
  high:
    label: SECRET
    ranks: 2
    run: [./climb.py, high]
    files: [ { path: climb.py, access: read } ]
flows:
  - { from: low, to: high, queue: 64MiB }
"""

CHECKED_BYTES = 2 * (7 * 4 + 100 * 200 * 8 + 3 * 5 * 7 * 4 + 1024 * 1024 * 8 + 300 * 16)


def lines_with(word: str, text: str) -> list:
    """What follows `word` in the lines that have it, whatever stands before, sorted."""
    return sorted(line.split(word, 1)[1].strip() for line in text.splitlines() if word in line)


def test_numpy_arrays_climb_a_level():
    with SluiceRun(TWO_LEVELS) as run:
        run.write("climb.py", CLIMB)
        result = run.run(timeout=120)
        assert result.code == 0, result.explain()
    assert lines_with("SENT", result.stdout) == ["0", "1"], result.explain()
    assert lines_with("CHECKED", result.stdout) == [f"2 {CHECKED_BYTES}", f"3 {CHECKED_BYTES}"], result.explain()


def test_a_damaged_array_would_be_noticed():
    """The control, on the bare host: one changed element fails the receiving program."""
    with SluiceRun() as run:
        run.write("good.py", CLIMB)
        run.write("damaged.py", CLIMB.replace("(array(rank, shape, kind)", "(array(rank, shape, kind) + (tag == 1)"))
        results = {}
        for script in ("good.py", "damaged.py"):
            words = f"./{script} low : -n 2 ./{script} high"
            results[script] = bare("openmpi", 2, *words.split(), cwd=run.folder, timeout=60)
    good, damaged = results["good.py"], results["damaged.py"]
    assert good.returncode == 0 and lines_with("CHECKED", good.stdout) == [f"{r} {CHECKED_BYTES}" for r in (2, 3)]
    assert damaged.returncode != 0 and lines_with("WRONG", damaged.stdout), damaged.stderr
