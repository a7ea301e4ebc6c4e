"""Ranks that attack the guard: what becomes of them is README.md's, and nobody else notices anything."""

import pathlib
import re
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import zoo  # noqa: E402
from zoo import Subject  # noqa: E402

HONEST_MESSAGES = 100
ANY = {
    "wrote a frame of unknown kind",
    "wrote a fragment longer than the bound or the ring",
    "used a capability index that names nothing",
    "wrote fragments that do not add up to their message",
    "announced a message longer than any may be",
}
# What does not disturb the others is tried in one run; these need more of the machine.
BUSY = ["race_any", "race_allowed", "empty_storm", "garbage", "flood"]


def in_groups(names: list, size: int) -> list:
    quick = [name for name in names if name not in BUSY]
    groups = [quick[i : i + size] for i in range(0, len(quick), size)]
    return groups + [[name] for name in names if name in BUSY]


def attack(program: str, misdeeds: list) -> tuple:
    """One run: each misdeed a subject of its own, all with a flow to one victim; and two honest subjects beside."""
    attackers = [Subject(f"attacker{i}", program, [misdeed], ranks=2 if misdeed == "rank_of_sibling" else 1)
                 for i, misdeed in enumerate(misdeeds)]
    others = [
        Subject("victim", "honest", ["receive"], ranks=2, label="HIGH"),
        Subject("bystander", "honest", ["send", HONEST_MESSAGES]),
        Subject("listener", "honest", ["receive"], label="HIGH"),
    ]
    flows = [(one.name, "victim") for one in attackers] + [("bystander", "listener")]
    result, ends, outputs = zoo.run_subjects(attackers + others, flows, queue="64MiB" if set(misdeeds) & set(BUSY) else "8MiB", timeout=60)
    return result, ends, outputs, dict(zip(misdeeds, attackers))


def assert_nobody_noticed(result, ends: dict, outputs: dict) -> None:
    assert ends["bystander"]["end"] == "exit 0" and ends["listener"]["end"] == "exit 0", result.explain()
    assert outputs["bystander"].count(" ok\n") == HONEST_MESSAGES, result.explain()
    heard = zoo.received(outputs["listener"])["bystander"]
    assert heard == {"messages": HONEST_MESSAGES, "probes": 0, "patterned": HONEST_MESSAGES, "ended": 1, "cut": 0,
                     "malformed": 0}, result.explain()


def assert_verdicts(section: str, result, ends: dict, outputs: dict, attackers: dict) -> None:
    expected = {misdeed: cells[0] for misdeed, cells in zoo.table(section).items()}
    guard_acted = False
    for misdeed, subject in attackers.items():
        end = ends[subject.name]
        if expected[misdeed] == "any":
            assert end["ended_by"] == "guard-misbehaviour", f"{misdeed}: {end}\n{result.explain()}"
            assert end["end"].removeprefix("ended by the guard: it ") in ANY, f"{misdeed}: {end}"
        elif expected[misdeed] == "none":
            assert (end["ended_by"], end["end"]) == ("itself", "exit 0"), f"{misdeed}: {end}\n{result.explain()}"
        else:
            assert end["ended_by"] == "guard-misbehaviour", f"{misdeed}: {end}\n{result.explain()}"
            assert end["end"] == f"ended by the guard: it {expected[misdeed]}", f"{misdeed}: {end}"
            assert f"{subject.name} ended by the guard: it {expected[misdeed]}" in result.stderr, result.explain()
        guard_acted = guard_acted or expected[misdeed] != "none"
    assert result.code == (5 if guard_acted else 0), result.explain()


def assert_the_victim_is_well(result, ends: dict, outputs: dict, attackers: dict) -> None:
    """Each attacker's probe came, and nothing came that was not well formed. Of two ranks, the probe is the first's."""
    assert ends["victim"]["end"] == "exit 0", result.explain()
    reports = [zoo.received(part) for part in re.split(r"(?=JOINED)", outputs["victim"]) if "FROM" in part]
    assert len(reports) >= 1, result.explain()
    lines = zoo.FROM.findall(outputs["victim"])
    for misdeed, subject in attackers.items():
        own = [list(map(int, line[1:])) for line in lines if line[0] == subject.name]
        assert len(own) == 2, f"{misdeed}: the victim's ranks report {own}\n{result.explain()}"
        probes, ended, malformed = (sum(line[i] for line in own) for i in (1, 3, 5))
        assert malformed == 0, f"{misdeed}: {own}\n{result.explain()}"
        assert ended == 2 * subject.ranks, f"{misdeed}: {own}\n{result.explain()}"
        if misdeed != "hello_with_descriptors":
            assert probes >= 1, f"{misdeed}: no probe\n{result.explain()}"


SENDERS = list(zoo.table("Hostile senders"))
GREETERS = list(zoo.table("Abuse of the guard's socket"))


@pytest.mark.parametrize("misdeeds", in_groups(SENDERS, 9), ids=lambda misdeeds: "+".join(misdeeds)[:40])
def test_hostile_sender(misdeeds):
    result, ends, outputs, attackers = attack("hostile_sender", misdeeds)
    assert_verdicts("Hostile senders", result, ends, outputs, attackers)
    assert_nobody_noticed(result, ends, outputs)
    assert_the_victim_is_well(result, ends, outputs, attackers)
    if "unfinished" in attackers:
        name = attackers["unfinished"].name
        cuts = [int(line[5]) for line in zoo.FROM.findall(outputs["victim"]) if line[0] == name]
        assert sorted(cuts) == [0, 1], "one rank of the victim is told that the message is cut short"
    if "shrink_memory" in attackers:
        steps = re.findall(r"STEP (\w+) (\w+)", outputs[attackers["shrink_memory"].name])
        assert steps == [("shrink_transmit", "EPERM"), ("grow_transmit", "EPERM"), ("shrink_cursor", "EPERM"),
                         ("seal_transmit_write", "EBUSY"), ("punch_transmit", "done"), ("punch_cursor", "done")]


@pytest.mark.parametrize("misdeeds", in_groups(GREETERS, 8), ids=lambda misdeeds: "+".join(misdeeds)[:40])
def test_hostile_greeter(misdeeds):
    result, ends, outputs, attackers = attack("hostile_greeter", misdeeds)
    assert_verdicts("Abuse of the guard's socket", result, ends, outputs, attackers)
    assert_nobody_noticed(result, ends, outputs)
    assert_the_victim_is_well(result, ends, outputs, attackers)


def trace_of_sender(program: str, *arguments) -> tuple:
    """A run of one honest sender and one receiver. Returns (Result, ends, outputs)."""
    subjects = [Subject("sender", "honest", ["send", 60]), Subject("receiver", program, arguments, label="HIGH")]
    return zoo.run_subjects(subjects, [("sender", "receiver")], timeout=60)


@pytest.fixture(scope="module")
def calm_trace():
    """What the sender says when its receiver is honest."""
    result, ends, outputs = trace_of_sender("honest", "receive")
    assert result.code == 0, result.explain()
    assert zoo.received(outputs["receiver"])["sender"]["patterned"] == 60, result.explain()
    assert outputs["sender"].count(" ok\n") == 60
    assert "MAILBOXES 0\n" in outputs["sender"] and "MAILBOXES 2\n" in outputs["receiver"]
    return outputs["sender"], ends["sender"]


@pytest.mark.parametrize("misdeed", list(zoo.table("Hostile receivers")))
def test_hostile_receiver(misdeed, calm_trace):
    expected = zoo.table("Hostile receivers")[misdeed][0]
    result, ends, outputs = trace_of_sender("hostile_receiver", misdeed)
    end = ends["receiver"]
    if expected == "none":
        assert end["ended_by"] == "itself", result.explain()
        assert result.code == (1 if misdeed == "killed" else 0), result.explain()
    else:
        assert (end["ended_by"], end["end"]) == ("guard-misbehaviour", f"ended by the guard: it {expected}"), result.explain()
        assert result.code == 5, result.explain()
    assert (outputs["sender"], ends["sender"]) == calm_trace, "the sender noticed its receiver"


def test_mailbox_cannot_be_written():
    control = subprocess.run([zoo.ATTACKERS / "hostile_receiver", "control"], capture_output=True, text=True, timeout=60,
                             check=False)
    cells = zoo.table("Mailbox")
    assert zoo.differences({name: cell[0] for name, cell in cells.items()}, zoo.verdicts(control.stdout)) == []
    result, ends, outputs = trace_of_sender("hostile_receiver", "write_mailbox")
    assert result.code == 0, result.explain()
    assert zoo.differences({name: cell[1] for name, cell in cells.items()}, zoo.verdicts(outputs["receiver"])) == []


@pytest.mark.parametrize("stage", list(zoo.table("Crashes at start")))
def test_crash_at_start(stage):
    subjects = [Subject("crasher", "crasher", [stage]), Subject("victim", "honest", ["receive"], label="HIGH"),
                Subject("bystander", "honest", ["send", HONEST_MESSAGES]),
                Subject("listener", "honest", ["receive"], label="HIGH")]
    result, ends, outputs = zoo.run_subjects(subjects, [("crasher", "victim"), ("bystander", "listener")], timeout=60)
    assert f"DYING {stage}" in outputs["crasher"], result.explain()
    assert ends["crasher"]["ended_by"] == "itself" and ends["crasher"]["end"] != "exit 0", result.explain()
    assert result.code == 1, result.explain()
    assert result.seconds < 30, result.explain()
    told = zoo.received(outputs["victim"])["crasher"]
    cut = 1 if stage == "within_message" else 0
    assert told == {"messages": 0, "probes": 0, "patterned": 0, "ended": 1, "cut": cut, "malformed": 0}, result.explain()
    assert_nobody_noticed(result, ends, outputs)
