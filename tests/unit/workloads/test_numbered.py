"""Messages with identity and checksum."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfopen.model.messages import DEFAULT, MessageShape
from halfopen.model.program import Framing
from halfopen.workloads.numbered import Found, Messages, message

tokens = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=16)
numbers = st.integers(min_value=1, max_value=10**9)


forms = st.builds(
    MessageShape, st.integers(min_value=0, max_value=7), st.integers(min_value=0, max_value=2000)
)


framings = st.sampled_from(("line", "as sent", "header", "anywhere"))


def begun(token: str, seq: int, form: MessageShape = DEFAULT) -> Messages:
    messages = Messages(token)
    messages.begin(range(seq, seq + 1), form)
    return messages


@given(tokens, numbers, forms, st.binary(max_size=40))
def test_a_message_is_recognised_behind_any_header(
    token: str, seq: int, form: MessageShape, header: bytes
) -> None:
    messages = begun(token, seq, form)
    line = message(token, seq, form)
    assert messages.make(range(seq, seq + 1)) == [line]
    assert b"\n" not in line
    assert len(line) >= form.size
    assert line.startswith(b"<%d>1 " % (128 + form.severity))
    behind = header.replace(b"hf1", b"") + line
    assert messages.recognise(behind, "anywhere") == Found(seq, True)
    assert messages.recognise(behind, "header") == Found(seq, True)
    assert messages.recognise(behind, "line") == Found(seq, not behind.removesuffix(line))


@given(tokens, numbers, framings, st.data())
def test_a_changed_octet_of_the_content_is_found(
    token: str, seq: int, framing: Framing, data: st.DataObject
) -> None:
    line = bytearray(message(token, seq))
    start = 0 if framing in ("line", "as sent") else line.index(b"hf1:") + 4
    place = data.draw(st.integers(min_value=start, max_value=len(line) - 1))
    old = line[place]
    line[place] = data.draw(st.integers(min_value=0, max_value=255).filter(lambda b: b != old))
    found = begun(token, seq).recognise(bytes(line), framing)
    # Hexadecimal digits of the checksum are written in lower case only.
    assert found != Found(seq, True)


@given(tokens, st.binary(max_size=300), framings)
def test_anything_else_is_no_message(token: str, line: bytes, framing: Framing) -> None:
    found = begun(token, 1).recognise(line.replace(b"hf1:", b""), framing)
    assert found == Found(None, False)


def test_a_message_of_another_run_is_no_message_of_this_one() -> None:
    assert begun("mine", 1).recognise(message("theirs", 1), "line") == Found(None, False)


@pytest.mark.parametrize("framing", ["line", "as sent", "header"])
def test_what_stands_behind_a_message_belongs_to_no_message(framing: Framing) -> None:
    messages, line = begun("mine", 1), message("mine", 1)
    for more in (b" ", b"\r", b"x", b"<134>1", line):
        assert messages.recognise(line + more, framing) == Found(1, False)


def test_two_messages_in_one_line_are_none() -> None:
    line = message("mine", 1)
    assert begun("mine", 1).recognise(b"[" + line + b"]", "anywhere") == Found(1, True)
    assert begun("mine", 1).recognise(line + b" " + line, "anywhere") == Found(1, False)


def test_another_severity_is_not_what_was_sent() -> None:
    other = message("mine", 1, MessageShape(severity=3))
    assert begun("mine", 1).recognise(other, "line") == Found(1, False)
    assert begun("mine", 1).recognise(other, "header") == Found(1, True)


def test_a_program_that_rewrites_headers_changes_what_is_as_sent() -> None:
    messages, line = begun("mine", 1), b"Nov 27 host " + message("mine", 1)
    assert messages.recognise(line, "as sent") == Found(1, False)
    messages.rewritten = True
    assert messages.recognise(line, "as sent") == Found(1, True)


def test_feeds_that_overlap_keep_their_shapes() -> None:
    messages, long = Messages("mine"), MessageShape(size=500)
    messages.begin(range(101, 201), long)
    messages.begin(range(1, 101), DEFAULT)
    assert messages.recognise(message("mine", 100), "line") == Found(100, True)
    assert messages.recognise(message("mine", 101, long), "line") == Found(101, True)
    assert messages.make(range(150, 151)) == [message("mine", 150, long)]
    # Never sent: for others to say.
    assert messages.recognise(message("mine", 201), "line") == Found(201, True)
