"""What `tcp client` takes and refuses."""

from __future__ import annotations

import resource

import pytest
from pydantic import ValidationError

from halfopen.systems.tcp_client import TcpClient


def test_each_connection_needs_a_port_from_the_first_on() -> None:
    fits = {"to": "server", "connections": 30, "local port": 65506}
    assert TcpClient.model_validate(fits).model_dump()["local_port"] == 65506
    with pytest.raises(ValidationError, match="start at 65506 or below"):
        TcpClient.model_validate(fits | {"local port": 65507})


def test_more_connections_than_descriptors_are_not_supported_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def limited(_: int) -> tuple[int, int]:
        return 256, 1024

    monkeypatch.setattr(resource, "getrlimit", limited)
    assert TcpClient.model_validate({"to": "server", "connections": 992}).missing() == ()
    (reason,) = TcpClient.model_validate({"to": "server", "connections": 993}).missing()
    assert reason == (
        "993 connections need 1025 file descriptors, but a program here may have 1024 "
        "(`ulimit -Hn`)"
    )
