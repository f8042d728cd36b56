"""Messages with identity and checksum."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from halfopen.model.messages import MessageShape
from halfopen.workloads.numbered import Found, message, recognise

tokens = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=16)
numbers = st.integers(min_value=1, max_value=10**9)


forms = st.builds(
    MessageShape, st.integers(min_value=0, max_value=7), st.integers(min_value=0, max_value=2000)
)


@given(tokens, numbers, forms, st.binary(max_size=40))
def test_a_message_is_recognised_behind_any_header(
    token: str, seq: int, form: MessageShape, header: bytes
) -> None:
    line = message(token, seq, form)
    assert b"\n" not in line
    assert len(line) >= form.size
    assert line.startswith(b"<%d>1 " % (128 + form.severity))
    assert recognise(token, header.replace(b"hf1", b"") + line) == Found(seq, True)


@given(tokens, numbers, st.data())
def test_a_changed_octet_of_the_content_is_found(token: str, seq: int, data: st.DataObject) -> None:
    line = bytearray(message(token, seq))
    start = line.index(b"hf1:") + 4
    place = data.draw(st.integers(min_value=start, max_value=len(line) - 1))
    old = line[place]
    line[place] = data.draw(st.integers(min_value=0, max_value=255).filter(lambda b: b != old))
    found = recognise(token, bytes(line))
    # Hexadecimal digits of the checksum are written in lower case only.
    assert found != Found(seq, True)


@given(tokens, st.binary(max_size=300))
def test_anything_else_is_no_message(token: str, line: bytes) -> None:
    assert recognise(token, line.replace(b"hf1:", b"")) == Found(None, False)


def test_a_message_of_another_run_is_no_message_of_this_one() -> None:
    assert recognise("mine", message("theirs", 1)) == Found(None, False)
