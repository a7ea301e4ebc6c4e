"""The documentation names only what is there."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import doc_check  # noqa: E402
from sluice_run import REPOSITORY, build_folder  # noqa: E402

PAGES = ["README.md", "DESIGN.md", "SPEC.md", "CAVEATS.md", "CONTRIBUTING.md"]
PAGES += ["examples/imagery/README.md"]
PAGES += sorted(str(path.relative_to(REPOSITORY)) for path in (REPOSITORY / "docs").rglob("*.md"))


@pytest.fixture(scope="module")
def facts():
    return doc_check.gather(REPOSITORY, build_folder())


def complaints_of(name: str, text: str, facts) -> list:
    found = doc_check.check_links(name, text, facts) + doc_check.check_paths(name, text, facts)
    return found + doc_check.check_commands(name, text, facts)


@pytest.mark.parametrize("page", PAGES)
def test_page_names_only_what_is_there(page, facts):
    text = (REPOSITORY / page).read_text()
    assert text.startswith("# ")
    assert complaints_of(page, text, facts) == []


def test_every_promise_names_its_test(facts):
    assert doc_check.check_promises("SPEC.md", (REPOSITORY / "SPEC.md").read_text(), facts) == []


PLANTED = {
    "link": "see [this](docs/no-such-page.md)",
    "anchor": "see [this](README.md#no-such-heading)",
    "path": "edit `trusted/guard/no_such_file.cpp`",
    "brace": "edit `trusted/{base,nowhere}`",
    "block": "```sh\nscripts/no-such-script\n```",
    "build": "run `build/release/bin/no-such-program`",
    "command": "type `sluice frobnicate policy.yaml`",
    "command in a path": "type `build/release/bin/sluice frobnicate`",
    "option": "type `sluice check --no-such-option`",
    "script option": "type `scripts/test --no-such-option`",
    "preset": "type `cmake --preset no-such-preset`",
    "label": "type `ctest --test-dir build/release -L no-such-label`",
}


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_mistake_is_found(kind, facts):
    assert len(complaints_of("README.md", "# Page\n\n" + PLANTED[kind], facts)) == 1


def test_a_right_page_passes(facts):
    page = "# Page\n\nSee [design](DESIGN.md) in `trusted/{base,guard}/*.hpp`; `scripts/test --only format`, "
    page += "`sluice check --help`, `cmake --preset release`, `build/release/bin/sluice check X`."
    assert complaints_of("README.md", page, facts) == []


@pytest.mark.parametrize(
    "body", ["no line at all", "Test: no_such_test", "Test: docs, no_such_test", "Pending:", "Test: tests/no/such.py",
             "Test: tests/docs/test_docs.py::no_such" + "_function"]
)
def test_an_unbound_promise_is_found(body, facts):
    assert len(doc_check.check_promises("SPEC.md", f"# Spec\n\n1.1 It works.\n{body}\n", facts)) == 1


@pytest.mark.parametrize(
    "body", ["Test: docs", "Test: `docs`, tests/docs/test_docs.py", "Pending: needs two hosts",
             "- Test: tests/docs/test_docs.py::test_an_unbound_promise_is_found"]
)
def test_a_bound_promise_passes(body, facts):
    assert doc_check.check_promises("SPEC.md", f"# Spec\n\n1.1 It works.\n{body}\n", facts) == []
