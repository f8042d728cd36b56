"""`halfopen advise` as a command: exit status, messages, JSON; and its proofs."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.lab.scenarios import halfopen, told

pytestmark = [pytest.mark.lab]

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = DOCS / "advise.md"


def advise(tmp_path: Path, *arguments: str) -> tuple[int, Any]:
    done = told("advise", *arguments, "--json", cwd=tmp_path)
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


def test_safe_is_0_and_unsafe_is_1(tmp_path: Path) -> None:
    status, found = advise(tmp_path, "--firewall", "fortigate", "--keepalive", "1800/75/9")
    assert (status, found["safe"]) == (0, True)
    status, found = advise(tmp_path, "--firewall", "350", "--keepalive", "340/75/9", "--hz", "250")
    assert (status, found["safe"]) == (1, False)
    assert "kernel timers fire late" in found["firewalls"][0]["why"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--firewall fortgate", "did you mean 'fortigate'"),
        ("--firewall 350 --keepalive 340", "for example 1800/75/9"),
        ("--firewall 350 --keepalive 0/75/9", "the kernel takes 1 to 32767"),
        ("--firewall 350 --keepalive 340/75/128", "the kernel takes 1 to 127"),
        ("--firewall 350 --user-timeout -1", "--user-timeout -1 is out of range; use 0 to"),
        ("--firewall 350 --retries2 256", "--retries2 256 is out of range; use 0 to 255"),
        ("--firewall 350 --hz 50", "use 100, 250, 300 or 1000"),
        ("--firewall 350 --prove warp", "unknown lab; use netns"),
        ("", "firewall"),
    ],
)
def test_bad_input_is_2_and_says_what_would_be_right(
    tmp_path: Path, arguments: str, message: str
) -> None:
    done = told("advise", *shlex.split(arguments), cwd=tmp_path)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("page", "count"), [("advise.md", 4), ("profiles.md", 1)])
def test_the_guide_shows_what_the_commands_print(tmp_path: Path, page: str, count: int) -> None:
    """Every `$ halfopen ...` of the guide that needs no lab: output and exit status."""
    shown = (DOCS / page).read_text()
    for name, text in re.findall(r"`([\w.]+)`:\n\n```\n(.*?)```", shown, re.DOTALL):
        (tmp_path / name).write_text(text)
    blocks = re.findall(r"```console\n\$ (halfopen [^\n]+)\n(.*?)```", shown, re.DOTALL)
    plain = [block for block in blocks if "--prove" not in block[0]]
    assert len(plain) == count
    for command, said in plain:
        done = halfopen(*shlex.split(command)[1:], cwd=tmp_path)
        *wanted, last = said.rstrip("\n").splitlines()
        assert last == f"(exit status {done.returncode})"
        assert normal(done.stdout) == normal("\n".join(wanted))


def normal(text: str) -> list[str]:
    """What is printed depends on the width of the terminal; its words do not."""
    return text.split()


def test_the_guide_names_every_key_of_the_json(tmp_path: Path) -> None:
    _, found = advise(
        tmp_path, "--firewall", "fortigate", "--keepalive", "1800/75/9", "--user-timeout", "9000"
    )
    guide = GUIDE.read_text()

    def keys(value: Any) -> set[str]:
        if isinstance(value, dict):
            return set(value) | {key for each in value.values() for key in keys(each)}
        return {key for each in value for key in keys(each)} if isinstance(value, list) else set()

    assert not [key for key in keys(found) if f"`{key}`" not in guide]


@pytest.mark.usefixtures("netns")
@pytest.mark.parametrize(
    ("arguments", "survives"),
    [
        ("--firewall fortigate --keepalive 1800/75/9 --user-timeout 2475000", True),
        ("--firewall fortigate --firewall 1800 --keepalive 3000/75/2", False),
    ],
)
def test_a_proof_measures_what_was_predicted(
    tmp_path: Path, arguments: str, survives: bool
) -> None:
    status, found = advise(tmp_path, *shlex.split(arguments), "--prove", "netns")
    proof = found["proof"]
    assert proof["agrees"], proof
    assert status == (0 if survives else 1)
    what = {each["what"]: each for each in proof["findings"]}
    assert what["an idle connection"]["measured"] == ("alive" if survives else "dropped")
    least, most = what["dead peer detected, idle"]["predicted"]
    assert least - 0.1 <= what["dead peer detected, idle"]["measured"] <= most + 0.5


@pytest.mark.usefixtures("netns")
@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ("--firewall 350 --keepalive 340/75/9", "A single run can prove neither"),
        ("--firewall envoy --keepalive 60/75/9", "envoy is a proxy: it terminates"),
    ],
)
def test_what_cannot_be_proved_is_not_claimed(tmp_path: Path, arguments: str, why: str) -> None:
    status, found = advise(tmp_path, *shlex.split(arguments), "--prove", "netns")
    assert status == 1  # unsafe by prediction
    assert found["proof"]["agrees"] is None
    assert why in found["proof"]["why_not"]
