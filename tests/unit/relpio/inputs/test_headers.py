"""Headers of syslog: what stands in them, and which lines keep their own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relpio import ConfigurationError
from relpio.inputs.base import Deliver, Flow
from relpio.inputs.headers import HeadedInput, Header
from relpio.queue.policy import severity
from relpio.syslog import FACILITIES, SEVERITIES

MOMENT = 1_795_752_309.25


def header(**changed: str) -> Header:
    given_ = {"form": "rfc5424", "facility": "local3", "severity": "err", "host": "web1"}
    return Header(**{**given_, "app": "nginx", **changed})  # type: ignore[arg-type]


def test_both_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    assert header().put_before([b"a line"], MOMENT) == [
        b"<155>1 2026-11-27T04:05:09.250000+00:00 web1 nginx - - - a line"
    ]
    (old,) = header(form="rfc3164").put_before([b"a line"], MOMENT)
    assert old.startswith(b"<155>Nov 27 ") and old.endswith(b":05:09 web1 nginx: a line")
    (early,) = header(form="rfc3164").put_before([b""], MOMENT - 20 * 86400)
    assert early.startswith(b"<155>Nov  7 ")  # RFC 3164, 4.1.2: a space, not a zero


@given(st.sampled_from(FACILITIES), st.sampled_from(SEVERITIES), st.binary(max_size=50))
def test_any_line_has_one_header_afterwards(facility: str, level: str, line: bytes) -> None:
    stamp = header(facility=facility, severity=level)
    (once,) = stamp.put_before([line], MOMENT)
    assert stamp.put_before([once], MOMENT + 1) == [once]
    if once != line:
        assert once.endswith(b" - - - " + line)
        assert len(once) == len(line) + stamp.size
        assert severity(once) == SEVERITIES.index(level)


@pytest.mark.parametrize("line", [b"<0>x", b"<34>1 - - - - - - x", b"<191>"])
def test_a_line_with_a_priority_keeps_its_header(line: bytes) -> None:
    assert header().put_before([line], MOMENT) == [line]


@pytest.mark.parametrize("line", [b"<192>x", b"<01>x", b"<>x", b"< 1>x", b"x<1>", b"", b"<-1>"])
def test_what_only_looks_like_a_priority_gets_one(line: bytes) -> None:
    assert header().put_before([line], MOMENT)[0].startswith(b"<155>1 ")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"host": "a b"}, "host name 'a b': use 1 to 255 printable"),
        ({"host": ""}, "host name ''"),
        ({"app": "x" * 49}, "use 1 to 48 printable"),
        ({"app": "n\u00e4me"}, "program name 'n\u00e4me'"),
        ({"app": "a:b", "form": "rfc3164"}, "end it in an RFC 3164 header"),
    ],
)
def test_what_would_be_another_header_is_refused(changed: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        header(**changed)


class Lines:
    """An input of two lines."""

    name = "lines"
    flow: Flow = "full"
    received = 2
    closed = False

    def close(self) -> None:
        self.closed = True

    async def run(self, deliver: Deliver) -> None:
        await deliver([b"one", b"<13>two"])


def test_an_input_is_itself_but_for_the_headers() -> None:
    got: list[bytes] = []

    async def deliver(messages: Sequence[bytes]) -> None:
        got.extend(messages)

    source = Lines()
    headed = HeadedInput(source, header(), clock=lambda: MOMENT)
    asyncio.run(headed.run(deliver))
    headed.close()
    assert got == [b"<155>1 2026-11-27T04:05:09.250000+00:00 web1 nginx - - - one", b"<13>two"]
    assert (headed.name, headed.flow, headed.received) == ("lines", "full", 2)
    assert source.closed
