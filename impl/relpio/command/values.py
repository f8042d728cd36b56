"""Values of options: how people write durations, sizes, addresses, keepalive timers.

Each function reads a text, and raises `ConfigurationError` with what would be right.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from relpio.errors import ConfigurationError
from relpio.net.addresses import Address, parse_address, parse_target
from relpio.net.sockopts import Keepalive, check_user_timeout
from relpio.sender.backoff import BackoffPolicy

__all__ = [
    "Choice",
    "backoff",
    "choice",
    "count",
    "duration",
    "duration_or_off",
    "expression",
    "integer",
    "keepalive",
    "listen_address",
    "network",
    "path",
    "size",
    "switch",
    "target_address",
    "text",
    "user_timeout",
    "whole",
]

_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+) ?(ms|s|min|h|)", re.ASCII)

_SIZES = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_SIZE = re.compile(r"(\d{1,15}) ?([kKmMgG]?)", re.ASCII)


def duration(text: str) -> float:
    """Read a duration above 0 in seconds: `30`, `1.5`, `500ms`, `30s`, `10min`, `2h`."""
    seconds = _duration(text)
    if seconds <= 0:
        raise ConfigurationError(f"{text!r}: must be above 0")
    return seconds


def duration_or_off(text: str) -> float | None:
    """Read a duration, or `off`, which is None."""
    return None if text == "off" else duration(text)


def user_timeout(text: str) -> float | None:
    """Read TCP_USER_TIMEOUT: a duration with a resolution of 1 ms, or `off`."""
    seconds = duration_or_off(text)
    check_user_timeout(seconds)
    return seconds


def keepalive(text: str) -> Keepalive | None:
    """Read IDLE/INTERVAL/PROBES, `on` (the timers of the system) or `off`."""
    if text == "off":
        return None
    if text == "on":
        return Keepalive(None, None, None)
    parts = text.split("/")
    if len(parts) != 3 or not (parts[2].isascii() and parts[2].isdigit()):
        raise ConfigurationError(
            f"{text!r}: write IDLE/INTERVAL/PROBES, such as 60/10/6 or 30min/75s/9, or on, or off"
        )
    return Keepalive(_whole_seconds(parts[0]), _whole_seconds(parts[1]), _digits(parts[2]))


def backoff(text: str) -> BackoffPolicy:
    """Read FIRST/MAX: two durations."""
    first, slash, longest = text.partition("/")
    if not slash:
        raise ConfigurationError(f"{text!r}: write FIRST/MAX, such as 1/60")
    return BackoffPolicy(_duration(first), _duration(longest))


def count(text: str) -> int:
    """Read a whole number from 1."""
    number = _digits(text)
    if number is None or number < 1:
        raise ConfigurationError(f"{text!r}: must be a whole number of at least 1")
    return number


def whole(text: str) -> int:
    """Read a whole number from 0."""
    number = _digits(text)
    if number is None:
        raise ConfigurationError(f"{text!r}: must be a whole number, 0 or more")
    return number


def integer(text: str) -> int:
    """Read a whole number of either sign."""
    number = _digits(text.removeprefix("-"))
    if number is None:
        raise ConfigurationError(f"{text!r}: must be a whole number")
    return -number if text.startswith("-") else number


def size(text: str) -> int:
    """Read a number of bytes above 0: `8096`, `64k`, `1m`, `2g` (of 1024 each)."""
    match = _SIZE.fullmatch(text.strip())
    octets = int(match[1]) * _SIZES[match[2].lower()] if match else 0
    if octets < 1:
        raise ConfigurationError(
            f"{text!r} is not a size: write bytes, such as 8096, 64k, 1m or 2g"
        )
    return octets


class Choice:
    """Takes one of `words`."""

    def __init__(self, words: Sequence[str]) -> None:
        """Allow `words`."""
        self.words = words

    def __call__(self, text: str) -> str:
        """Read one of them."""
        if text not in self.words:
            raise ConfigurationError(f"{text!r}: must be one of {', '.join(self.words)}")
        return text


def choice(*words: str) -> Choice:
    """Make a function that takes one of `words`."""
    return Choice(words)


def switch(text: str) -> bool:
    """Stand in for the value of a switch, which has none."""
    return text == "on"


def text(text: str) -> str:
    """Take any text but an empty one."""
    if not text:
        raise ConfigurationError("must not be empty")
    return text


def path(text: str) -> Path:
    """Take the name of a file."""
    if not text or "\0" in text:
        raise ConfigurationError(f"{text!r} is not a file name")
    return Path(text)


def listen_address(text: str) -> tuple[str, int]:
    """Read HOST:PORT to listen on; port 0 is any free one."""
    return parse_address(text, lowest_port=0)


def expression(text: str) -> re.Pattern[bytes]:
    """Read a regular expression that is searched in bytes."""
    try:
        return re.compile(text.encode())
    except re.error as error:
        where = "" if error.pos is None else f" at character {error.pos + 1}"
        raise ConfigurationError(
            f"{text!r} is not a regular expression: {error.msg}{where}"
        ) from None


def network(text: str) -> IPv4Network | IPv6Network:
    """Read a network such as 192.0.2.0/24, or a single address."""
    try:
        return ip_network(text)
    except ValueError:
        pass
    try:
        nearest = ip_network(text, strict=False)
    except ValueError:
        raise ConfigurationError(
            f"{text!r} is not a network: write for example 192.0.2.0/24 or 2001:db8::/32"
        ) from None
    raise ConfigurationError(f"{text!r} has bits of a host: the network is {nearest}")


def target_address(text: str) -> Address:
    """Read HOST:PORT or unix:PATH to connect to."""
    return parse_target(text)


def _duration(text: str) -> float:
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ConfigurationError(
            f"{text!r} is not a duration: write 30, 1.5, 500ms, 30s, 10min or 2h"
        )
    return float(match[1]) * _UNITS[match[2]]


def _whole_seconds(text: str) -> int:
    seconds = _duration(text)
    if seconds != int(seconds):
        raise ConfigurationError(f"{text!r}: the kernel counts keepalive in whole seconds")
    return int(seconds)


def _digits(text: str) -> int | None:
    # A length limit, because Python refuses to read numbers of thousands of digits.
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
