"""The inputs of `relpio send` that listen: on addresses, on paths, and on sockets of systemd."""

from __future__ import annotations

import socket
from functools import partial
from pathlib import Path
from typing import Any

from relpio.inputs.base import Flow, Input
from relpio.inputs.connections import ConnectionInput, ConnectionSettings
from relpio.inputs.datagrams import DatagramInput
from relpio.logs import Log
from relpio.net.addresses import format_address
from relpio.net.listening import bound_internet, bound_unix, remove_unix
from relpio.net.passed import PassedAddress, PassedSockets

__all__ = ["listen"]

_ALL = "all"


def listen(options: Any, limit: int, log: Log, inputs: list[Input]) -> None:
    """Append the inputs that listen; addresses are bound here.

    Args:
        options: of `relpio send`.
        limit: bytes of a message.
        log: is told where they listen.
        inputs: get those that could be opened also if another one cannot.

    Raises:
        ConfigurationError: the path of a Unix socket is taken, or too long.
        OSError: an address cannot be used, or no such socket was passed.
    """
    settings = ConnectionSettings(
        max_line=limit,
        framing=options.framing,
        max_connections=options.max_connections,
        idle_timeout=options.input_idle_timeout,
        keepalive=options.input_keepalive,
    )
    for host, port in options.listen_tcp:
        sock = bound_internet(host, port, socket.SOCK_STREAM)
        name = _listening("tcp", sock, log)
        inputs.append(ConnectionInput(sock, name, settings, log=log))
    for host, port in options.listen_udp:
        sock = bound_internet(host, port, socket.SOCK_DGRAM)
        name = _listening("udp", sock, log)
        inputs.append(DatagramInput(sock, name, flow="none", max_line=limit, log=log))
    for path in options.listen_unix:
        sock = bound_unix(path, socket.SOCK_DGRAM, options.unix_mode)
        closing = partial(remove_unix, sock, path, path.lstat().st_ino)
        name = _listening_at("unix", path, log)
        inputs.append(
            DatagramInput(sock, name, flow="light", max_line=limit, log=log, on_close=closing)
        )
    for path in options.listen_unix_stream:
        sock = bound_unix(path, socket.SOCK_STREAM, options.unix_mode)
        closing = partial(remove_unix, sock, path, path.lstat().st_ino)
        name = _listening_at("unix-stream", path, log)
        inputs.append(ConnectionInput(sock, name, settings, log=log, on_close=closing))
    passed = PassedSockets() if options.listen_systemd else None
    # Those with a name first: `all` means what is left.
    for name in sorted(options.listen_systemd, key=lambda each: str(each) == _ALL):
        assert passed is not None
        for sock in passed.take_any(PassedAddress("" if name == _ALL else name)):
            inputs.append(_of_passed(sock, settings, log))


def _of_passed(sock: socket.socket, settings: ConnectionSettings, log: Log) -> Input:
    local, stream = sock.family == socket.AF_UNIX, sock.type == socket.SOCK_STREAM
    if local:
        name = _listening_at("unix-stream" if stream else "unix", sock.getsockname(), log)
    else:
        name = _listening("tcp" if stream else "udp", sock, log)
    if stream:
        return ConnectionInput(sock, name, settings, log=log)
    flow: Flow = "light" if local else "none"
    return DatagramInput(sock, name, flow=flow, max_line=settings.max_line, log=log)


def _listening(kind: str, sock: socket.socket, log: Log) -> str:
    address = sock.getsockname()
    log("input-listening", input=kind, address=address[0], port=address[1])
    return f"{kind} {format_address(address)}"


def _listening_at(kind: str, path: Path | str, log: Log) -> str:
    log("input-listening", input=kind, path=str(path))
    return f"{kind} {path}"
