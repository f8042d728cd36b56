"""Socket options."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from relpio import (
    ConfigurationError,
    Keepalive,
)
from relpio.net.sockopts import set_keepalive, set_user_timeout

if TYPE_CHECKING:
    pass


def test_keepalive_and_user_timeout_reach_the_kernel() -> None:
    with socket.socket() as sock:
        set_keepalive(sock, None)
        set_user_timeout(sock, None)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 0
        default = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
        set_keepalive(sock, Keepalive(None, None, None))
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == default
        set_keepalive(sock, Keepalive(32767, 3, 127))
        set_user_timeout(sock, 1.2345)
        found = [
            sock.getsockopt(socket.IPPROTO_TCP, option)
            for option in (
                socket.TCP_KEEPIDLE,
                socket.TCP_KEEPINTVL,
                socket.TCP_KEEPCNT,
                socket.TCP_USER_TIMEOUT,
            )
        ]
        assert found == [32767, 3, 127, 1234]


@pytest.mark.parametrize("bad", [(0, 10, 6), (60, 40000, 6), (60, 10, 200)])
def test_keepalive_is_checked(bad: tuple[int, int, int]) -> None:
    with pytest.raises(ConfigurationError):
        Keepalive(*bad)
