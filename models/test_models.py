"""The model of the relay path holds, and each seeded fault breaks it.

SLUICE_MODEL_MESSAGES=6 makes the search larger (minutes, gigabytes).
"""

import os
import pathlib
import re
import subprocess

import pytest

MODEL = pathlib.Path(__file__).resolve().parent / "relay.pml"
MESSAGES = os.environ.get("SLUICE_MODEL_MESSAGES", "4")
# Fault: a piece of what the checker says when it finds it.
FAULTS = {
    "ACKNOWLEDGE": "acknowledged",
    "SHARED_CREDIT": "seen_room",
    "BLOCKING_WRITE": "seen_emptied",
    "INGRESS_WAKES": "assertion violated",
    "LOSE_WHEN_FULL": "broken",
    "REUSE_EARLY": "assertion violated",
    "NO_LATE_LOOK": "invalid end state",
}


def check(folder: pathlib.Path, *defines: str) -> str:
    """What the checker says of the model with these definitions."""
    commands = [
        ["spin", *(f"-D{define}" for define in defines), f"-DMESSAGES={MESSAGES}", "-a", str(MODEL)],
        ["cc", "-O2", "-DSAFETY", "-DCOLLAPSE", "-DMEMLIM=4000", "-o", "pan", "pan.c"],
    ]
    for command in commands:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    done = subprocess.run(["./pan", "-m100000"], cwd=folder, capture_output=True, text=True, timeout=1200, check=False)
    return done.stdout


def errors(said: str) -> int:
    return int(re.search(r"errors: (\d+)", said)[1])


def test_no_information_flows_down_and_nothing_is_lost(tmp_path):
    said = check(tmp_path)
    assert errors(said) == 0, said
    assert "max search depth too small" not in said and "out of memory" not in said, said
    assert int(re.search(r"(\d+) states, stored", said)[1]) > 100_000, said


@pytest.mark.parametrize("fault", FAULTS)
def test_seeded_fault_is_found(fault, tmp_path):
    said = check(tmp_path, fault)
    assert errors(said) > 0, f"{fault} was not found:\n{said}"
    assert FAULTS[fault] in said, said
