"""Whatever the policy forbids is refused by name, with both labels, the policy's line and a way out."""

import re

import pytest

from mpi_programs import Subject, assert_passed, await_text, await_true, finish_after_abort, line_of_flow, policy_text, prepared, with_mpis

FLOWS = [("low", "high")]


def subjects_of(combination: str, *arguments: str) -> list:
    return with_mpis(
        [
            Subject("low", "UNCLASSIFIED", 2, "refusals", arguments),
            Subject("high", "SECRET//IMG", 2, "refusals", arguments),
            Subject("other", "SECRET//NUC", 1, "refusals", arguments),
        ],
        combination,
    )


@pytest.mark.parametrize("combination", ["openmpi", "mpich", "mixed"])
def test_every_refused_call(combination):
    subjects = subjects_of(combination)
    policy = policy_text(subjects, FLOWS)
    with prepared(subjects, FLOWS) as run:
        result = run.run()
        assert_passed(result, subjects)
        refused = re.findall(r"REFUSED (\w+) (\w+) (\w+): (.*)", result.stdout)
        assert len(refused) > 150, result.explain()
        for call, sender, receiver, text in refused:
            line = line_of_flow(policy, sender, receiver)
            assert re.search(rf"\bline {line}\b", text), f"{call} {sender} -> {receiver}: {text}"
        everyone = re.findall(r"REFUSED (\w+) everyone: (.*)", result.stdout)
        assert len({call for call, _ in everyone}) >= 45
        for call, text in everyone:
            assert re.search(r"\bline \d+\b", text), text
            assert re.search(r"MPI_COMM_SUBJECT|processes of a subject", text), f"no way out in: {text}"


@pytest.mark.parametrize("combination", ["openmpi", "mpich"])
def test_default_error_handler_ends_the_subject_with_the_reason(combination):
    subjects = subjects_of(combination, "fatal")
    with prepared(subjects, FLOWS) as run:
        run.start()
        for name in ("low", "other"):
            await_text(run, name, f"PASSED {name}")  # they go on
        await_true(run, lambda: "sluice: MPI_Send to rank 0: high (SECRET//IMG) -> low (UNCLASSIFIED)" in
                   (run.folder / "output" / "high.err").read_text(errors="replace"), "the reason of the refusal")
        result = finish_after_abort(run, combination)
        assert result.code == 1 or result.code == 130 and combination == "openmpi", result.explain()
