"""Words and phrases that are not used: old names, and turns that are not plain English."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Phrase (a regular expression) -> what is written instead.
PHRASES = {
    r"will not do\b": "is not accepted here",
    r"settings will do\b": "settings are fine",
    r"which is no host here": "unknown host 'x'",
    r"(systems|faults|steps|checks|profiles) that there are\b": "available systems",
    r"there are no \w+ are ones": "its checks are: none",
    r"is here a second time": "duplicate key 'x' (first on line N)",
    r"exactly the failure that was expected": "reproduced: failed exactly as expected",
    r"of production in .* of runs": "in 20.9 s (simulated 1 h 25 min)",
    r"[Ww]ho believed in": "connection state, host by host",
    r"[Ww]rites? into the void": "keeps sending into a black hole",
    r"The (street|rooms)\b": "data flow, modules",
    r"what people touch": "user interfaces",
    r"this machine cannot do it": "not supported on this machine",
    r"came out otherwise": "contradicted the prediction",
    r"is reckoned": "is calculated",
    r"whoever then speaks": "the next sender",
    r"by a side without any": "by a peer without keepalive",
    r"naive unless": "without keepalive or timeouts unless set",
    r"it lies in wait": "it waits in the background",
    r"reads it aloud": "it reads like the incident report",
    r"with the largest that serves": "the error names the largest scale that works",
    r"for ever\b": "forever",
    r"\banew\b": "again",
    r"\b[Ee]ach (\d+|two|three|five|ten|thirty) (minutes|seconds)": "every five minutes",
    r"into the void": "into a black hole; gets no answer",
    r"tells nobody|nobody is told|without a word\b": "silently; neither side is notified",
    r"\b[Aa]s it comes\b|[Ss]ettings as they come": "with default settings; by default",
    r"[Nn]othing is known of (it|the|what)\b": "no value was recorded",
    r"\bit is at (\{|\d)": "the last value was 3",
    r"is no part of the run": "is not recorded",
    r"is no (name of|(middlebox|size|duration|directory|socket|regular file)\b)": "is not a ...",
    r"is no (confidence\b|command's table|failure,|type of queue)": "is not a ...",
    r"that there are so many|for so long\b|each so many": "this many; for this long; every N",
    r"it said nothing|; it said:": "no output; its output:",
    r"\bof no effect\b": "no effect without --tls",
    r"scale (of \S+ )?would serve": "the largest scale that works is 600",
    r"\bthe (run|check|observer of \S+) broke\b": "error in the check; the observer of x failed",
    r"is (always|never) so; write": "always holds; can never hold",
    r"there is no such option": "unknown option",
    r"cannot bring Kafka": "cannot download Kafka",
    r"has a path already": "already has a path",
    r"belongs into": "belongs in",
    r"\b\d+ octets\b|octets (of memory|of it unread|on disk)": "bytes",
    r"names an unknown figure": "has an unknown figure",
    r"[Ll]ook after a queue": "inspect or repair a queue",
    r"the right ones reach": "only your monitoring can reach",
    r"did not come to its end": "the run did not finish",
    r"an end that nothing asked for|ends that nothing asked for:": "unexpected ends",
    r"is not one of its values": "is not an allowed value",
    r"`(fail-over|name failure|cable pulled|naive receiver|route lost)`": "new names of faults",
    r"[Cc]hecks? `(said|busy|figures|not accepted|clean-up)`": "new names of checks",
}

# A changelog says what something was called; incident pages are generated.
EXEMPT = ("CHANGELOG.md", "docs/incidents/")


def texts() -> Iterator[tuple[str, str]]:
    """Every tracked guide, scenario, module and template: path, text."""
    tracked = subprocess.run(
        ["git", "ls-files", "*.md", "harness", "impl", "scenarios", "docs", "compose"],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=30,
    ).stdout.splitlines()  # fmt: skip
    for name in tracked:
        if name.endswith((".md", ".py", ".j2", ".yaml")) and not name.startswith(EXEMPT):
            path = ROOT / name
            if path.exists():
                yield name, path.read_text(encoding="utf-8")


@pytest.mark.parametrize("phrase", PHRASES)
def test_it_is_not_used(phrase: str) -> None:
    found = [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]!r}"
        for name, text in texts()
        for match in re.finditer(phrase, text)
    ]
    assert not found, f"write {PHRASES[phrase]!r}: {found}"


def test_the_texts_are_found() -> None:
    names = {name for name, _ in texts()}
    for name in (
        "README.md",
        "docs/scenarios.md",
        "harness/halfopen/sections.py",
        "impl/relpio/command/notes.py",
        "scenarios/faults/loss.scenario.yaml",
    ):
        assert name in names
