"""A receiver that speaks TLS: who gets in, who does not and why, and who holds nobody up."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from relpio import Receiver, ReceiverSettings
from relpio.metrics.registry import Registry
from relpio.net.addresses import TcpAddress, UnixAddress
from relpio.net.tls import TlsSettings

from ..doubles import OPEN, Events, Memory

if TYPE_CHECKING:
    from tests.unit.relpio.conftest import Tools

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")


class Pair(NamedTuple):
    """A certificate that signs itself, and its key."""

    certificate: Path
    key: Path


@pytest.fixture(scope="module")
def make_pair(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Pair]:
    directory = tmp_path_factory.mktemp("tls")

    def make(name: str) -> Pair:
        pair = Pair(directory / f"{name}.pem", directory / f"{name}.key")
        if not pair.key.exists():
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650", "-subj", f"/CN={name}",
                 "-addext", f"subjectAltName=DNS:{name}", "-keyout", pair.key, "-out",
                 pair.certificate],
                check=True, capture_output=True,
            )  # fmt: skip
        return pair

    return make


@asynccontextmanager
async def receiving(
    tls: TlsSettings, output: Memory, log: Events, **settings: Any
) -> AsyncIterator[Receiver]:
    settings.setdefault("listen", [TcpAddress("127.0.0.1", 0)])
    receiver = Receiver(ReceiverSettings(tls=tls, **settings), output, log=log, registry=Registry())
    await receiver.start()
    try:
        yield receiver
    finally:
        await receiver.close(timeout=1.0)


def client_context(own: Pair | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if own is not None:
        context.load_cert_chain(own.certificate, own.key)
    return context


async def talk(port: int, context: ssl.SSLContext | None) -> bytes:
    """Open a session, send one message, and return everything that was answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        writer.write(OPEN + b"2 syslog 5 hello\n3 close 0\n")
        return await reader.read()
    finally:
        writer.transport.abort()


def test_messages_over_tls_and_plain_over_a_unix_socket(
    make_pair: Callable[[str], Pair], tmp_path: Path
) -> None:
    own = make_pair("loghost.example.org")

    async def main() -> None:
        output, log = Memory(), Events()
        tls = TlsSettings(certificate=own.certificate, key=own.key)
        unix = UnixAddress(str(tmp_path / "socket"))
        listen = [TcpAddress("127.0.0.1", 0), unix]
        async with receiving(tls, output, log, listen=listen) as receiver:
            answer = await talk(receiver.address[1], client_context())
            assert b"2 rsp 6 200 OK\n3 rsp 0\n" in answer
            reader, writer = await asyncio.open_unix_connection(unix.path)
            writer.write(OPEN + b"2 syslog 5 plain\n3 close 0\n")
            assert b"2 rsp 6 200 OK\n" in await reader.read()
            writer.close()
        assert output.data == b"hello\nplain\n"

    asyncio.run(main())


@pytest.mark.parametrize("mode", ["certvalid", "name", "fingerprint"])
def test_only_permitted_peers_are_served(
    make_pair: Callable[[str], Pair], tools: type[Tools], tmp_path: Path, mode: str
) -> None:
    own, friend, stranger = map(make_pair, ("loghost", "web1.example.org", "evil.example.com"))
    known = tmp_path / "known.pem"
    both = (friend, stranger) if mode != "certvalid" else (friend,)
    known.write_text("".join(pair.certificate.read_text() for pair in both))
    shown = ssl.PEM_cert_to_DER_cert(friend.certificate.read_text())
    permitted = {
        "certvalid": (),
        "name": ("*.example.org",),
        "fingerprint": (fingerprint(shown),),
    }[mode]

    async def main() -> None:
        output, log = Memory(), Events()
        tls = TlsSettings(
            auth_mode=mode, ca=known, certificate=own.certificate, key=own.key,  # type: ignore[arg-type]
            permitted_peers=permitted,
        )  # fmt: skip
        async with receiving(tls, output, log) as receiver:
            port = receiver.address[1]
            assert b"200 OK\n3 rsp 0\n" in await talk(port, client_context(friend))
            for bad in (stranger, None):
                try:
                    answer = await talk(port, client_context(bad))
                except OSError:
                    answer = b""
                assert b"rsp" not in answer
            await tools.eventually(lambda: len(log.of("session-refused")) == 2)
            first, second = log.of("session-refused")
            assert first["peer"].startswith("127.0.0.1:")
            if mode == "certvalid":
                assert first["reason"] == "tls-handshake"
                assert "not valid" in first["detail"]
            else:
                assert first["reason"] == "tls-peer"
                assert "permitted" in first["detail"]
            assert second["reason"] == "tls-handshake"
            assert second["detail"]
            await tools.eventually(lambda: receiver.sessions == 0)
            assert b"200 OK\n3 rsp 0\n" in await talk(port, client_context(friend))
        assert output.data == b"hello\nhello\n"
        assert len(log.of("session-open")) == 2
        assert log.of("session-lost") == []

    asyncio.run(main())


def fingerprint(certificate: bytes) -> str:
    import hashlib

    digest = hashlib.sha256(certificate).hexdigest().upper()
    return "SHA256:" + ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


def test_silent_and_plain_clients_hold_nobody_up(
    make_pair: Callable[[str], Pair], tools: type[Tools]
) -> None:
    own = make_pair("loghost")

    async def main() -> None:
        output, log = Memory(), Events()
        tls = TlsSettings(certificate=own.certificate, key=own.key)
        async with receiving(tls, output, log, handshake_timeout=1.0) as receiver:
            port = receiver.address[1]
            silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(30)]
            await tools.eventually(lambda: receiver.sessions == 30)
            # All of them still hang in the handshake when this is answered.
            assert b"2 rsp 6 200 OK\n" in await talk(port, client_context())
            assert log.of("session-refused") == []
            assert b"rsp" not in await talk(port, None)
            await tools.eventually(lambda: len(log.of("session-refused")) == 31)
            details = [event["detail"] for event in log.of("session-refused")]
            assert "does not speak TLS" in details[0]
            assert all("SSL handshake is taking longer" in each for each in details[1:])
            await tools.eventually(lambda: receiver.sessions == 0)
            for sock in silent:
                sock.close()

    asyncio.run(main())


def test_closing_does_not_wait_for_handshakes(
    make_pair: Callable[[str], Pair], tools: type[Tools]
) -> None:
    own = make_pair("loghost")

    async def main() -> None:
        tls = TlsSettings(certificate=own.certificate, key=own.key)
        log, limit = Events(), 30.0
        async with receiving(tls, Memory(), log, handshake_timeout=60.0) as receiver:
            sock = socket.create_connection(("127.0.0.1", receiver.address[1]))
            await tools.eventually(lambda: receiver.sessions == 1)
            start = asyncio.get_running_loop().time()
            await receiver.close(limit)
            assert asyncio.get_running_loop().time() - start < limit / 2
            assert receiver.sessions == 0
            sock.close()

    asyncio.run(main())


def test_one_process_listens_with_and_without_tls(make_pair: Callable[[str], Pair]) -> None:
    own = make_pair("loghost.example.org")

    async def main() -> None:
        output, log = Memory(), Events()
        tls = TlsSettings(certificate=own.certificate, key=own.key)
        plain = [TcpAddress("127.0.0.1", 0)]
        async with receiving(tls, output, log, listen_plain=plain):
            protected, open_to_all = [each["port"] for each in log.of("listening")]
            assert b"2 rsp 6 200 OK\n" in await talk(protected, client_context())
            assert b"2 rsp 6 200 OK\n" in await talk(open_to_all, None)
            with pytest.raises(OSError):
                await talk(open_to_all, client_context())
        assert output.data == b"hello\nhello\n"

    asyncio.run(main())
