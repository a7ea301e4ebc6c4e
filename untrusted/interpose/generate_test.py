#!/usr/bin/python3
"""Checks that the table covers what a host MPI exports, and that the check notices when it does not.

  generate_test.py --table functions.table --listing functions.txt --wrapper libsluice-X.so [--optimized] -- GENERATE COMMAND...

The command after `--` is generate.py with everything but --table and --out.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

OPTIONS = argparse.Namespace()
FORTRAN = re.compile(r"P?MPI_(COMM_GET_ATTR|ATTR_GET)|p?mpi_(comm_get_attr|attr_get)_?_?|MPII_Comm_get_attr")


def generate(table, out):
    """Runs the generator on `table`."""
    command = [*OPTIONS.command, "--table", str(table), "--out", str(out)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


class Table(unittest.TestCase):
    """The table, the listing that the build made from it, and the library."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.out = pathlib.Path(self.folder.name) / "out"
        self.lines = OPTIONS.table.read_text().splitlines(keepends=True)

    def generate_from(self, lines):
        """Runs the generator on a changed table."""
        table = pathlib.Path(self.folder.name) / "functions.table"
        table.write_text("".join(lines))
        return generate(table, self.out)

    def without(self, name):
        """The table without the line of one function."""
        kept = [line for line in self.lines if line.split()[:1] != [name]]
        self.assertEqual(len(kept), len(self.lines) - 1)
        return kept

    def test_whole_table_is_accepted(self):
        done = self.generate_from(self.lines)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_missing_line_is_noticed(self):
        for name in ("MPI_Send", "MPI_Bcast", "MPI_Type_size", "MPI_File_open"):
            done = self.generate_from(self.without(name))
            self.assertEqual(done.returncode, 1, name)
            self.assertIn(f"{name} is exported by the host MPI but not in the table", done.stderr)

    def test_communicator_is_not_local_without_a_reason(self):
        done = self.generate_from(self.without("MPI_Bcast") + ["MPI_Bcast local\n"])
        self.assertEqual(done.returncode, 1)
        self.assertIn("MPI_Bcast takes a communicator", done.stderr)

    def test_unknown_class_is_noticed(self):
        done = self.generate_from(self.without("MPI_Bcast") + ["MPI_Bcast allowed\n"])
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"functions.table:{len(self.lines)}: expected", done.stderr)

    def test_every_wrapped_function_is_exported_under_both_names(self):
        listing = [line.split() for line in OPTIONS.listing.read_text().splitlines()]
        wrapped = {fields[0] for fields in listing if fields[1] != "local"}
        self.assertGreater(len(wrapped), 100)
        text = subprocess.run(["nm", "-D", "--defined-only", OPTIONS.wrapper], capture_output=True, text=True,
                              timeout=60, check=True).stdout
        exported = {line.split()[-1] for line in text.splitlines()}
        ours = {name for name in exported if name.startswith("MPIX_") and "P" + name not in exported}
        # Fortran's own ways to ask for an attribute.
        ours |= {name for name in exported if FORTRAN.fullmatch(name)}
        # Through it MPICH waits (transport/giving_way.cpp).
        ours |= {"ucp_worker_progress"} & exported
        self.assertEqual(exported - ours, wrapped | {"P" + name for name in wrapped})
        self.assertIn("MPIX_Comm_subject", ours)

    def test_the_library_never_calls_its_own_wrappers(self):
        """PMPI_X of a wrapped function is the wrapper: it would come back here, and wait for a lock that is held."""
        listing = [line.split() for line in OPTIONS.listing.read_text().splitlines()]
        wrapped = {fields[0] for fields in listing if fields[1] != "local"}
        planted = calls_of_wrappers({"planted.cpp": "PMPI_Send(a);\nPMPI_Type_size(b);"}, wrapped)
        self.assertEqual(planted, ["planted.cpp: PMPI_Send: say host.Send"])
        sources = {path.name: path.read_text() for path in sorted(OPTIONS.table.parent.rglob("*.[ch]pp"))}
        self.assertGreater(len(sources), 30)
        self.assertEqual(calls_of_wrappers(sources, wrapped), [])


    def test_a_send_within_the_subject_stores_nothing(self):
        """But its last argument where that was: see direct.hpp. Only what the optimizer has been at can be so."""
        if not OPTIONS.optimized:
            return
        planted = "MPI_Isend>:\n  10:\tpush   %rbx\n  11:\tmov    %rdx,-0x10(%rsp)\n  12:\tmov    0x8(%rsp),%r11\n  13:\tjmp    20"
        self.assertEqual(stores(planted), ["push   %rbx", "mov    %rdx,-0x10(%rsp)"])
        text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", "--disassemble=MPI_Isend", OPTIONS.wrapper],
                              capture_output=True, text=True, timeout=60, check=True).stdout
        self.assertGreater(text.count("jmp"), 1)
        self.assertEqual(stores(text), [])


def stores(disassembly):
    """Instructions of a function that write to the stack, but to its seventh argument."""
    lines = [line.split("\t")[-1].strip() for line in disassembly.splitlines()]
    return [line for line in lines if re.match(r"push|call|mov\w* .*,-?(0x[0-79a-f]\w*|0x8\w+|)\(%r[sb]p\)", line)]


def calls_of_wrappers(sources, wrapped):
    """Complaints about calls of PMPI_X in `sources`, {name: text}, where X is wrapped."""
    return [f"{name}: P{call}: say host.{call.removeprefix('MPI_')}" for name, text in sources.items()
            for call in re.findall(r"\bP(MPIX?_\w+)\(", text) if call in wrapped]


def main():
    """Splits the command line at `--` and runs the tests."""
    split = sys.argv.index("--")
    parser = argparse.ArgumentParser()
    for name in ("table", "listing", "wrapper"):
        parser.add_argument("--" + name, type=pathlib.Path, required=True)
    parser.add_argument("--optimized", action="store_true")
    parser.parse_args(sys.argv[1:split], namespace=OPTIONS)
    OPTIONS.command = sys.argv[split + 1:]
    unittest.main(argv=sys.argv[:1], verbosity=2)


if __name__ == "__main__":
    main()
