"""sluice-rank where it cannot do its work: outside a sandbox, without a rank. What it does inside one, the runs test."""

import argparse
import subprocess
import sys
import unittest

RANK = None


def start(*words, **environment):
    return subprocess.run([RANK, *words], env=environment, capture_output=True, text=True, timeout=20, check=False)


class Refusals(unittest.TestCase):
    def assert_refused(self, done, text):
        self.assertEqual(done.returncode, 127)
        self.assertEqual(done.stdout, "")
        self.assertIn(text, done.stderr)
        self.assertTrue(done.stderr.startswith("sluice-rank"))

    def test_says_what_it_is(self):
        for words in ([], ["PMI_RANK"], ["PMI_RANK", "--preload=x"]):
            self.assert_refused(start(*words, PMI_RANK="0"), "started by mpiexec inside `sluice run`")

    def test_without_a_rank(self):
        self.assert_refused(start("PMI_RANK", "/bin/true"), "no rank in the environment variable PMI_RANK")
        for rank in ("", "x", "-1", "../0", "0 "):
            done = start("PMI_RANK", "/bin/true", PMI_RANK=rank)
            self.assert_refused(done, "no rank in the environment variable PMI_RANK")

    def test_without_its_pipes(self):
        done = start("PMI_RANK", "/bin/echo", "lost", PMI_RANK="99999999")
        self.assert_refused(done, "cannot open /run/sluice/output/99999999.out: No such file or directory")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rank", required=True)
    RANK = parser.parse_args().rank
    unittest.main(argv=sys.argv[:1])
