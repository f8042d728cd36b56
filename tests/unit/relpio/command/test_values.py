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
from relpio.command import values

if TYPE_CHECKING:
    pass


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (values.duration, "30", 30.0),
        (values.duration, "1.5", 1.5),
        (values.duration, ".5", 0.5),
        (values.duration, "250ms", 0.25),
        (values.duration, "2 s", 2.0),
        (values.duration, "10min", 600.0),
        (values.duration, "2h", 7200.0),
        (values.duration_or_off, "off", None),
        (values.user_timeout, "1.5", 1.5),
        (values.user_timeout, "off", None),
        (values.keepalive, "60/10/6", Keepalive(60, 10, 6)),
        (values.keepalive, "30min/75s/9", Keepalive(1800, 75, 9)),
        (values.keepalive, "32767/32767/127", Keepalive(32767, 32767, 127)),
        (values.keepalive, "on", Keepalive(None, None, None)),
        (values.keepalive, "off", None),
        (values.backoff, "0.2/1min", BackoffPolicy(0.2, 60.0)),
        (values.count, "7", 7),
        (values.target_address, "localhost:514", ("localhost", 514)),
        (values.target_address, "[::1]:2514", ("::1", 2514)),
        (values.listen_address, "127.0.0.1:0", ("127.0.0.1", 0)),
    ],
)
def test_options(parse: Callable[[str], object], text: str, value: object) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text", "reason"),
    [
        (values.duration, "0", "above 0"),
        (values.duration, "-1", "is not a duration"),
        (values.duration, "1d", "is not a duration"),
        (values.duration, "nan", "is not a duration"),
        (values.duration, "off", "is not a duration"),
        (values.user_timeout, "0.1ms", "1 ms to"),
        (values.user_timeout, "1000h", "1 ms to"),
        (values.keepalive, "60/10", "IDLE/INTERVAL/PROBES"),
        (values.keepalive, "60/10/x", "IDLE/INTERVAL/PROBES"),
        (values.keepalive, "0/10/6", "idle 0: the kernel takes 1 to 32767 seconds"),
        (values.keepalive, "32768/10/6", "idle 32768"),
        (values.keepalive, "60/10h/6", "interval 36000"),
        (values.keepalive, "60/10/128", "probes 128: the kernel takes 1 to 127"),
        (values.keepalive, "1.5/10/6", "whole seconds"),
        (values.backoff, "1", "FIRST/MAX"),
        (values.backoff, "2/1", "FIRST <= MAX"),
        (values.backoff, "0/1", "0 < FIRST"),
        (values.count, "0", "at least 1"),
        (values.count, "x", "at least 1"),
        (values.target_address, "host", "HOST:PORT"),
        (values.target_address, ":514", "HOST:PORT"),
        (values.target_address, "::1:514", r"write an IPv6 address as \[::1\]:2514"),
        (values.target_address, "host:0", "port must be 1 to 65535"),
        (values.target_address, "host:65536", "port must be"),
        (values.listen_address, "host:x", "port must be 0 to"),
    ],
)
def test_options_say_what_would_be_right(
    parse: Callable[[str], object], text: str, reason: str
) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        parse(text)
