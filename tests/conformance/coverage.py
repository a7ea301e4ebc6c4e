#!/usr/bin/python3
"""Counts which functions of the table have a test, and fails where one has none and no reason is written down.

  coverage.py --listing openmpi=functions.txt --listing mpich=functions.txt --programs DIR --untested untested.txt
              [--only-count]

A function counts as tested where a test program of that host refers to it (nm), by its C name or, from Fortran, by
mpi_name_. untested.txt lists those without a test, one a line with the reason; a line for a function that has a test
is an error, so that the list shrinks.

With --only-count nothing fails: for the build, whose programs may not all be there yet.

Exit codes: 0 all as it should be; 1 a function without a test and without a reason, or a line too many.
"""

import argparse
import pathlib
import re
import subprocess
import sys

FORTRAN = re.compile(r"^(mpix?_\w+?)_(?:f08(?:ts)?_)?$")


def references(program: pathlib.Path) -> set:
    """Functions of MPI that a program refers to, in lower case, without the profiling prefix."""
    text = subprocess.run(["nm", "-D", "--undefined-only", program], capture_output=True, text=True, check=False).stdout
    found = set()
    for line in text.splitlines():
        name = line.split()[-1].split("@")[0]
        fortran = FORTRAN.match(name)
        if fortran:
            found.add(fortran[1])
        elif name.startswith(("MPI_", "MPIX_", "PMPI_")):
            found.add(name.removeprefix("P").lower())
    return found


def read_untested(path: pathlib.Path) -> dict:
    """{function: reason}."""
    lines = [line.split("#")[0].split(None, 1) for line in path.read_text().splitlines()]
    return {words[0]: words[1].strip() if len(words) > 1 else "" for words in lines if words}


def count(host: str, listing: pathlib.Path, programs: pathlib.Path, untested: dict) -> list:
    """Prints the counts of one host; returns the functions that lack a test."""
    tested = set()
    for program in sorted(programs.glob(f"*-{host}")):
        tested |= references(program)
    rows = [line.split()[:2] for line in listing.read_text().splitlines()]
    missing = [name for name, _ in rows if name.lower() not in tested]
    for kind in ("local", "mediated", "refused"):
        names = [name for name, its_kind in rows if its_kind == kind]
        without = [name for name in names if name in missing]
        print(f"{host}: {len(names) - len(without)} of {len(names)} {kind} functions have a test")
    print(f"{host}: {len(rows) - len(missing)} of {len(rows)} functions have a test, "
          f"{len([name for name in missing if name in untested])} have a reason why not")
    return missing


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listing", action="append", required=True, metavar="HOST=FILE")
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    parser.add_argument("--untested", type=pathlib.Path, required=True)
    parser.add_argument("--only-count", action="store_true")
    options = parser.parse_args()

    untested = read_untested(options.untested)
    listings = {host: pathlib.Path(path) for host, path in (text.split("=", 1) for text in options.listing)}
    missing = {host: count(host, path, options.programs, untested) for host, path in listings.items()}
    if options.only_count:
        return 0
    problems = []
    for host, names in missing.items():
        problems += [f"{host}: {name} has no test and no reason in {options.untested.name}"
                     for name in names if not untested.get(name)]
    anywhere = set().union(*missing.values())
    problems += [f"{options.untested.name}: {name} has a test, or is no function of a host: take the line out"
                 for name in sorted(untested.keys() - anywhere)]
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
