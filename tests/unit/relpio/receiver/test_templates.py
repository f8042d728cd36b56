"""Paths with places: what fills them never leaves its name."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relpio import ConfigurationError, Template
from relpio.receiver.received import Received
from relpio.receiver.templates import PLACES, safe_name

NASTY = st.text(max_size=200) | st.sampled_from(
    ["..", ".", "", "../../etc/passwd", "-rf", "a\0b", "/", "{peer}", "~root"]
)


@given(NASTY)
def test_a_name_stays_one_name(name: str) -> None:
    clean = safe_name(name)
    assert 1 <= len(clean) <= 64
    assert "/" not in clean and "\0" not in clean and "{" not in clean
    assert clean[0] not in ".-"
    assert safe_name("2001:db8::1") == "2001:db8::1"


@given(NASTY, st.binary(max_size=80), st.binary(max_size=80))
def test_a_path_stays_below_its_directory(peer: str, host: bytes, app: bytes) -> None:
    template = Template("/var/log/{peer}/{host}/{app}-{date}.log")
    message = b"<13>1 - %b %b - - - text" % (host, app)
    [(path, part)] = template.split(Received(peer, 0.0, [message]))
    assert part.messages == [message]
    assert Path(path).is_relative_to("/var/log")
    assert len(Path(path).parts) == len(Path("/var/log/a/b/c").parts)
    assert ".." not in Path(path).parts


literal = st.text(st.characters(exclude_characters="{}\0", codec="utf-8"), max_size=4)


@given(st.lists(st.tuples(literal, st.sampled_from(PLACES)), min_size=1, max_size=3), literal)
def test_only_the_places_of_a_template_are_filled(parts: list[tuple[str, str]], end: str) -> None:
    text = "".join(f"{before}{{{place}}}" for before, place in parts) + end
    noon = time.mktime((2026, 11, 27, 12, 0, 0, 0, 0, -1))
    values = {"peer": "192.0.2.1", "host": "web1", "app": "nginx", "date": "2026-11-27"}
    message = b"<13>Nov 27 04:05:09 web1 nginx[7]: text"
    [(path, _)] = Template(text).split(Received("192.0.2.1", noon, [message]))
    assert path == "".join(f"{before}{values[place]}" for before, place in parts) + end


def test_messages_of_one_client_go_to_the_files_of_their_hosts() -> None:
    messages = [b"<13>1 - %b app - - - %d" % (b"ab"[n % 2 : n % 2 + 1], n) for n in range(5)]
    messages.insert(2, b"no header")
    split = dict(Template("/{host}.{app}").split(Received("::1", 0.0, messages)))
    assert {path: part.messages for path, part in split.items()} == {
        "/a.app": [messages[0], messages[3], messages[5]],
        "/b.app": [messages[1], messages[4]],
        "/::1.unknown": [b"no header"],
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("/var/log/all", "has no place"),
        ("/var/log/{hosts}", "did you mean {host}?"),
        ("/var/log/{1}", "write {peer}, {host}, {app} or {date}"),
        ("/var/log/{host}{app}{peer}{date}", "longer than 255"),
    ],
)
def test_a_template_that_cannot_work(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Template(text)
    assert words in str(refused.value)
