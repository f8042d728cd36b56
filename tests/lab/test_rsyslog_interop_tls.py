"""relpio and rsyslog's own RELP modules over TLS: both ways, each mode, each library."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from relpio.net.peers import fingerprint_of
from tests.lab.rsyslogs import (
    COUNT,
    FROM_TCP,
    TO_FILE,
    Start,
    accepts,
    feed,
    free_port,
    log_over_tcp,
    messages,
    read_lines,
    wait_until,
)

pytestmark = pytest.mark.lab


MODES = ("anon", "name", "fingerprint")


class Certificates:
    """An authority, and for either side a certificate with its key in a file of its own."""

    def __init__(self, directory: Path) -> None:
        authority = trustme.CA()
        self.ca = directory / "ca.pem"
        authority.cert_pem.write_to_path(self.ca)
        self.cert: dict[str, Path] = {}
        self.key: dict[str, Path] = {}
        self.fingerprint: dict[str, str] = {}
        for side in ("rsyslog", "relpio"):
            leaf = authority.issue_cert(f"{side}.example.org", common_name=f"{side}.example.org")
            self.cert[side], self.key[side] = directory / f"{side}.pem", directory / f"{side}.key"
            leaf.cert_chain_pems[0].write_to_path(self.cert[side])
            leaf.private_key_pem.write_to_path(self.key[side])
            der = ssl.PEM_cert_to_DER_cert(self.cert[side].read_text())
            self.fingerprint[side] = fingerprint_of(der, "sha1")

    def of_rsyslog(self, mode: str) -> str:
        """Parameters of imrelp and omrelp."""
        if mode == "anon":
            return 'tls="on"'
        peer = "relpio.example.org" if mode == "name" else self.fingerprint["relpio"]
        return (
            f'tls="on" tls.authMode="{mode}" tls.caCert="{self.ca}" '
            f'tls.myCert="{self.cert["rsyslog"]}" tls.myPrivKey="{self.key["rsyslog"]}" '
            f'tls.permittedPeer=["{peer}"]'
        )

    def of_relpio(self, mode: str) -> list[str]:
        """Options of either command."""
        if mode == "anon":
            return ["--tls"]
        peer = "*.example.org" if mode == "name" else self.fingerprint["rsyslog"]
        return [
            "--tls", "--tls-auth", mode, "--tls-ca", str(self.ca),
            "--tls-cert", str(self.cert["relpio"]), "--tls-key", str(self.key["relpio"]),
            "--tls-permitted-peer", peer,
        ]  # fmt: skip


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.mark.parametrize("library", ["gnutls", "openssl"])
@pytest.mark.parametrize("mode", MODES)
def test_relpio_to_imrelp_over_tls(
    start_rsyslog: Start,
    start_relpio: Callable[..., subprocess.Popen[bytes]],
    certificates: Certificates,
    tmp_path: Path,
    mode: str,
    library: str,
) -> None:
    port, output = free_port(), tmp_path / "out"
    tls = certificates.of_rsyslog(mode)
    start_rsyslog(
        TO_FILE.format(
            directory=tmp_path, port=port, output=output, tls=tls,
            library=f'tls.tlslib="{library}"',
        )
    )  # fmt: skip
    wait_until(lambda: accepts(port))
    sender = start_relpio(
        "send", "--target", f"127.0.0.1:{port}", "--backoff", "0.1/1",
        *certificates.of_relpio(mode),
    )  # fmt: skip
    sent = messages(1, COUNT)
    feed(sender, sent)
    sender.communicate()
    assert sender.returncode == 0
    wait_until(lambda: len(read_lines(output)) >= COUNT)
    assert read_lines(output) == sent


@pytest.mark.parametrize("library", ["gnutls", "openssl"])
@pytest.mark.parametrize("mode", MODES)
def test_omrelp_to_relpio_over_tls(
    start_rsyslog: Start,
    start_relpio: Callable[..., subprocess.Popen[bytes]],
    certificates: Certificates,
    tmp_path: Path,
    mode: str,
    library: str,
) -> None:
    port, entry, output = free_port(), free_port(), tmp_path / "out"
    start_relpio(
        "receive", "--listen", f"127.0.0.1:{port}", "--output", str(output),
        *certificates.of_relpio(mode),
    )  # fmt: skip
    wait_until(lambda: accepts(port))
    tls = certificates.of_rsyslog(mode)
    start_rsyslog(
        FROM_TCP.format(
            directory=tmp_path, port=port, input=entry, tls=tls, library=f'tls.tlslib="{library}"'
        )
    )
    wait_until(lambda: accepts(entry))
    log_over_tcp(entry, messages(1, COUNT))
    wait_until(lambda: len(read_lines(output)) >= COUNT)
    assert read_lines(output) == messages(1, COUNT)
