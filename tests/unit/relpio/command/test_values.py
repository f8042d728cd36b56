"""Values of options: what is accepted, and what an error says."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from relpio import (
    BackoffPolicy,
    ConfigurationError,
    Keepalive,
)
from relpio.command import options

if TYPE_CHECKING:
    pass


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (options.duration, "30", 30.0),
        (options.duration, "1.5", 1.5),
        (options.duration, ".5", 0.5),
        (options.duration, "250ms", 0.25),
        (options.duration, "2 s", 2.0),
        (options.duration, "10min", 600.0),
        (options.duration, "2h", 7200.0),
        (options.duration_or_off, "off", None),
        (options.user_timeout, "1.5", 1.5),
        (options.user_timeout, "off", None),
        (options.keepalive, "60/10/6", Keepalive(60, 10, 6)),
        (options.keepalive, "30min/75s/9", Keepalive(1800, 75, 9)),
        (options.keepalive, "32767/32767/127", Keepalive(32767, 32767, 127)),
        (options.keepalive, "on", Keepalive(None, None, None)),
        (options.keepalive, "off", None),
        (options.backoff, "0.2/1min", BackoffPolicy(0.2, 60.0)),
        (options.count, "7", 7),
        (options.target_address, "localhost:514", ("localhost", 514)),
        (options.target_address, "[::1]:2514", ("::1", 2514)),
        (options.listen_address, "127.0.0.1:0", ("127.0.0.1", 0)),
    ],
)
def test_options(parse: Callable[[str], object], text: str, value: object) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text", "reason"),
    [
        (options.duration, "0", "above 0"),
        (options.duration, "-1", "no duration"),
        (options.duration, "1d", "no duration"),
        (options.duration, "nan", "no duration"),
        (options.duration, "off", "no duration"),
        (options.user_timeout, "0.1ms", "1 ms to"),
        (options.user_timeout, "1000h", "1 ms to"),
        (options.keepalive, "60/10", "IDLE/INTERVAL/PROBES"),
        (options.keepalive, "60/10/x", "IDLE/INTERVAL/PROBES"),
        (options.keepalive, "0/10/6", "idle 0: the kernel takes 1 to 32767 seconds"),
        (options.keepalive, "32768/10/6", "idle 32768"),
        (options.keepalive, "60/10h/6", "interval 36000"),
        (options.keepalive, "60/10/128", "probes 128: the kernel takes 1 to 127"),
        (options.keepalive, "1.5/10/6", "whole seconds"),
        (options.backoff, "1", "FIRST/MAX"),
        (options.backoff, "2/1", "FIRST <= MAX"),
        (options.backoff, "0/1", "0 < FIRST"),
        (options.count, "0", "at least 1"),
        (options.count, "x", "at least 1"),
        (options.target_address, "host", "HOST:PORT"),
        (options.target_address, ":514", "HOST:PORT"),
        (options.target_address, "::1:514", r"write an IPv6 address as \[::1\]:2514"),
        (options.target_address, "host:0", "port must be 1 to 65535"),
        (options.target_address, "host:65536", "port must be"),
        (options.listen_address, "host:x", "port must be 0 to"),
    ],
)
def test_options_say_what_would_be_right(
    parse: Callable[[str], object], text: str, reason: str
) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        parse(text)
