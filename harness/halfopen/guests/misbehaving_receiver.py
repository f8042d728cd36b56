"""A RELP receiver that does what no receiver should; it acknowledges no message, ever.

    python -m halfopen.guests.misbehaving_receiver BEHAVIOUR ADDRESS:PORT...

Frames and offers: https://github.com/rsyslog/librelp/blob/master/doc/relp.html ("The Reliable
Event Logging Protocol").  On standard error it says, as JSON lines, that it is `listening`, and
each connection that it has `accepted`.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

_FRAME = re.compile(rb"(\d{1,9}) ([a-z]{1,32}) (\d{1,9})(?=[ \n])")
_OFFERS = b"200 OK\nrelp_version=0\nrelp_software=misbehaving\ncommands=syslog"
_REFUSAL = b"500 misbehaving"
_READ = 65536
_SLOW_OCTETS, _SLOW_S = 16, 1.0
_SMALL_BUFFER = 2304  # the least that Linux gives (socket(7), SO_RCVBUF)

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def _frames(reader: asyncio.StreamReader) -> AsyncIterator[tuple[bytes, bytes]]:
    """(txnr, command) of every frame, until there are no more or they are none."""
    data = b""
    while True:
        match = _FRAME.match(data)
        if match is not None:
            size = match.end() + int(match[3]) + (2 if int(match[3]) else 1)
            while len(data) < size:
                more = await reader.read(_READ)
                if not more:
                    return
                data += more
            yield match[1], match[2]
            data = data[size:]
            continue
        if b"\n" in data or not (more := await reader.read(_READ)):
            return
        data += more


def _answer(writer: asyncio.StreamWriter, txnr: bytes, text: bytes) -> None:
    writer.write(b"%s rsp %d %s\n" % (txnr, len(text), text))


async def _read_on(reader: asyncio.StreamReader) -> None:
    while await reader.read(_READ):
        pass


async def _never_answers(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await _read_on(reader)


async def _acknowledges_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    async for txnr, command in _frames(reader):
        if command == b"open":
            _answer(writer, txnr, _OFFERS)


async def _answers_500(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    async for txnr, command in _frames(reader):
        _answer(writer, txnr, _OFFERS if command == b"open" else _REFUSAL)


async def _closes_at_once(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    return


async def _reads_slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    async for txnr, _ in _frames(reader):
        _answer(writer, txnr, _OFFERS)
        break
    while True:
        if not await reader.read(_SLOW_OCTETS):
            return
        await asyncio.sleep(_SLOW_S)


async def _sends_garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    octets = random.Random(2514)  # the same nonsense every time
    while await reader.read(_READ):
        writer.write(octets.randbytes(64) + b"\n")


BEHAVIOURS: dict[str, Behaviour] = {
    "never answers": _never_answers,
    "acknowledges nothing": _acknowledges_nothing,
    "answers 500": _answers_500,
    "closes at once": _closes_at_once,
    "reads slowly": _reads_slowly,
    "sends garbage": _sends_garbage,
}


def _say(event: str, **more: object) -> None:
    print(json.dumps({"event": event, **more}), file=sys.stderr, flush=True)  # noqa: T201


def listening_socket(address: str, small: bool) -> socket.socket:
    """A socket that listens on `HOST:PORT` or `[HOST]:PORT`.

    Args:
        address: where.
        small: it buffers next to nothing, so that who speaks must soon wait.
    """
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    if small:  # accepted sockets inherit it
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER)
    sock.bind((host.strip("[]"), int(port)))
    sock.listen(100)
    return sock


async def serve(does: str, sockets: list[socket.socket]) -> None:
    """Accept on `sockets`, and behave so, forever."""

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _say("accepted", peer=str(writer.get_extra_info("peername")))
        try:
            await BEHAVIOURS[does](reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    limit = _SLOW_OCTETS if does == "reads slowly" else _READ
    servers = [await asyncio.start_server(accepted, sock=sock, limit=limit) for sock in sockets]
    _say("listening")
    await asyncio.gather(*(server.serve_forever() for server in servers))


def main() -> None:
    """Behave as the first argument says at the addresses that follow."""
    does, *addresses = sys.argv[1:]
    asyncio.run(serve(does, [listening_socket(a, does == "reads slowly") for a in addresses]))


if __name__ == "__main__":
    main()
