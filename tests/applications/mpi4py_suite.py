#!/usr/bin/python3
"""mpi4py's own test suite under Sluice: the same results as on the bare host?

Each file of the suite runs on the bare host, inside one subject, and, what tests messages, communicators and groups,
over two subjects that flow both ways. Every test's result on every rank is compared with that of the bare host.

The suite is not part of Debian's binary package. Its source has it; take the version that is installed:

  apt-get source mpi4py        # with deb-src in the list of sources; then --suite mpi4py-*/test
  tests/applications/mpi4py_suite.py --suite mpi4py-3.1.4/test --ranks 1 3

Debian builds mpi4py for Open MPI. For MPICH, build it yourself and name the interpreter:

  python3 -m venv --system-site-packages DIR && MPICC=mpicc.mpich DIR/bin/pip install --no-binary mpi4py mpi4py
  tests/applications/mpi4py_suite.py --suite ... --mpi mpich --python DIR/bin/python3 --grant DIR
"""

import argparse
import dataclasses
import fnmatch
import json
import pathlib
import re
import subprocess
import sys
import tempfile
from itertools import permutations

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

import sluice_run  # noqa: E402

EXIT_CODES = """exit codes:
  0  every result is that of the bare host, or a difference that --known explains
  1  results differ
  2  wrong usage
  3  something could not be tried: no tests in the folder, or an mpi4py for another MPI
"""
RANK_PROGRAM = HERE / "mpi4py_suite_rank.py"
KNOWN = HERE / "mpi4py_differences.txt"
ACROSS = r"test_(p2p|msg|message|comm|group|request|status|attr|errhandler|cco)"
LINE = re.compile(r"^(plan|ok|skipped|failed|error) (\S+?)(?:: (.*))?$", re.MULTILINE)
NOT_STARTED, ENDING = "(start)", "(end)"  # in place of a test
TIMED_OUT = "Timeout ("  # what faulthandler writes
SPARE_SECONDS = 20  # for starting and ending a run, beyond what its tests may take


@dataclasses.dataclass(frozen=True)
class Setting:
    """Where tests run: `kind` is bare, one (subject) or two (subjects)."""

    kind: str
    mpi: str
    ranks: int

    def __str__(self) -> str:
        return f"{self.kind} {self.mpi} {self.ranks}"


@dataclasses.dataclass
class Tools:
    """What is the same for all runs."""

    suite: pathlib.Path
    python: str
    grants: list
    seconds: float


# --- One run ---------------------------------------------------------------------------------------------------------

def subjects_of(setting: Setting) -> dict:
    """Subjects and their ranks: one with all, or two with half of them each."""
    if setting.kind == "one":
        return {"only": setting.ranks}
    return {"left": (setting.ranks + 1) // 2, "right": setting.ranks // 2}


def policy_of(setting: Setting, tools: Tools, arguments: list) -> str:
    """The subjects, which flow both ways. Each writes its results in a folder of its own."""
    subjects = subjects_of(setting)
    lines = ["sluice: 1", "lattice: { levels: [UNCLASSIFIED, SECRET] }", "subjects:"]
    for name, ranks in subjects.items():
        command = [tools.python, str(RANK_PROGRAM), f"results/{name}", *arguments]
        lines += [f"  {name}:", "    label: SECRET", f"    ranks: {ranks}", f"    mpi: {setting.mpi}",
                  f"    run: {json.dumps(command)}", "    files:",
                  f"      - {{ path: results/{name}, access: write }}"]
        for path in [RANK_PROGRAM, tools.suite, *tools.grants]:
            lines.append(f"      - {{ path: {json.dumps(str(path))}, access: read }}")
    if len(subjects) == 2:
        lines += ["flows:"] + [f"  - {{ from: {a}, to: {b}, queue: 64MiB }}" for a, b in permutations(subjects, 2)]
    return "\n".join(lines) + "\n"


def read_lines(folder: pathlib.Path) -> list:
    """(rank, word, test, text) for every line of the ranks' files below a folder."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name.isdigit()]
    return [(int(path.name), *line) for path in files for line in LINE.findall(path.read_text())]


def run_file(setting: Setting, tools: Tools, module: str, left_out: list, tests: int) -> tuple:
    """Runs the tests of a file that are not left out: lines of results, and standard error."""
    arguments = [str(tools.suite), module, str(tools.seconds), *left_out]
    timeout = tools.seconds * min(tests, 6) + SPARE_SECONDS
    if setting.kind == "bare":
        with tempfile.TemporaryDirectory(prefix="sluice-test-") as folder:
            command = [tools.python, str(RANK_PROGRAM), folder, *arguments]
            try:
                errors = sluice_run.bare(setting.mpi, setting.ranks, *command, cwd=folder, timeout=timeout).stderr
            except subprocess.TimeoutExpired:
                errors = TIMED_OUT
            return read_lines(pathlib.Path(folder)), errors
    with sluice_run.SluiceRun(policy_of(setting, tools, arguments)) as run:
        for name in subjects_of(setting):
            (run.folder / "results" / name).mkdir(parents=True)
        result = run.run(timeout=timeout)
        return read_lines(run.folder / "results"), TIMED_OUT if result.timed_out else result.stderr


# --- Results of a file -----------------------------------------------------------------------------------------------

def results_of(setting: Setting, tools: Tools, module: str, run=run_file) -> dict:
    """(test, rank): (verdict, text). A test that hangs or crashes ends its run; the next one goes on behind it."""
    found, left_out, tests = {}, [], 1
    while True:
        lines, errors = run(setting, tools, module, left_out, tests)
        order = list(dict.fromkeys(test for _, word, test, _ in lines if word == "plan")) or [NOT_STARTED]
        judged = {(test, rank): (word, text) for rank, word, test, text in lines if word != "plan"}
        complete = [all((test, rank) in judged for rank in range(setting.ranks)) for test in order]
        culprit = None if all(complete) else order[complete.index(False)]
        upto = order if culprit is None else order[: order.index(culprit) + 1]
        lost = ("hung", "") if TIMED_OUT in errors else ("ended", last_line(errors))
        for test in upto:
            found |= {(test, rank): judged.get((test, rank), lost) for rank in range(setting.ranks)}
        if culprit in (None, NOT_STARTED, ENDING):
            return found
        left_out += upto
        tests = len(order)


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:160] if lines else ""


def differences(bare: dict, here: dict) -> list:
    """Tests and ranks whose verdicts are not those of the bare host: (test, rank, bare, here, text)."""
    absent = ("absent", "")
    return [
        (test, rank, bare.get((test, rank), absent)[0], *here.get((test, rank), absent))
        for test, rank in dict.fromkeys([*bare, *here])
        if bare.get((test, rank), absent)[0] != here.get((test, rank), absent)[0]
    ]


# --- Known differences -----------------------------------------------------------------------------------------------

def read_known(path: pathlib.Path) -> list:
    """(KIND, MPI or *, FILE.TEST pattern, reason) from lines `KIND MPI PATTERN  # reason`."""
    entries = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        words, _, reason = line.partition("#")
        if not words.strip():
            continue
        if len(words.split()) != 3 or not reason.strip():
            raise ValueError(f"{path}:{number}: expected KIND MPI PATTERN # reason")
        entries.append((*words.split(), reason.strip()))
    return entries


def reason_for(known: list, setting: Setting, module: str, test: str) -> str:
    """Why this test may differ, or an empty text."""
    for kind, mpi, pattern, reason in known:
        if kind == setting.kind and mpi in ("*", setting.mpi) and fnmatch.fnmatchcase(f"{module}.{test}", pattern):
            return reason
    return ""


# --- All of it -------------------------------------------------------------------------------------------------------

def compare_file(tools: Tools, mpi: str, ranks: int, module: str, kinds: list, known: list) -> list:
    """One record for each setting of a file."""
    bare = results_of(Setting("bare", mpi, ranks), tools, module)
    records = []
    for kind in kinds:
        setting = Setting(kind, mpi, ranks)
        here = results_of(setting, tools, module)
        differing = [
            {"test": test, "rank": rank, "bare": was, "here": word, "text": text,
             "reason": reason_for(known, setting, module, test)}
            for test, rank, was, word, text in differences(bare, here)
        ]
        counts = {word: sum(verdict == word for verdict, _ in here.values()) for word, _ in here.values()}
        records.append({"setting": kind, "mpi": mpi, "ranks": ranks, "file": module, "results": len(here),
                        "verdicts": counts, "differences": differing})
    return records


def library_of(python: str) -> str:
    """For which MPI this interpreter's mpi4py is built: openmpi, mpich, or what went wrong."""
    code = "import mpi4py; mpi4py.rc.initialize = False; from mpi4py import MPI; print(MPI.Get_library_version())"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        return last_line(done.stderr)
    return "openmpi" if done.stdout.startswith("Open MPI") else "mpich" if "MPICH" in done.stdout else done.stdout


def print_report(records: list, out) -> None:
    """A table with a line for each setting of each file, then every difference."""
    print(f"{'file':24} {'setting':14} {'results':>7} {'ok':>5} {'skipped':>7} {'other':>5} {'same':>5} {'known':>5} "
          f"{'differ':>6}", file=out)
    for r in records:
        verdicts, differing = r["verdicts"], r["differences"]
        known = sum(bool(d["reason"]) for d in differing)
        other = r["results"] - verdicts.get("ok", 0) - verdicts.get("skipped", 0)
        setting = f"{r['setting']} {r['mpi']} {r['ranks']}"
        print(f"{r['file']:24} {setting:14} {r['results']:7} {verdicts.get('ok', 0):5} {verdicts.get('skipped', 0):7} "
              f"{other:5} {r['results'] - len(differing):5} {known:5} {len(differing) - known:6}", file=out)
    for r in records:
        for d in r["differences"]:
            why = f"known: {d['reason']}" if d["reason"] else d["text"]
            print(f"DIFFERS {r['setting']} {r['mpi']} {r['ranks']} {r['file']}.{d['test']} rank {d['rank']}: "
                  f"bare {d['bare']}, here {d['here']}: {why}", file=out)


def parse(arguments: list):
    parser = argparse.ArgumentParser(description=__doc__, epilog=EXIT_CODES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", type=pathlib.Path, required=True, metavar="DIR", help="folder with test_*.py")
    parser.add_argument("--mpi", choices=["openmpi", "mpich"], default="openmpi")
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 3], metavar="N", help="default: 1 3")
    parser.add_argument("--only", metavar="REGEX", default="", help="files whose names this finds")
    parser.add_argument("--across", metavar="REGEX", default=ACROSS, help=f"files for two subjects; default: {ACROSS}")
    parser.add_argument("--python", default="/usr/bin/python3", help="interpreter with mpi4py; default: %(default)s")
    parser.add_argument("--grant", action="append", default=[], metavar="DIR", help="further folder that subjects read")
    parser.add_argument("--seconds", type=float, default=20, help="for one test; default: %(default)s")
    parser.add_argument("--known", type=pathlib.Path, default=KNOWN, metavar="FILE",
                        help="differences with their reasons; default: %(default)s")
    parser.add_argument("--json", metavar="FILE", help="everything as JSON; - is standard output, without the table")
    options = parser.parse_args(arguments)
    if min(options.ranks) < 1 or options.seconds <= 0:
        parser.error("--ranks and --seconds have to be positive")
    return options


def main(arguments: list) -> int:
    options = parse(arguments)
    suite = options.suite.resolve()
    modules = sorted(path.stem for path in suite.glob("test_*.py") if re.search(options.only, path.stem))
    if not modules:
        print(f"{suite}: no test_*.py that --only finds. See --help for how to get the suite", file=sys.stderr)
        return 3
    library = library_of(options.python)
    if library != options.mpi:
        print(f"mpi4py of {options.python} is for '{library}', not {options.mpi}. See --help", file=sys.stderr)
        return 3
    known = read_known(options.known)
    tools = Tools(suite, options.python, options.grant, options.seconds)
    records = []
    for ranks in options.ranks:
        for module in modules:
            kinds = ["one"] + (["two"] if ranks > 1 and re.search(options.across, module) else [])
            print(f"{module}, {ranks} ranks ...", file=sys.stderr)
            records += compare_file(tools, options.mpi, ranks, module, kinds, known)
    if options.json:
        text = json.dumps(records, indent=1)
        print(text) if options.json == "-" else pathlib.Path(options.json).write_text(text + "\n")
    if options.json != "-":
        print_report(records, sys.stdout)
    return 1 if any(not d["reason"] for r in records for d in r["differences"]) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
