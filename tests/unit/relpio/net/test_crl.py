"""Revocation lists: who is in one is refused, and so is who cannot be looked up."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from relpio.command.main import main
from relpio.errors import ConfigurationError
from relpio.net.tls import TlsSettings

from ..doubles import OPEN, Events, Memory, receiving, run


class Authority:
    """An authority, a client's certificate and a server's, and revocation lists."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.authority = trustme.CA()
        self.ca = directory / "ca.pem"
        self.authority.cert_pem.write_to_path(str(self.ca))
        self.server = self._issue("loghost.example.org")
        self.client = self._issue("web1.example.org")

    def _issue(self, name: str) -> Path:
        path = self.directory / f"{name}.pem"
        self.authority.issue_cert(name).private_key_and_cert_chain_pem.write_to_path(str(path))
        return path

    def revoke(self, *certificates: Path, days: int = 1) -> Path:
        issuer = x509.load_pem_x509_certificate(self.ca.read_bytes())
        key = serialization.load_pem_private_key(self.authority.private_key_pem.bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        now = datetime.now(UTC)
        crl = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(issuer.subject)
            .last_update(now - timedelta(days=2))
            .next_update(now + timedelta(days=days))
        )
        for path in certificates:
            serial = x509.load_pem_x509_certificates(path.read_bytes())[0].serial_number
            crl = crl.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build()
            )
        made = self.directory / "crl.pem"
        made.write_bytes(crl.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return made


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def settings(authority: Authority, own: Path, crl: Path | None) -> TlsSettings:
    return TlsSettings(auth_mode="certvalid", ca=authority.ca, certificate=own, crl=crl)


async def talk(authority: Authority, port: int) -> bytes:
    context = settings(authority, authority.client, None).client_context()
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        writer.write(OPEN + b"2 syslog 5 hello\n3 close 0\n")
        return await reader.read()
    except OSError:
        return b""
    finally:
        writer.transport.abort()


def test_a_client_in_the_list_is_refused_from_the_next_reload_on(authority: Authority) -> None:
    async def work() -> None:
        log, output = Events(), Memory()
        tls = settings(authority, authority.server, authority.revoke())
        async with receiving(output, log=log, tls=tls) as receiver:
            assert b"2 rsp 6 200 OK\n" in await talk(authority, receiver.address[1])
            authority.revoke(authority.client)
            receiver.reload()
            assert await talk(authority, receiver.address[1]) == b""
            assert "revoked" in log.of("session-refused")[0]["detail"]
            authority.revoke(days=-1)  # nobody is in it, but it may have been replaced since
            receiver.reload()
            assert await talk(authority, receiver.address[1]) == b""
            assert "expired" in log.of("session-refused")[1]["detail"]
        assert output.data == b"hello\n"

    run(work)


def test_a_sender_refuses_a_server_in_the_list(authority: Authority) -> None:
    async def work() -> None:
        tls = settings(authority, authority.server, None)
        async with receiving(tls=tls) as receiver:
            for revoked in ([], [authority.server]):
                crl = authority.revoke(*revoked)
                context = settings(authority, authority.client, crl).client_context()
                try:
                    _, writer = await asyncio.open_connection(*receiver.address, ssl=context)
                    writer.transport.abort()
                    assert not revoked
                except ssl.SSLCertVerificationError as error:
                    assert revoked
                    assert "revoked" in str(error)

    run(work)


def test_files_and_modes_that_are_of_no_use(
    authority: Authority, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigurationError, match="there is none in this file"):
        settings(authority, authority.server, authority.ca).server_context()
    with pytest.raises(ConfigurationError, match=r"TLS revocation list .*: No such file"):
        settings(authority, authority.server, tmp_path / "nothing").server_context()
    with pytest.raises(ConfigurationError, match="only certvalid and name use them"):
        TlsSettings(auth_mode="anon", crl=authority.ca)
    config = tmp_path / "relpio.toml"
    config.write_text(
        '[receive]\nlisten = "[::1]:0"\noutput = "-"\npermitted-network = ["192.0.2.0/24"]\n'
        f'[receive.tls]\ntls = true\ntls-auth = "certvalid"\ntls-ca = "{authority.ca}"\n'
        f'tls-cert = "{authority.server}"\ntls-crl = "{authority.ca}"\n'
    )
    assert main(["check-config", str(config)]) == 2
    said = capsys.readouterr().err
    assert f"[receive] TLS revocation list {authority.ca}: there is none in this file" in said
