"""What `tcp client` takes and refuses."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from halfopen.systems.tcp_client import TcpClient


def test_each_connection_needs_a_port_from_the_first_on() -> None:
    fits = {"to": "server", "connections": 30, "local port": 65506}
    assert TcpClient.model_validate(fits).model_dump()["local_port"] == 65506
    with pytest.raises(ValidationError, match="start at 65506 or below"):
        TcpClient.model_validate(fits | {"local port": 65507})
