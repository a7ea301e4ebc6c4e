#!/usr/bin/env python3
"""Shows that the comparison of snapshots catches what it must: planted differences are found."""

import argparse
import contextlib
import io
import pathlib
import sys
import tempfile

import snapshots


def differences(sluice, policies, folder):
    with contextlib.redirect_stdout(io.StringIO()):
        return snapshots.compare(sluice, policies, folder, update=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sluice", required=True)
    sluice = parser.parse_args().sluice
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        policy = folder / "one.yaml"
        text = "sluice: 1\nlattice: { levels: [A] }\nsubjects: { one: { label: A, ranks: 1, run: [./x] } }\n"
        policy.write_text(text, encoding="utf-8")
        golden = folder / "one.txt"
        found = {"missing golden text": differences(sluice, [policy], folder)}
        snapshots.compare(sluice, [policy], folder, update=True)
        unchanged = differences(sluice, [policy], folder)
        policy.write_text(text.replace("ranks: 1", "ranks: 2"), encoding="utf-8")
        found["changed policy"] = differences(sluice, [policy], folder)
        policy.write_text(text.replace("A]", "B]"), encoding="utf-8")
        found["policy with a mistake"] = differences(sluice, [policy], folder)
        policy.write_text(text, encoding="utf-8")
        golden.write_text(golden.read_text(encoding="utf-8").replace("0  one", "0  two"), encoding="utf-8")
        found["edited golden text"] = differences(sluice, [policy], folder)
        found["golden text without policy"] = differences(sluice, [], folder)
        build_file = folder / "CMakeLists.txt"
        build_file.write_text("# no golden text\n", encoding="utf-8")
        snapshots.compare(sluice, [], folder, update=True)
        if golden.exists() or not build_file.exists():
            print("recording must remove what is stale, and nothing else")
            return 1
    missed = [what for what, count in found.items() if count != 1]
    for what in missed:
        print(f"not caught: {what}")
    if unchanged != 0:
        print("a difference is reported where there is none")
    return 1 if missed or unchanged else 0


if __name__ == "__main__":
    sys.exit(main())
