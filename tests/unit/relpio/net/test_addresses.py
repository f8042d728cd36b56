"""Addresses: parsing, formatting, look-up."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from relpio.net.addresses import format_address, parse_address, resolve

if TYPE_CHECKING:
    pass


def test_addresses() -> None:
    assert format_address(("::1", 5, 0, 0)) == "[::1]:5"
    assert format_address(("127.0.0.1", 5)) == "127.0.0.1:5"
    assert format_address(None) == "None"
    assert parse_address("a.example:1") == ("a.example", 1)
    assert asyncio.run(resolve("127.0.0.1", 5)) == [("127.0.0.1", 5)]
    for name in ("no.such.name.invalid", "a" * 64 + ".invalid"):
        with pytest.raises(OSError):
            asyncio.run(resolve(name, 5))


def test_a_name_is_looked_up_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["192.0.2.1", "192.0.2.2"])

    def look_up(host: str, port: int, **options: int) -> list[tuple[object, ...]]:
        if options["flags"]:
            raise socket.gaierror("not an address")
        return [(0, 0, 0, "", (next(answers), port))]

    monkeypatch.setattr("socket.getaddrinfo", look_up)
    assert asyncio.run(resolve("moving.example", 5)) == [("192.0.2.1", 5)]
    assert asyncio.run(resolve("moving.example", 5)) == [("192.0.2.2", 5)]
