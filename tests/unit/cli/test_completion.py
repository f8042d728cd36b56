"""What a shell offers while a command is typed."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from halfopen.cli.main import app

RUNNER = CliRunner()


def offered(words: str) -> list[str]:
    """As bash asks; see `halfopen --show-completion`."""
    asked = {
        "_HALFOPEN_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
    }
    return RUNNER.invoke(app, prog_name="halfopen", env=asked).output.strip().splitlines()


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("halfopen ru", ["run"]),
        ("halfopen run --lab ", ["auto", "docker", "netns", "warp"]),
        ("halfopen validate --lab w", ["warp"]),
        ("halfopen demo --lab n", ["netns"]),
        ("halfopen try --lab d", ["docker"]),
        ("halfopen advise --firewall aws-nlb-tc", ["aws-nlb-tcp"]),
        ("halfopen try --firewall fortig", ["fortigate"]),
        ("halfopen run @fortigate-idle", ["@fortigate-idle-relp"]),
        ("halfopen library fortigate-idle", ["fortigate-idle-relp"]),
        ("halfopen run @incidents/libk", ["@incidents/libkeepalive"]),
        ("halfopen profiles palo", ["palo-alto"]),
        ("halfopen checks half", ["half-open"]),
        ("halfopen faults nowhere", []),
        ("halfopen run scen", []),
    ],
)
def test_what_begins_so_is_offered(words: str, wanted: list[str]) -> None:
    assert offered(words) == wanted


def test_names_of_two_words_are_offered_whole() -> None:
    assert "power loss" in offered("halfopen faults po")
