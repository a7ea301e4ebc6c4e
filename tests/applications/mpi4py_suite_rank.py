#!/usr/bin/python3
"""One rank of a test suite for mpi4py: runs the tests of one file and says what became of each.

Usage: mpi4py_suite_rank.py RESULTS FOLDER MODULE SECONDS [TEST-TO-LEAVE-OUT...]

Lines of the file that has the rank in the world for its name, in the folder RESULTS:
  plan TEST                        in the order in which they run
  ok|skipped|failed|error TEST: text
A test that takes longer than SECONDS ends the process, after it has written its stack to standard error.
"""

import faulthandler
import sys
import unittest

sys.dont_write_bytecode = True


def say(results, word, test, text=""):
    """One line. Not on standard output: mpiexec of Open MPI may lose some of that when a rank ends early."""
    first = " ".join(text.split())[:160]
    results.write(f"{word} {test}{': ' + first if first else ''}\n")
    results.flush()


def name_of(test):
    return ".".join(test.id().split(".")[1:])  # without the file's


def cases_of(suite):
    """The single tests of a suite, in its order."""
    for entry in suite:
        if isinstance(entry, unittest.TestSuite):
            yield from cases_of(entry)
        else:
            yield entry


class Reporter(unittest.TestResult):
    """Says what became of each test, once."""

    def __init__(self, results, seconds):
        super().__init__()
        self.results, self.seconds, self.said = results, seconds, False

    def startTest(self, test):
        super().startTest(test)
        self.said = False
        faulthandler.dump_traceback_later(self.seconds, exit=True)

    def stopTest(self, test):
        super().stopTest(test)
        if not self.said:
            self._say("ok", test)
        faulthandler.dump_traceback_later(self.seconds, exit=True)  # until the next one begins, or the process ends

    def _say(self, word, test, text=""):
        if not self.said:
            say(self.results, word, name_of(test), text)
        self.said = True

    def addSkip(self, test, reason):
        self._say("skipped", test, reason)

    def addFailure(self, test, err):
        self._say("failed", test, f"{err[0].__name__} {err[1]}")

    def addError(self, test, err):
        self._say("error", test, f"{err[0].__name__} {err[1]}")

    def addSubTest(self, test, subtest, err):
        if err is not None:
            word = "failed" if issubclass(err[0], test.failureException) else "error"
            self._say(word, test, f"{err[0].__name__} {err[1]}")

    def addExpectedFailure(self, test, err):
        self._say("ok", test)

    def addUnexpectedSuccess(self, test):
        self._say("failed", test, "succeeded unexpectedly")


def main():
    folder, module, seconds = sys.argv[2], sys.argv[3], float(sys.argv[4])
    left_out = set(sys.argv[5:])
    faulthandler.dump_traceback_later(seconds, exit=True)
    from mpi4py import MPI  # initializes MPI: bounded by the line above

    with open(f"{sys.argv[1]}/{MPI.COMM_WORLD.Get_rank()}", "w", encoding="utf-8") as results:
        sys.path.insert(0, folder)
        cases = list(cases_of(unittest.defaultTestLoader.loadTestsFromName(module)))
        cases = [case for case in cases if name_of(case) not in left_out]
        for case in cases:
            say(results, "plan", name_of(case))
        say(results, "plan", "(end)")
        unittest.TestSuite(cases).run(Reporter(results, seconds))
        MPI.Finalize()
        say(results, "ok", "(end)")


if __name__ == "__main__":
    main()
