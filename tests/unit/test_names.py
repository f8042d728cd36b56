"""One name means one thing, and the names that were given up stay away."""

from __future__ import annotations

import ast
import re
from collections import defaultdict

import pytest

from tests.unit.test_wording import ROOT, texts

HARNESS = ROOT / "harness" / "halfopen"

# Name that was given up (a regular expression) -> the name in use.
NAMES = {
    r"nursery": "zygote_client, shared_zygote",
    r"\b[Ss]urroundings\b": "environment, LaunchEnvironment",
    r"\bclass (Box|Site)\b|\bboxes/": "engines/, RunningMiddlebox, MiddleboxSetup",
    r"\bruleset\.Place\b": "middlebox.attachment.Attachment",
    r"\bnetns[./]wire\b": "labs/forwarder",
    r"\bclass (Aim|Barrier|Traffic)\b": "PacketFilter, Block, PacketFacts",
    r"\b[Oo]bstacles\b": "fault_pipeline",
    r"\b[Ss]hortcuts?\b|\b[Ll]ane\b(?!s)": "fast path",
    r"\bclass Journal\b": "recorder",
    r"\bclass Emit\b|^Emit =": "Recorder",
    r"\bleash\b": "lifeline",
    r"\bturn_a_bit\b": "flip_bit",
    r"\bclass Remains\b|\bremains\.py": "garbage, Leftover",
    r"\b(standins|subjects)[./]": "guests",
    r"\bnaive[_ -]receiver": "misbehaving receiver",
    r"\bleftovers\b": "stale_files",
    r"\bbeyond_image\b|\bneeds_image\b": "image_unsupported, image_required",
    r"\b(TearFile|ProtectDisk|AnswerNames|StandIn|BringBack)\b": (
        "TruncateFile, SetDiskReadOnly, SetDnsBehaviour, ReplaceProgram, RestoreProgram"
    ),
    r"\b(Sighting|Passage)\b": "Observation, Comparison",
    r"\bclass (Presence|Stretch)\b": "SocketLifetime, Interval; Segment of a path",
    r"\bclass (Parts|Known|Places)\b": "RawVariant, names, RunSlots",
    r"\bclass Form\b|\bUSUAL\b": "MessageShape, DEFAULT",
    r"\bPatience\b(?! [a-z])": "RealTimeout",
    r"\bFileBeside\b": "RelativeFile",
    r"halfopen\.advice\.(hops|peers)\b|\badvice/(hops|peers|_peer)\b": (
        "middleboxes, probe_connections, guests/probe_peer"
    ),
    r"\b(class Mover|class Origins|class Ending)\b": "QueueBridge, NumberMap, SessionEnd",
    r"\b_?last_words\(": "stderr_tail",
}

# A scenario names a fault as a lab names the verb that it is compiled to.
SAME = {"ForgetFlows", "SlowDisk"}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_was_given_up_is_not_used(name: str) -> None:
    found = [
        f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]!r}"
        for path, text in texts()
        for match in re.finditer(name, text, re.MULTILINE)
    ]
    assert not found, f"it is {NAMES[name]} now: {found}"


def defined() -> dict[str, list[str]]:
    """Public class -> the modules of the harness that define one of that name."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(HARNESS.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(path.relative_to(HARNESS).as_posix())
    return found


def test_one_class_has_a_name() -> None:
    several = {name: paths for name, paths in defined().items() if len(paths) > 1}
    assert several.keys() == SAME, f"a class of another name, please: {several}"
