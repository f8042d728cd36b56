"""Values of command line options: how people write durations, addresses, keepalive timers."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import TypeVar

from relpio.errors import ConfigurationError
from relpio.net.addresses import parse_address
from relpio.net.sockopts import Keepalive, check_user_timeout
from relpio.sender.backoff import BackoffPolicy

__all__ = [
    "backoff",
    "count",
    "duration",
    "duration_or_off",
    "keepalive",
    "listen_address",
    "target_address",
    "user_timeout",
]

_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+) ?(ms|s|min|h|)")

T = TypeVar("T")


def _option(parse: Callable[[str], T]) -> Callable[[str], T]:
    """Let argparse show the text of a ConfigurationError instead of its own."""

    def parse_option(text: str) -> T:
        try:
            return parse(text)
        except ConfigurationError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parse_option


def _duration(text: str) -> float:
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ConfigurationError(f"{text!r} is no duration: write 30, 1.5, 500ms, 30s, 10min or 2h")
    return float(match[1]) * _UNITS[match[2]]


def _positive_duration(text: str) -> float:
    seconds = _duration(text)
    if seconds <= 0:
        raise ConfigurationError(f"{text!r}: must be above 0")
    return seconds


def _duration_or_off(text: str) -> float | None:
    return None if text == "off" else _positive_duration(text)


def _user_timeout(text: str) -> float | None:
    seconds = _duration_or_off(text)
    check_user_timeout(seconds)
    return seconds


def _keepalive(text: str) -> Keepalive | None:
    if text == "off":
        return None
    if text == "on":
        return Keepalive(None, None, None)
    parts = text.split("/")
    if len(parts) != 3 or not (parts[2].isascii() and parts[2].isdigit()):
        raise ConfigurationError(
            f"{text!r}: write IDLE/INTERVAL/PROBES, such as 60/10/6 or 30min/75s/9, or on, or off"
        )
    return Keepalive(_whole_seconds(parts[0]), _whole_seconds(parts[1]), int(parts[2]))


def _whole_seconds(text: str) -> int:
    seconds = _duration(text)
    if seconds != int(seconds):
        raise ConfigurationError(f"{text!r}: the kernel counts keepalive in whole seconds")
    return int(seconds)


def _backoff(text: str) -> BackoffPolicy:
    first, slash, longest = text.partition("/")
    if not slash:
        raise ConfigurationError(f"{text!r}: write FIRST/MAX, such as 1/60")
    return BackoffPolicy(_duration(first), _duration(longest))


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise ConfigurationError(f"{text!r}: must be a whole number of at least 1")
    return int(text)


def _listen_address(text: str) -> tuple[str, int]:
    return parse_address(text, lowest_port=0)


backoff = _option(_backoff)
count = _option(_count)
duration = _option(_positive_duration)
duration_or_off = _option(_duration_or_off)
keepalive = _option(_keepalive)
listen_address = _option(_listen_address)
target_address = _option(parse_address)
user_timeout = _option(_user_timeout)
