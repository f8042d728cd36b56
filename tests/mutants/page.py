"""Table of all mutants, as the page docs/mutants.md shows it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

from tests.mutants.catching import RUN, Outcome
from tests.mutants.model import ROOT

PAGE = ROOT / "docs/mutants.md"
COMMAND = "make mutants"

_LONGEST = 160
_TITLES = {
    "harness-checks": "The harness: checks and verdicts",
    "harness-lab": "The harness: what is done to hosts and network, and what is seen of them",
    "harness-runner": "The harness: scenario, time scale, run and history",
    "relpio-lab": "relpio, in a lab",
    "relpio-queue": "relpio: queues",
    "relpio-receiver": "relpio: receiver",
    "relpio-sender": "relpio: sender",
}
_INTRODUCTION = """\
# Mutants

A check that has never been seen to fail proves nothing. Each mutant below is relpio or the harness
with one bug, put in by replacing a few words of one module; `make mutants` plays each of them
against the test or the variant that must catch it, and writes this page. First, every test and
variant passes without a mutant. Then a mutant counts as caught only if its test or variant fails
*and* says why in the words that the catalogue (`tests/mutants/catalogue/`) asks for.

`make test` plays those that a unit test catches in seconds; `make soak` plays all.
"""
_EQUIVALENT = """
## Changes that are not bugs

Some changes to the code cannot be told from the original, because a second line of defence does
the same:

- `Sender.close` without its time limit: each session ends by itself after `close_timeout`, which
  the command sets to the same value (`command/send.py`). The limit is for callers that switch
  `close_timeout` off.
- `Listener` that does not look again a second after it ran out of descriptors, as long as the
  descriptors are its own: the end of any session makes it look (`Listener.poke`). The second is
  for descriptors that others give back.
"""


def render(outcomes: Sequence[Outcome]) -> str:
    """The page in Markdown, for outcomes in the order of the catalogue."""
    caught = sum(each.caught for each in outcomes)
    parts = [_INTRODUCTION, f"\n{caught} of {len(outcomes)} are caught.\n"]
    for group, members in groupby(outcomes, key=lambda each: each.mutant.group):
        rows = "\n".join(_row(each) for each in members)
        parts.append(
            f"\n## {_TITLES[group]}\n\n"
            "| mutant | the bug | caught by | what it said |\n|---|---|---|---|\n"
            f"{rows}\n"
        )
    return "".join([*parts, _EQUIVALENT])


def _row(outcome: Outcome) -> str:
    mutant = outcome.mutant
    said = _quoted(outcome.said) if mutant.test else _cell(outcome.said)
    if not outcome.caught:
        said = f"**survives**: {said}"
    if mutant.test:
        path, _, name = mutant.test.partition("::")
        where = f"`{path}`: {_words(name)}"
    else:
        where = f"`scenarios/{mutant.scenario}`, variant `{mutant.variant}`, {_check(mutant.check)}"
    return f"| {mutant.name} | {mutant.bug.replace('|', '/')} | {where} | {said} |"


def _check(name: str) -> str:
    return "which does not come to its end" if name == RUN else f"check `{name}`"


def _words(name: str) -> str:
    """The sentence that the name of a test is."""
    return name.removeprefix("test_").replace("_", " ")


def _cell(text: str) -> str:
    """Text that fits a cell: one line, nothing that Markdown reads, no path of this machine."""
    text = re.sub(r"/\S*/(pytest-of-\S+|mutant-\w+|tmp\w+|\.venv)/", ".../", " ".join(text.split()))
    text = re.sub(r" at 0x[0-9a-f]+", "", text).replace("|", "/")
    text = text if len(text) <= _LONGEST else text[: _LONGEST - 3].rstrip() + "..."
    return re.sub(r"([<>*_`])", r"\\\1", text)


def _quoted(text: str) -> str:
    """The same for what a test said, as code."""
    return "`" + re.sub(r"\\([<>*_`])", r"\1", _cell(text)).replace("`", "'") + "`"
