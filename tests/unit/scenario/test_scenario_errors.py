"""Each mistake in a scenario file, with the exact line and sentence that it gets."""

from pathlib import Path
from typing import Any

import pytest

from halfopen.errors import InputError
from halfopen.ports import Vocabulary
from halfopen.scenario import load_scenario

from .kinds import Complain
from .mistakes import MISTAKES


@pytest.mark.parametrize(("old", "new", "wanted"), MISTAKES, ids=[m[1][:40] for m in MISTAKES])
def test_a_mistake_is_told_with_its_line(
    base: str, complain: Complain, old: str, new: str, wanted: Any
) -> None:
    assert old in base
    assert sorted(complain(base.replace(old, new, 1))) == sorted(wanted)


VARIANTS = [
    (
        "  a:\n    reproduces: { half-opn: 3 }\n",
        [
            "s.yaml:21: 'reproduces' names 'half-opn', which this variant does not expect; "
            "did you mean 'half-open'?"
        ],
    ),
    (
        "  a:\n    expect:\n      - fds: { at: receiver, at end: 1 }\n"
        "      - fds: { at: sender, at end: 1 }\n    reproduces: { fds: 3, half-open: maybe }\n",
        [
            "s.yaml:24: 'reproduces' names 'fds', but 2 expectations are about it; "
            "write 'fds at receiver' or 'fds at sender'",
            "s.yaml:24: reproduces half-open: 'maybe' is not what can be observed; "
            "write a number, a bound such as at least 3, or seen",
        ],
    ),
    ("  a: {}\n  a: {}\n", ["s.yaml:21: duplicate key 'a' (first on line 20); remove one"]),
    (
        "  a: { reprodces: { half-open: 1 } }\n",
        ["s.yaml:20: unknown key 'reprodces' in variant a; did you mean 'reproduces'?"],
    ),
    ("  a: 5\n", ["s.yaml:20: 5 in variant a is not a mapping; write `key: value`"]),
    (
        "  a/b: {}\n",
        [
            "s.yaml:20: 'a/b' is not a valid variant name; use up to 61 of A-Z, a-z, 0-9, `.`, `_` "
            "and `-`"
        ],
    ),
    (
        "  a:\n    hosts: { receiver: { keepalive: { idle: 5 s } } }\n",
        [
            "s.yaml:21: 'keepalive interval' is missing for receiver; add it",
            "s.yaml:21: 'keepalive probes' is missing for receiver; add it",
        ],
    ),
    (
        "  a:\n    steps: [{ wait: 5 }]\n  b:\n    path: [sender]\n",
        [
            "s.yaml:10: host receiver is not on the path; add it, or leave it out",
            "s.yaml:21: wait in a wait step: 5 has no unit; write for example 5 s or 5 min",
            "s.yaml:23: the path is shorter than three hosts; write for example "
            "[sender, firewall, receiver]",
            "s.yaml:8: host firewall is not on the path; add it, or leave it out",
        ],
    ),
]


@pytest.mark.parametrize(("variants", "wanted"), VARIANTS, ids=[v[0][:30] for v in VARIANTS])
def test_a_mistake_in_a_variant(base: str, complain: Complain, variants: Any, wanted: Any) -> None:
    assert sorted(complain(f"{base}variants:\n{variants}")) == sorted(wanted)


def test_no_variant_at_all(base: str, complain: Complain) -> None:
    assert complain(base + "variants: []\n") == [
        "s.yaml:19: 'variants' is not a mapping of names; write `name: { about: ... }` for each, "
        "or leave it out"
    ]


def test_everything_is_missing(complain: Complain) -> None:
    assert complain("a: 1\n") == [
        "s.yaml:1: 'expect' is missing; add `expect:`",
        "s.yaml:1: 'hosts' is missing; add `hosts:`",
        "s.yaml:1: 'path' is missing; add `path:`",
        "s.yaml:1: 'scenario' is missing; add `scenario: ...` at the top",
        "s.yaml:1: 'steps' is missing; add `steps:`",
        "s.yaml:1: unknown key 'a' here; known: about, control, expect, family, hosts, path, "
        "paths, reproduces, return path, scale, scenario, source, steps, variants",
    ]


def test_everything_is_of_the_wrong_kind(complain: Complain) -> None:
    assert complain("scenario: 1\nhosts: 5\npath: 4\nsteps: 3\nexpect: 2\n") == [
        "s.yaml:1: scenario: 1 is not a text; write a text",
        "s.yaml:2: 'hosts' is not a mapping; write `name: { run: ... }` for each",
        "s.yaml:3: 'path' is not a list of hosts; write for example [sender, firewall, receiver]",
        "s.yaml:4: 'steps' is not a list; write lines like `- wait: 75 min`",
        "s.yaml:5: 'expect' is not a list; write lines like "
        "`- half-open: { at: receiver, at end: 0 }`",
    ]


def test_hosts_that_are_no_mapping_are_told_once(base: str, complain: Complain) -> None:
    start, _, rest = base.partition("hosts:\n")
    text = f"{start}hosts: 5\n{rest[rest.index('path:') :]}"
    assert complain(text) == [
        "s.yaml:3: 'hosts' is not a mapping; write `name: { run: ... }` for each"
    ]


def test_two_senders_need_a_from(base: str, complain: Complain) -> None:
    text = base.replace("run: relpio receive", "run: relpio send\n    to: sender")
    assert complain(text) == [
        "s.yaml:15: a send step must say from which host; add `from: receiver`",
        "s.yaml:17: a send step must say from which host; add `from: receiver`",
    ]


def test_five_mistakes_give_five_problems_in_the_order_of_the_file(
    base: str, complain: Complain
) -> None:
    text = base.replace("fortigate", "fortigat").replace("75 min", "75").replace("600", "0")
    text = text.replace("keepalive: off", "windw: 5").replace("half-open", "half-opn")
    lines = [line.split(":")[1] for line in complain(text)]
    assert lines == ["2", "7", "9", "15", "18"]


def test_a_problem_with_a_missing_file_or_a_directory(
    vocabulary: Vocabulary, tmp_path: Path
) -> None:
    for path, what in (
        (tmp_path / "no.yaml", "no such file; check the path"),
        (tmp_path, "this is a directory; name a file"),
    ):
        with pytest.raises(InputError) as caught:
            load_scenario(path, vocabulary)
        assert str(caught.value) == f"{path}:1: {what}"
        assert caught.value.exit_status == 2
