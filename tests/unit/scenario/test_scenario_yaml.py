"""What is refused before a file means anything, and at what cost."""

import time
from pathlib import Path
from typing import Any

import pytest

from halfopen.yamlfile import read_yaml

from .kinds import Complain

REFUSED = [
    (b"", ["s.yaml:1: the file is empty; run `halfopen new` for one to start from"]),
    (b"# nothing\n", ["s.yaml:1: the file is empty; run `halfopen new` for one to start from"]),
    (b"---\n", ["s.yaml:1: the file is empty; run `halfopen new` for one to start from"]),
    (b"- a\n", ["s.yaml:1: this is not a mapping; write lines like `key: value`"]),
    (b"a:\n\t- b\n", ["s.yaml:2: a tab in the indentation; indent with spaces"]),
    (b"a: b\nc: \xff\n", ["s.yaml:2: byte 0xff is not UTF-8; save the file as UTF-8"]),
    (
        b'a: "x\\ud83d\\ude00y"\n"b\\udcff": 1\n',
        [
            "s.yaml:1: a surrogate (\\ud800 to \\udfff), which is half of a character; write the "
            "character itself, or \\U and its eight digits",
            "s.yaml:2: a surrogate (\\ud800 to \\udfff), which is half of a character; write the "
            "character itself, or \\U and its eight digits",
        ],
    ),
    (b"a: \x00\n", ["s.yaml:1: a character that YAML does not allow; remove it"]),
    (
        b"a: 1\n---\nb: 2\n",
        ["s.yaml:2: a second document begins here; write one file for each"],
    ),
    (
        b"a: 1\nb: [1\nc: 2\n",
        [
            "s.yaml:3: not YAML: while parsing a flow sequence expected ',' or ']', but got ':'; "
            "close the bracket, and put a comma between two entries"
        ],
    ),
    (
        b"a: 1\nb: c: d\n",
        [
            "s.yaml:2: not YAML: mapping values are not allowed here; check the indentation, and "
            "put text that holds `: ` between quotes"
        ],
    ),
    (
        b"a: 1\nb: 'x\n",
        [
            "s.yaml:3: not YAML: while scanning a quoted scalar found unexpected end of stream; "
            "close the quotes"
        ],
    ),
    (b"x" * (256 * 1024 + 1), ["s.yaml:1: the file is larger than 256 KiB; split it"]),
    (
        b"a: " + b"[" * 21 + b"]" * 21,
        ["s.yaml:1: nested deeper than 20 levels; flatten it"],
    ),
]


@pytest.mark.parametrize(("data", "wanted"), REFUSED, ids=[repr(r[0][:20]) for r in REFUSED])
def test_it_is_refused(complain: Complain, data: Any, wanted: Any) -> None:
    assert complain(data) == wanted


def test_what_yaml_could_do_and_nobody_needs_is_told_with_the_rest(
    base: str, complain: Complain
) -> None:
    text = base.replace("scale: 600", "scale: &s 600").replace("20 messages", "!!int 20", 1)
    text = text.replace("wait: 75 min", "wait: *s").replace("fortigate", "fortigat")
    text = text.replace("to: receiver", "<<: { to: receiver }")
    assert complain(text) == [
        "s.yaml:2: an anchor (&s); leave it out",
        "s.yaml:4: 'to' is missing for sender; add it",
        "s.yaml:6: a merge key (<<); write the values out",
        "s.yaml:9: unknown profile 'fortigat' on host firewall; did you mean 'fortigate'?",
        "s.yaml:14: a tag (tag:yaml.org,2002:int); leave it out",
        "s.yaml:15: an alias (*s); write the value out",
    ]


BOMBS = {
    "laughs": b"a: &a [x, x]\n"
    + b"".join(b"%c: &%c [*%c, *%c]\n" % (98 + i, 98 + i, 97 + i, 97 + i) for i in range(24)),
    "brackets": b"[" * 250_000,
    "braces": b"{" * 250_000,
    "pairs": b"a: [" + b"[]," * 80_000,
    "questions": b"? a\n" * 60_000,
    "long text": b'a: "' + b"x" * 250_000 + b'"',
    "same key": b"a: x\n" * 50_000,
    "many keys": b"".join(b"k%d: 1\n" % i for i in range(20_000)),
    "long block": b"a: |\n" + b" x\n" * 80_000,
    "dashes": b"- " * 120_000,
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_bomb_costs_nothing(complain: Complain, bomb: bytes) -> None:
    start = time.process_time()
    problems = complain(bomb)
    assert time.process_time() - start < 10
    assert problems
    assert all(len(problem) < 1000 for problem in problems[:50])


def test_scalars_are_those_of_yaml_1_2(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text(
        'a: off\nb: yes\nc: 1:30\nd: 010\ne: 1.5\nf: .inf\ng: "5"\nh: true\ni: 1_000\nj: -3\n'
        "k: 1e3\nl: 99999999999999999999\nm: 2001-01-01\n"
    )
    assert read_yaml(path).plain() == {
        "a": "off",
        "b": "yes",
        "c": "1:30",
        "d": 10,
        "e": 1.5,
        "f": ".inf",
        "g": "5",
        "h": True,
        "i": "1_000",
        "j": -3,
        "k": 1000.0,
        "l": "99999999999999999999",
        "m": "2001-01-01",
    }


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_value_knows_its_line_however_lines_end(tmp_path: Path, end: str) -> None:
    path = tmp_path / "f.yaml"
    text = "\ufeffa: 1\nb:\n  c:\n    - x\n    - y: z\n      w: v\n"
    path.write_bytes(text.replace("\n", end).encode())
    root = read_yaml(path)
    b = root.entries["b"]
    items = b.entries["c"].value
    assert isinstance(items, tuple)
    assert [root.entries["a"].line, b.line, b.entries["c"].line] == [1, 2, 3]
    assert [items[0].line, items[1].line, items[1].entries["w"].line] == [4, 5, 6]
