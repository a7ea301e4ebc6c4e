#!/usr/bin/env python3
"""Runs the policy commands as a user would: exit codes, what goes to which stream, JSON, pictures."""

import argparse
import json
import os
import pathlib
import pty
import subprocess
import sys
import tempfile
import unittest

SLUICE = ""

GOOD = """\
sluice: 1
lattice: { levels: [LOW, HIGH], compartments: [IMG] }
subjects:
  low: { label: LOW, ranks: 2, run: ["true"] }
  high: { label: HIGH//IMG, ranks: 1, run: ["true"] }
flows:
  - { from: low, to: high }
"""


class PolicyCommands(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.good = self.write("good.yaml", GOOD)
        self.bad = self.write("bad.yaml", GOOD.replace("ranks: 2", "ranks: two").replace("to: high", "to: hihg"))
        self.absent_program = self.write("absent.yaml", GOOD.replace('["true"]', "[./absent]", 1))

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def sluice(self, *arguments, code=0, **more):
        done = subprocess.run([SLUICE, *arguments], capture_output=True, text=True, timeout=60, check=False, **more)
        self.assertEqual(done.returncode, code, f"{arguments}\n{done.stdout}{done.stderr}")
        return done

    def test_check_summarizes_a_good_policy(self):
        done = self.sluice("check", self.good)
        self.assertIn("low (LOW) -> high (HIGH//IMG)", done.stdout)
        self.assertEqual(done.stderr, "")

    def test_check_lists_every_mistake_on_standard_error(self):
        done = self.sluice("check", self.bad, code=3)
        self.assertEqual(done.stdout, "")
        self.assertEqual(
            done.stderr.splitlines(),
            [
                f"{self.bad}:4:29: 'ranks' of subject 'low' is 'two'; write a whole number from 1 to 4096",
                f"{self.bad}:7:22: unknown subject 'hihg'; did you mean 'high'?",
                f"2 mistakes in {self.bad}",
            ],
        )

    def test_check_prints_mistakes_as_json(self):
        answer = json.loads(self.sluice("check", "--json", self.bad, code=3).stdout)
        self.assertFalse(answer["ok"])
        self.assertEqual([(m["line"], m["column"]) for m in answer["mistakes"]], [(4, 29), (7, 22)])
        self.assertTrue(json.loads(self.sluice("check", "--json", self.good).stdout)["ok"])

    def test_check_looks_for_programs_unless_told_not_to(self):
        self.assertIn("is not there", self.sluice("check", self.absent_program, code=3).stderr)
        self.sluice("check", "--no-files", self.absent_program)
        self.sluice("show", self.absent_program)

    def test_missing_policy(self):
        for command in (["check"], ["show"], ["graph"]):
            self.assertIn("No such file", self.sluice(*command, "/nonexistent.yaml", code=4).stderr)
        self.sluice("explain", "/nonexistent.yaml", "a", "b", code=4)
        self.assertIn("unreadable", json.loads(self.sluice("check", "--json", "/nonexistent.yaml", code=4).stdout))

    def test_show_json_holds_the_decisions(self):
        answer = json.loads(self.sluice("show", "--json", self.good).stdout)
        self.assertEqual([(d["from"], d["to"], d["allowed"]) for d in answer["decisions"]],
                         [("low", "high", True), ("high", "low", False)])
        self.assertEqual(answer["world_size"], 3)

    def test_explain_tells_by_its_exit_code(self):
        self.assertIn("line 7", self.sluice("explain", self.good, "low", "high").stdout)
        denied = self.sluice("explain", self.good, "high", "low", code=1).stdout
        for part in ("high (HIGH//IMG)", "low (LOW)", "level HIGH is above LOW", "compartment IMG is missing",
                     "good.yaml:6", "downgrade: NAME"):
            self.assertIn(part, denied)
        answer = json.loads(self.sluice("explain", "--json", self.good, "high", "low", code=1).stdout)
        self.assertEqual(answer["cause"], "lattice")
        self.assertEqual(len(answer["failing"]), 2)

    def test_explain_knows_its_subjects(self):
        self.assertIn("did you mean 'high'?", self.sluice("explain", self.good, "low", "hig", code=2).stderr)

    def test_graph(self):
        self.assertTrue(self.sluice("graph", "--format", "dot", self.good).stdout.startswith("digraph"))
        picture = self.folder / "picture.svg"
        self.sluice("graph", self.good, "-o", str(picture))
        svg = picture.read_text(encoding="utf-8")
        self.assertIn("<svg", svg)
        self.assertIn("HIGH//IMG", svg)
        self.assertIn("stroke-dasharray", svg, "the denied direction")
        self.sluice("graph", self.good, "-o", "/nonexistent/x.svg", code=4)
        self.sluice("graph", self.bad, code=3)

    def test_wrong_arguments(self):
        for arguments in ([], ["chekc"], ["check"], ["check", "a", "b"], ["graph", "x", "--format", "png"]):
            self.assertIn("--help", self.sluice(*arguments, code=2).stderr)

    def test_help_teaches(self):
        self.assertIn("Examples:", self.sluice("--help").stdout)
        for command in ("check", "show", "graph", "explain"):
            text = self.sluice(command, "--help").stdout
            self.assertIn(f"sluice {command} imagery.yaml", text.replace("--no-files ", "").replace("--json ", ""))
            self.assertIn("Exit codes:", text)
        self.assertRegex(self.sluice("--version").stdout, r"^sluice \d+\.\d+\.\d+\n$")

    def on_terminal(self, **environment):
        """Standard output of `explain` on a terminal."""
        leader, follower = pty.openpty()
        subprocess.run([SLUICE, "explain", self.good, "low", "high"], stdout=follower, timeout=60, check=True,
                       env={**os.environ, **environment})
        os.close(follower)
        text = os.read(leader, 65536)
        os.close(leader)
        return text

    def test_colours_only_on_a_terminal(self):
        self.assertNotIn("\033", self.sluice("explain", self.good, "low", "high").stdout)
        self.assertIn(b"\033", self.on_terminal(NO_COLOR=""))
        self.assertNotIn(b"\033", self.on_terminal(NO_COLOR="1"))

    def test_a_full_disk_is_noticed(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([SLUICE, "show", self.good], stdout=full, stderr=subprocess.PIPE, timeout=60,
                                  check=False)
        self.assertEqual(done.returncode, 4)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--sluice", required=True)
    known, rest = parser.parse_known_args()
    SLUICE = known.sluice
    unittest.main(argv=[sys.argv[0], *rest])
