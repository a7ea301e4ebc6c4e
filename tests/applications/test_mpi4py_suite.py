"""The runner of mpi4py's own test suite, tried with a small suite of our own: what differs is found and named."""

import json
import pathlib

import pytest

import mpi4py_suite
from mpi4py_suite import Setting, differences, main, reason_for, read_known, results_of

SUITE = '''
import os, time, unittest
from mpi4py import MPI

COMM = MPI.COMM_WORLD

class TestTiny(unittest.TestCase):
    def test_messages(self):
        size, rank = COMM.Get_size(), COMM.Get_rank()
        self.assertEqual(COMM.sendrecv(rank, (rank + 1) % size, 1, None, (rank - 1) % size, 1), (rank - 1) % size)
    def test_fails_everywhere(self):
        self.assertEqual(1, 2)
    @unittest.skip("never")
    def test_skipped(self):
        pass
    def test_subtests(self):
        for i in range(2):
            with self.subTest(i=i):
                self.assertLess(i, 2)
'''

# The control: what only the bare host can do.
DIFFERENT = '''
    def test_a_sees_the_host(self):
        self.assertTrue(os.path.exists({marker!r}))
    def test_b_hangs_in_subjects(self):
        while not os.path.exists({marker!r}):
            time.sleep(0.1)
    def test_c_ends_early_in_subjects(self):
        os.path.exists({marker!r}) or os._exit(7)
    def test_d_goes_on_behind(self):
        pass
'''


def small_suite(folder: pathlib.Path, text: str) -> pathlib.Path:
    suite = folder / "suite"
    suite.mkdir()
    (suite / "test_comm_tiny.py").write_text(text)
    (folder / "known.txt").write_text("")
    return suite


def run(folder: pathlib.Path, suite: pathlib.Path, *options: str) -> tuple:
    """Exit code and records."""
    result = folder / "result.json"
    code = main(["--suite", str(suite), "--json", str(result), "--known", str(folder / "known.txt"), *options])
    return code, json.loads(result.read_text())


def test_the_same_everywhere(tmp_path, capsys):
    code, records = run(tmp_path, small_suite(tmp_path, SUITE), "--ranks", "2")
    assert code == 0, records
    assert [record["setting"] for record in records] == ["one", "two"]
    for record in records:
        assert record["results"] == 2 * (4 + 1)  # the end of MPI counts as one
        assert record["verdicts"] == {"failed": 2, "ok": 6, "skipped": 2}
    assert "test_comm_tiny" in capsys.readouterr().out


def test_what_differs_is_found(tmp_path):
    marker = tmp_path / "marker"
    marker.touch()
    suite = small_suite(tmp_path, SUITE + DIFFERENT.format(marker=str(marker)))
    code, [record] = run(tmp_path, suite, "--ranks", "1", "--seconds", "3")
    assert code == 1
    found = {d["test"].split("test_")[1]: (d["bare"], d["here"]) for d in record["differences"]}
    assert found == {"a_sees_the_host": ("ok", "failed"), "b_hangs_in_subjects": ("ok", "hung"),
                     "c_ends_early_in_subjects": ("ok", "ended")}
    assert record["results"] == 9 and record["verdicts"]["ok"] == 4


def test_what_is_explained_is_no_failure(tmp_path):
    known = tmp_path / "known.txt"
    known.write_text("# text\none * test_comm.TestX.*  # because\n")
    entries = read_known(known)
    assert reason_for(entries, Setting("one", "mpich", 2), "test_comm", "TestX.test") == "because"
    assert not reason_for(entries, Setting("two", "mpich", 2), "test_comm", "TestX.test")
    assert not reason_for(entries, Setting("one", "mpich", 2), "test_comm", "TestY.test")
    known.write_text("one * test_comm.TestX\n")
    with pytest.raises(ValueError, match="known.txt:1"):
        read_known(known)
    read_known(mpi4py_suite.KNOWN)


def test_a_test_without_a_verdict_is_not_lost():
    """A run ends in the second of three tests; the next one begins behind it."""
    runs = []

    def pretend(setting, tools, module, left_out, tests):
        runs.append(list(left_out))
        order = [test for test in ["a", "b", "c", "(end)"] if test not in left_out]
        lines = [(rank, "plan", test, "") for rank in range(2) for test in order]
        lines += [(rank, "ok", test, "") for rank in range(2) for test in order if test != "b" or rank == 0]
        return lines, "first\nsegmentation fault\n"

    found = results_of(Setting("one", "openmpi", 2), None, "test_x", pretend)
    assert runs == [[], ["a", "b"]]
    assert found["b", 0] == ("ok", "") and found["b", 1] == ("ended", "segmentation fault")
    assert {test for test, _ in found} == {"a", "b", "c", "(end)"}
    assert differences(found, found | {("b", 1): ("ok", "")}) == [("b", 1, "ended", "ok", "")]


def test_what_cannot_be_tried_says_so(tmp_path, capsys):
    assert main(["--suite", str(tmp_path)]) == 3
    assert "no test_" in capsys.readouterr().err
    suite = small_suite(tmp_path, SUITE)
    assert main(["--suite", str(suite), "--mpi", "mpich"]) == 3  # Debian's mpi4py is for Open MPI
    assert "is for 'openmpi'" in capsys.readouterr().err
