"""Which messages an output takes, by what their headers say.

    [severity<=err, host=web*|db*] /var/log/urgent.log
    [rest] /var/log/other.log

All terms of a selector must hold. `rest` takes what no other output takes.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Sequence

from relpio.errors import ConfigurationError
from relpio.receiver.received import Received
from relpio.syslog import FACILITIES, SEVERITIES, SyslogHeader

__all__ = ["EVERYTHING", "Selector", "split_selector"]

_NOTICE, _USER = SEVERITIES.index("notice"), FACILITIES.index("user")
"""What a message without a priority has (RFC 3164, 4.3.3)."""

_TERM = re.compile(r"\s*([A-Za-z]+)\s*(<=|!=|=)\s*(\S.*?)\s*", re.DOTALL)
_SELECTED = re.compile(r"\[(.*?\S.*?)\]\s+(\S.*)", re.DOTALL)
_NAMES = ("severity", "facility", "host", "app", "peer")

_Test = Callable[[SyslogHeader, str], bool]


class Selector:
    """Terms that a message must meet.

    Attributes:
        text: as a person wrote it; empty for everything.
        rest: takes what no other output takes, and has no terms.
    """

    def __init__(self, text: str = "") -> None:
        """Read terms, with commas between them.

        Raises:
            ConfigurationError: a term is wrong; the text says what would be right.
        """
        self.text = text.strip()
        self.rest = self.text == "rest"
        parts = [] if self.rest or not self.text else self.text.split(",")
        self._tests = [_term(part) for part in parts]

    @property
    def everything(self) -> bool:
        """It takes all messages."""
        return not self._tests and not self.rest

    def places(self, received: Received) -> Sequence[int]:
        """Return the places of the messages that meet the terms."""
        if not self._tests:
            return range(len(received.messages))
        peer, tests = received.peer, self._tests
        return [
            place
            for place, header in enumerate(received.headers)
            if all(test(header, peer) for test in tests)
        ]


EVERYTHING = Selector()


def split_selector(output: str) -> tuple[Selector, str]:
    """Split `[TERMS] OUTPUT`; without brackets, the selector takes everything.

    Raises:
        ConfigurationError: the selector is wrong, or there is nothing else.
    """
    if not output.startswith("["):
        return EVERYTHING, output
    match = _SELECTED.fullmatch(output)
    if match is None:
        raise ConfigurationError(
            f"{output!r}: write [TERMS] OUTPUT, such as '[severity<=err] /var/log/errors.log'"
        )
    return Selector(match[1]), match[2]


def _term(text: str) -> _Test:
    match = _TERM.fullmatch(text)
    if match is None:
        raise ConfigurationError(
            f"selector term {text.strip()!r}: write NAME=VALUE, NAME!=VALUE or severity<=NAME; "
            f"NAME is one of {', '.join(_NAMES)}; or rest alone"
        )
    name, operator, value = match.groups()
    values = [each.strip() for each in value.split("|")]
    if name not in _NAMES:
        raise ConfigurationError(f"selector term {text.strip()!r}: {_nearest(name, _NAMES)}")
    if operator == "<=":
        return _at_least_as_bad(name, text.strip(), value)
    if name == "severity":
        test = _code_test(1, _NOTICE, [_code(each, SEVERITIES) for each in values])
    elif name == "facility":
        test = _code_test(0, _USER, [_code(each, FACILITIES) for each in values])
    else:
        test = _name_test(name, values)
    return test if operator == "=" else lambda header, peer: not test(header, peer)


def _at_least_as_bad(name: str, term: str, value: str) -> _Test:
    if name != "severity":
        raise ConfigurationError(f"selector term {term!r}: only severity has an order")
    limit = _code(value, SEVERITIES)
    return lambda header, _: (_NOTICE if header.severity is None else header.severity) <= limit


def _code_test(field: int, default: int, codes: Sequence[int]) -> _Test:
    def test(header: SyslogHeader, _: str) -> bool:
        code = header[field]
        return (default if code is None else code) in codes

    return test


def _name_test(name: str, patterns: Sequence[str]) -> _Test:
    match = re.compile("|".join(map(fnmatch.translate, patterns)), re.IGNORECASE).match

    def test(header: SyslogHeader, peer: str) -> bool:
        found = {"host": header.host or peer, "app": header.app or "", "peer": peer}[name]
        return match(found) is not None

    return test


def _code(text: str, names: Sequence[str]) -> int:
    if text.isascii() and text.isdigit() and len(text) < 3 and int(text) < len(names):
        return int(text)
    if text in names:
        return names.index(text)
    raise ConfigurationError(f"selector value {text!r}: {_nearest(text, names)}")


def _nearest(text: str, names: Sequence[str]) -> str:
    from difflib import get_close_matches  # for an error only

    close = get_close_matches(text, names, n=1)
    return f"did you mean {close[0]}?" if close else f"write one of {', '.join(names)}"
