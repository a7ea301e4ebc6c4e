"""What ranks print: all of it arrives, whole, told apart, and harmless; and nobody waits for a stuck reader."""

import os
import re
import signal
import subprocess
import time

import pytest

from sluice_run import SluiceRun, sluice_binary

MPIS = ["openmpi", "mpich"]
LINES = 200_000

# Each rank of the host MPI writes short lines of its own as fast as it can, to both outputs.
FLOOD = """#!/usr/bin/python3
import os, sys
rank = os.environ.get("OMPI_COMM_WORLD_RANK") or os.environ["PMI_RANK"]
count = int(sys.argv[1])
for i in range(0, count, 20):
    os.write(1, b"".join(b"%s %d\\n" % (rank.encode(), j) for j in range(i, i + 20)))
os.write(2, b"errors of %s\\nlast of %s" % (rank.encode(), rank.encode()))
"""


def policy(mpi: str, *arguments: str, ranks: int = 2, more: str = "") -> str:
    words = ", ".join(["./program", *arguments])
    return f"""sluice: 1
lattice:
  levels: [LOW, HIGH]
subjects:
  talker:
    label: LOW
    ranks: {ranks}
    run: [{words}]
    mpi: {mpi}
    world: subject
{more}flows: []
"""


def run_program(source: str, mpi: str, *arguments: str, ranks: int = 2, timeout: float = 60):
    """The result of a run, and the two files of its subject, as bytes."""
    with SluiceRun(policy(mpi, *arguments, ranks=ranks)) as run:
        run.write("program", source)
        result = run.run("--quiet", timeout=timeout)
        assert result.code == 0, result.explain()[:4000]
        return result, *(result.output.joinpath(f"talker.{kind}").read_bytes() for kind in ("out", "err"))


@pytest.mark.parametrize("mpi", MPIS)
def test_every_short_line_of_every_rank_arrives(mpi):
    result, out, err = run_program(FLOOD, mpi, str(LINES), timeout=120)
    shown = result.stdout.splitlines()
    assert len(shown) == 2 * LINES, (len(shown), result.stderr[:2000])
    kept = out.decode().splitlines()
    assert kept[0] == "===== LOW talker =====" and kept[-1] == "===== end LOW talker ====="
    for rank in range(2):
        expected = [f"{rank} {i}" for i in range(LINES)]
        tag = f"[LOW talker:{rank}] "
        assert [line.removeprefix(tag) for line in shown if line.startswith(tag)] == expected
        assert [line.removeprefix(f"{rank}: ") for line in kept if line.startswith(f"{rank}: ")] == expected
    assert len(kept) == 2 * LINES + 2
    for rank in range(2):
        for text in (f"errors of {rank}", f"last of {rank}"):
            assert f"[LOW talker:{rank}] {text}\n" in result.stderr
            assert f"{rank}: {text}\n" in err.decode()


@pytest.mark.parametrize("mpi", MPIS)
def test_lines_that_ranks_write_in_pieces_stay_whole(mpi):
    source = """#!/usr/bin/python3
import os, time
rank = (os.environ.get("OMPI_COMM_WORLD_RANK") or os.environ["PMI_RANK"]).encode()
for i in range(40):
    for piece in range(5):
        os.write(1, rank * 100)
        time.sleep(0.001)
    os.write(1, b"\\n")
os.write(1, rank * 50000 + b"\\n")
"""
    result, out, _ = run_program(source, mpi)
    for rank in "01":
        whole = [rank * 500] * 40 + [rank * 50000]
        assert re.findall(rf"^\[LOW talker:{rank}\] (.*)$", result.stdout, re.MULTILINE) == whole
        assert re.findall(rf"^{rank}: (.*)$", out.decode(), re.MULTILINE) == whole


@pytest.mark.parametrize("mpi", MPIS)
def test_control_characters_show_on_the_terminal_and_stay_in_the_file(mpi):
    source = """#!/usr/bin/python3
import os
os.write(1, bytes(range(256)) + b"\\r[HIGH other:0] lie\\x1b[2J\\nno end")
os.write(2, b"\\x1b]0;title\\x07")
"""
    result, out, err = run_program(source, mpi, ranks=1)
    raw = bytes(range(256)) + b"\r[HIGH other:0] lie\x1b[2J\nno end"
    # One rank: no prefix, and every byte as it was.
    assert out == b"===== LOW talker =====\n" + raw + b"\n===== end LOW talker =====\n"
    assert b"\n\x1b]0;title\x07\n" in err
    assert not set(result.stdout + result.stderr) & {chr(code) for code in [*range(9), *range(11, 32), 127]}
    lines = result.stdout.splitlines()
    assert all(line.startswith("[LOW talker:0] ") for line in lines), lines
    assert "\\x0d[HIGH other:0] lie\\x1b[2J" in lines[1] and lines[2] == "[LOW talker:0] no end"
    assert "[LOW talker:0] \\x1b]0;title\\x07" in result.stderr


@pytest.mark.parametrize("mpi", MPIS)
def test_mpiexec_itself_has_no_rank(mpi):
    with SluiceRun(policy(mpi)) as run:
        run.write("program", "#!/bin/sh\necho gone >&2\nexit 7\n")
        result = run.run("--quiet")
        assert result.code == 1 and result.summary["subjects"][0]["exit_status"] == 7, result.explain()
        assert "[LOW talker:0] gone" in result.stderr and "[LOW talker:1] gone" in result.stderr, result.explain()
        text = result.stdout + result.stderr
        if mpi == "openmpi":
            assert re.search(r"^\[LOW talker\] .*exit", text, re.MULTILINE), result.explain()
            assert "mpiexec: " in result.output_of("talker", "err") + result.output_of("talker", "out")


@pytest.mark.parametrize("mpi", MPIS)
def test_a_reader_that_is_stuck_holds_nobody_up(mpi):
    """Nobody reads what `sluice run` prints; the ranks write far more than fits, come to their end, and say so."""
    source = """#!/bin/sh
/usr/bin/head -c 60000000 /dev/zero | /usr/bin/tr '\\0' 'x' | /usr/bin/fold -w 50
echo > done/${OMPI_COMM_WORLD_RANK:-$PMI_RANK}
"""
    files = "    files:\n      - { path: done, access: write }\n"
    with SluiceRun(policy(mpi, more=files)) as run:
        run.write("program", source)
        (run.folder / "done").mkdir()
        command = [sluice_binary(), "run", "--quiet", run.policy]
        run.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=run.folder
        )
        deadline = time.monotonic() + 60
        while {entry.name for entry in (run.folder / "done").iterdir()} != {"0", "1"}:
            assert run.process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.5)
        assert run.process.poll() is None  # it still has lines for its reader, who gets them now
        out, err = run.process.communicate(timeout=60)
        assert run.process.returncode == 0, err[-2000:]
        left_out = sum(int(number) for number in re.findall(rb"\[\.\.\. (\d+) lines not shown\]", err))
        assert left_out > 0
        # What is missing is counted, to the line.
        assert out.count(b"\n") + left_out == 2 * (60_000_000 // 50)


def test_a_stuck_run_can_be_stopped():
    with SluiceRun(policy("mpich")) as run:
        run.write("program", "#!/bin/sh\nexec /usr/bin/yes\n")
        command = [sluice_binary(), "run", "--quiet", run.policy]
        read_end, write_end = os.pipe()
        with os.fdopen(read_end):
            run.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=write_end, stderr=write_end, cwd=run.folder
            )
            os.close(write_end)
            time.sleep(3)
            for _ in range(3):
                run.process.send_signal(signal.SIGINT)
                time.sleep(0.2)
            assert run.process.wait(20) == 130
