#!/usr/bin/python3
"""Positive control of coverage.py: with a table that has one more function, and with a list that has one reason too
many or too few, it fails and names the function.

  coverage_test.py COMMAND...      COMMAND: coverage.py with its options
"""

import pathlib
import subprocess
import sys
import tempfile


def run(command: list) -> tuple:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def main() -> int:
    command = sys.argv[1:]
    listing_at = command.index("--listing") + 1
    untested_at = command.index("--untested") + 1
    host, listing = command[listing_at].split("=", 1)
    with tempfile.TemporaryDirectory() as folder:
        longer = pathlib.Path(folder, "functions.txt")
        longer.write_text(pathlib.Path(listing).read_text() + "MPI_Invented refused communicator\n")
        code, text = run([*command[:listing_at], f"{host}={longer}", *command[listing_at + 1 :]])
        assert code == 1 and "MPI_Invented has no test" in text, text

        reasons = pathlib.Path(folder, "untested.txt")
        known = pathlib.Path(command[untested_at]).read_text()
        reasons.write_text(known + "MPI_Send because\n")
        code, text = run([*command[:untested_at], str(reasons), *command[untested_at + 1 :]])
        assert code == 1 and "MPI_Send has a test" in text, text

        lines = known.splitlines(keepends=True)
        last = max(i for i, line in enumerate(lines) if line.strip() and not line.startswith("#"))
        reasons.write_text("".join(lines[:last] + lines[last + 1 :]))
        code, text = run([*command[:untested_at], str(reasons), *command[untested_at + 1 :]])
        assert code == 1 and f"{lines[last].split()[0]} has no test" in text, text
    print("a function without a test is found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
