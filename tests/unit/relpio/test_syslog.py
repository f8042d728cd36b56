"""Headers of syslog messages, in the three forms that are met."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relpio.syslog import FACILITIES, NO_HEADER, SEVERITIES, SyslogHeader, parse_header

STAMP = "2026-11-27T04:05:09.123456+00:00"


@pytest.mark.parametrize(
    ("message", "header", "text"),
    [
        (
            b"<13>1 2026-11-27T04:05:09.123456+00:00 web1 nginx 77 ID [a b=\"]\\\"\"][c] text",
            (1, 5, STAMP, "web1", "nginx", "77", "ID", '[a b="]\\""][c]'), b"text",
        ),
        (b"<191>1 - - - - - -", (23, 7, None, None, None, None, None, None), b""),
        (b"<13>1 - h a - - [torn text", (1, 5, None, "h", "a", None, None, None), b"[torn text"),
        (
            b"<34>Oct  1 22:14:15 db su[8]: text",
            (4, 2, "Oct  1 22:14:15", "db", "su", "8", None, None), b"text",
        ),
        (
            b"<34>2026-11-27T04:05:09.123456+00:00 db su: text",
            (4, 2, STAMP, "db", "su", None, None, None), b"text",
        ),
        (b"<34>text", (4, 2, None, None, None, None, None, None), b"text"),
    ],
)  # fmt: skip
def test_what_a_header_says(message: bytes, header: tuple[object, ...], text: bytes) -> None:
    found = parse_header(message)
    assert tuple(found)[:-1] == header
    assert message[found.size :] == text


@pytest.mark.parametrize("message", [b"", b"text", b"<192>text", b"<013>text", b"13>text", b"<>"])
def test_what_is_no_header(message: bytes) -> None:
    assert parse_header(message) == NO_HEADER


WORD = st.from_regex(r"[A-Za-z0-9._/-]{1,32}", fullmatch=True).filter(lambda word: word != "-")


@given(
    st.integers(0, 23), st.integers(0, 7), WORD, WORD, WORD, WORD,
    st.lists(st.tuples(WORD, st.text(max_size=20)), max_size=3), st.binary(max_size=30),
)  # fmt: skip
def test_what_was_written_is_read(
    facility: int, severity: int, host: str, app: str, process: str, kind: str,
    elements: list[tuple[str, str]], text: bytes,
) -> None:  # fmt: skip
    escaped = [
        (name, value.replace("\\", r"\\").replace('"', r"\"").replace("]", r"\]"))
        for name, value in elements
    ]
    data = "".join(f'[{name} v="{value}"]' for name, value in escaped) or "-"
    start = f"<{facility * 8 + severity}>1 {STAMP} {host} {app} {process} {kind} {data}"
    message = start.encode() + b" " + text
    expected = SyslogHeader(
        facility, severity, STAMP, host, app, process, kind, None if data == "-" else data,
        len(message) - len(text),
    )  # fmt: skip
    assert parse_header(message) == expected


@given(st.binary(max_size=400) | st.binary(max_size=400).map(lambda rest: b"<13>1 " + rest))
def test_any_bytes_have_a_header_or_none(message: bytes) -> None:
    header = parse_header(message)
    assert 0 <= header.size <= len(message)
    assert (header.facility is None) == (header.severity is None)
    if header.facility is not None and header.severity is not None:
        assert FACILITIES[header.facility] and SEVERITIES[header.severity]
