#!/usr/bin/env python3
"""Compares what `sluice show` prints for every example policy with the golden text beside this script.

Exit codes: 0 all as recorded (or updated), 1 something differs, 2 wrong arguments.
"""

import argparse
import difflib
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def example_policies(root):
    """Every example policy, with the imagery example once it is there."""
    found = sorted((root / "examples" / "policies").glob("*.yaml"))
    imagery = root / "examples" / "imagery" / "imagery.yaml"
    return found + ([imagery] if imagery.exists() else [])


def rendered(sluice, policy):
    """What `sluice show` prints for `policy`, or the reason why it failed."""
    done = subprocess.run([sluice, "show", str(policy)], capture_output=True, text=True, timeout=30, check=False)
    return done.stdout if done.returncode == 0 else f"exit code {done.returncode}\n{done.stderr}"


def compare(sluice, policies, golden_folder, update):
    """Prints each difference; returns how many texts differ, lack a policy, or are missing."""
    wrong = 0
    for policy in policies:
        golden = golden_folder / f"{policy.stem}.txt"
        now = rendered(sluice, policy)
        if update:
            golden.write_text(now, encoding="utf-8")
            continue
        then = golden.read_text(encoding="utf-8") if golden.exists() else ""
        if now != then:
            wrong += 1
            sys.stdout.writelines(difflib.unified_diff(then.splitlines(True), now.splitlines(True), str(golden), "now"))
    stems = {policy.stem for policy in policies}
    for golden in sorted(golden_folder.glob("*.txt")):
        if golden.stem in stems or golden.name == "CMakeLists.txt":
            continue
        if update:
            golden.unlink()
        else:
            wrong += 1
            print(f"{golden}: no such policy any more")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sluice", required=True, help="the program `sluice`")
    parser.add_argument("--update", action="store_true", help="record what is printed now; review the difference in git")
    arguments = parser.parse_args()
    policies = example_policies(ROOT)
    if not policies:
        print("no example policies found")
        return 1
    wrong = compare(arguments.sluice, policies, HERE, arguments.update)
    if wrong:
        print(f"{wrong} of {len(policies)} texts differ. If that is meant: {sys.argv[0]} --sluice ... --update")
        return 1
    print(f"{len(policies)} policies {'recorded' if arguments.update else 'as recorded'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
