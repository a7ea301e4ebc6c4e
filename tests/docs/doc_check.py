"""Finds what the documentation names and the project does not have.

Every function takes text and facts and returns a list of complaints, so that it can be tried on planted mistakes.
"""

import dataclasses
import glob
import json
import pathlib
import re
import subprocess

ROOMS = "bench|cli|cmake|covert|docs|examples|include|models|scripts|tests|trusted|untrusted|wire"
PATH = re.compile(rf"(?<![\w/.$-])((?:{ROOMS})/[\w./*{{}},-]*|\.ci/run|[A-Z]+\.md|CMake\w+\.(?:txt|json))")
BUILD_PATH = re.compile(r"(?<![\w/.-])build/release/([\w./-]+)")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^```[^\n]*\n(.*?)^```|`([^`\n]+)`", flags=re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"(?:^|[\s/(])sluice ((?:[a-z]+)(?![\w.:]))([^\n|;&`#]*)", flags=re.MULTILINE)
PRESET = re.compile(r"--preset[ =]([\w-]+)")
LABEL = re.compile(r"\bctest\b[^\n]*\s-L\s+'?([\w-]+)'?")
SCRIPT = re.compile(r"(?<![\w/.-])(scripts/[\w-]+)((?: +--?[\w-]+(?: [a-z]+)?)*)")


@dataclasses.dataclass
class Facts:
    """What the project has."""

    root: pathlib.Path
    build: pathlib.Path
    sluice_help: dict  # command -> its --help text
    presets: set
    tests: set  # names of CTest tests
    labels: set


def gather(root: pathlib.Path, build: pathlib.Path) -> Facts:
    """Reads the facts off a checkout and its release build. Raises where the build is not there."""

    def help_of(*words: str) -> str:
        command = [str(build / "bin" / "sluice"), *words, "--help"]
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout

    commands = re.findall(r"^  ([a-z]+) ", help_of().split("Subcommands:")[1], flags=re.MULTILINE)
    presets = json.loads((root / "CMakePresets.json").read_text())
    command = ["ctest", "--test-dir", str(build), "--show-only=json-v1"]
    listing = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    tests = json.loads(listing.stdout)["tests"]
    properties = [prop for test in tests for prop in test["properties"]]
    labels = {label for prop in properties if prop["name"] == "LABELS" for label in prop["value"]}
    return Facts(
        root, build, {command: help_of(command) for command in commands},
        {preset["name"] for preset in presets["configurePresets"]}, {test["name"] for test in tests}, labels,
    )


def code_of(text: str) -> str:
    """The text of all code blocks and code spans, one a line."""
    return "\n".join(block or span for block, span in CODE.findall(text))


def braces(pattern: str) -> list:
    """`a/{b,c}` as [`a/b`, `a/c`]."""
    found = re.search(r"\{([^{}]*)\}", pattern)
    if not found:
        return [pattern]
    before, after = pattern[: found.start()], pattern[found.end() :]
    return [one for choice in found.group(1).split(",") for one in braces(before + choice.strip() + after)]


def anchors_of(text: str) -> set:
    """Anchors of the headings, as the usual renderers make them."""
    titles = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def check_links(name: str, text: str, facts: Facts) -> list:
    """Relative links lead to files, and their anchors to headings."""
    complaints = []
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (facts.root / name).parent / path if path else facts.root / name
        if not file.exists():
            complaints.append(f"{name}: link to {target}: there is no {path}")
        elif anchor and file.suffix == ".md":
            content = text if not path else file.read_text()
            if anchor not in anchors_of(content):
                complaints.append(f"{name}: link to {target}: no such heading")
    return complaints


def check_paths(name: str, text: str, facts: Facts) -> list:
    """Paths of the repository, and of its release build, exist."""
    complaints = []
    for written in PATH.findall(code_of(text)):
        for pattern in braces(written.rstrip(".,:")):
            if "NAME" in pattern or glob.glob(str(facts.root / pattern)):
                continue
            complaints.append(f"{name}: names {pattern}, which is not there")
    for written in BUILD_PATH.findall(code_of(text)):
        # What a run writes is not there before it.
        if "/out" not in written and not (facts.build / written.rstrip(".,:")).exists():
            complaints.append(f"{name}: names build/release/{written}, which the build does not make")
    return complaints


def check_commands(name: str, text: str, facts: Facts) -> list:
    """`sluice X --option` is in the help of sluice; scripts, presets and CTest labels exist."""
    complaints = []
    code = code_of(text)
    for command, rest in COMMAND.findall(code):
        if command not in facts.sluice_help:
            complaints.append(f"{name}: `sluice {command}`: there is no such command")
            continue
        for option in re.findall(r"(?<!\S)--[a-z][\w-]*", rest):
            if option not in facts.sluice_help[command]:
                complaints.append(f"{name}: `sluice {command} {option}`: not in its --help")
    for script, options in SCRIPT.findall(code):
        path = facts.root / script
        if not path.is_file():
            continue  # check_paths complains
        source = path.read_text()
        complaints += [
            f"{name}: `{script} {option}`: the script has no such option"
            for option in re.findall(r"--[\w-]+", options) if option not in source
        ]
    complaints += [f"{name}: preset {preset} is not in CMakePresets.json" for preset in PRESET.findall(code)
                   if preset not in facts.presets and not preset.isupper()]
    labels = set(LABEL.findall(code)) - facts.labels
    complaints += [f"{name}: no test has the label {label}" for label in sorted(labels)]
    return complaints


def check_promises(name: str, text: str, facts: Facts) -> list:
    """Each promise (`1.1 text`) has a `Test:` line whose names exist, or a `Pending:` line with a reason."""
    complaints = []
    sections = re.split(r"^(?=\d+\.\d+ )", text, flags=re.MULTILINE)[1:]
    if not sections:
        return [f"{name}: has no promises (paragraphs that begin with a number like 1.1)"]
    for section in sections:
        title = section.split()[0]
        body = re.split(r"^#", section, flags=re.MULTILINE)[0]
        lines = re.findall(r"^[-* ]*(Test|Pending): *(.*)$", body, flags=re.MULTILINE)
        if not lines:
            complaints.append(f"{name}: `{title}` has neither a Test: nor a Pending: line")
        for kind, rest in lines:
            if kind == "Pending":
                complaints += [] if rest.strip() else [f"{name}: `{title}`: Pending without a reason"]
                continue
            tests = [word.strip(" `.") for word in re.split(r"[,;]", re.sub(r"\([^)]*\)", "", rest))]
            unknown = [test for test in tests if not is_test(test, facts)]
            complaints += [f"{name}: `{title}`: there is no test {test!r}" for test in unknown]
    return complaints


def is_test(test: str, facts: Facts) -> bool:
    """A CTest name; a fuzz target; a file of the repository; or FILE::FUNCTION, where the file has the function."""
    file, _, function = test.partition("::")
    path = facts.root / file
    if test in facts.tests or (test.endswith("_fuzz") and any((facts.root / "trusted").rglob(f"{test}.cpp"))):
        return True
    if "/" not in file or not path.exists():
        return False
    return not function or bool(path.is_file() and re.search(rf"\b{re.escape(function)}\b", path.read_text()))
