"""TLS: settings, permitted peers, and sender and receiver as commands, each mode, both refusals."""

from __future__ import annotations

import hashlib
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from relpio.errors import ConfigurationError, PeerRefusedError
from relpio.net.peers import fingerprint_of, matches, names_of, parse_fingerprint
from relpio.net.tls import AuthMode, TlsSettings

if TYPE_CHECKING:
    from tests.unit.relpio.conftest import RelpioProcess

Start = Callable[..., "RelpioProcess"]


class Files(NamedTuple):
    """An authority, the certificates of two peers that it signed, and a stranger's."""

    ca: Path
    server: Path
    client: Path
    stranger: Path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    directory = tmp_path_factory.mktemp("certificates")
    paths = Files(*(directory / f"{name}.pem" for name in Files._fields))
    authority, other = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(paths.ca)
    server = authority.issue_cert("loghost.example.org", "127.0.0.1", common_name="loghost")
    server.private_key_and_cert_chain_pem.write_to_path(paths.server)
    client = authority.issue_cert("web1.example.org", common_name="web1.example.org")
    client.private_key_and_cert_chain_pem.write_to_path(paths.client)
    stranger = other.issue_cert("loghost.example.org", "127.0.0.1")
    stranger.private_key_and_cert_chain_pem.write_to_path(paths.stranger)
    return paths


def fingerprint(path: Path, kind: str) -> str:
    return fingerprint_of(ssl.PEM_cert_to_DER_cert(first_certificate(path)), kind)


def first_certificate(path: Path) -> str:
    text, end = path.read_text(), "-----END CERTIFICATE-----\n"
    return text[text.index("-----BEGIN CERTIFICATE-----") : text.index(end) + len(end)]


def handshake(
    client: TlsSettings, server: TlsSettings
) -> tuple[ssl.SSLObject, ssl.SSLObject, list[ssl.SSLError]]:
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = client.client_context().wrap_bio(back, there, server_hostname="loghost.example.org")
    two = server.server_context().wrap_bio(there, back, server_side=True)
    faults: list[ssl.SSLError] = []
    for _ in range(6):
        for side in (one, two):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as error:
                faults.append(error)
    return one, two, faults


def test_anonymous_has_no_certificate_and_is_encrypted() -> None:
    one, _, faults = handshake(TlsSettings(), TlsSettings())
    assert not faults
    assert one.version() == "TLSv1.2"
    cipher = one.cipher()
    assert cipher is not None
    assert cipher[0].startswith("ADH-AES")
    assert one.getpeercert(binary_form=True) is None


def test_a_client_without_checks_takes_a_server_with_a_certificate(files: Files) -> None:
    one, _, faults = handshake(TlsSettings(), TlsSettings(certificate=files.server))
    assert not faults
    assert one.getpeercert(binary_form=True) is not None


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("mode", ["certvalid", "name", "fingerprint"])
def test_each_mode_in_each_version(files: Files, mode: AuthMode, version: str) -> None:
    client_wants = {
        "certvalid": (),
        "name": ("*.example.org",),
        "fingerprint": (fingerprint(files.server, "sha1"),),
    }[mode]
    server_wants = {
        "certvalid": (),
        "name": ("nobody", "WEB*.example.org"),
        "fingerprint": (fingerprint(files.client, "sha256"),),
    }[mode]
    client = TlsSettings(
        auth_mode=mode, ca=files.ca, certificate=files.client, permitted_peers=client_wants,
        minimum=version, maximum=version,
    )  # fmt: skip
    server = TlsSettings(
        auth_mode=mode, ca=files.ca, certificate=files.server, permitted_peers=server_wants,
    )  # fmt: skip
    one, two, faults = handshake(client, server)
    assert not faults
    assert one.version() == f"TLSv{version}"
    client.check_peer(one)
    server.check_peer(two)


def test_a_name_is_that_of_the_target_when_nothing_else_is_permitted(files: Files) -> None:
    client = TlsSettings(auth_mode="name", ca=files.ca)
    one, _, _ = handshake(client, TlsSettings(certificate=files.server))
    for target in ("loghost.example.org", "127.0.0.1", "loghost"):
        client.check_peer(one, target=target)
    with pytest.raises(PeerRefusedError, match=r"is for loghost\.example\.org, .*permitted is web"):
        client.check_peer(one, target="web.example.org")


def test_a_fingerprint_that_is_not_permitted_is_shown(files: Files) -> None:
    wrong = "SHA1:" + ":".join(["00"] * 20)
    client = TlsSettings(auth_mode="fingerprint", permitted_peers=[wrong])
    one, _, _ = handshake(client, TlsSettings(certificate=files.stranger))
    with pytest.raises(PeerRefusedError, match=fingerprint(files.stranger, "sha1")):
        client.check_peer(one)


def test_a_peer_without_a_certificate_has_no_fingerprint() -> None:
    one, _, _ = handshake(TlsSettings(), TlsSettings())
    settings = TlsSettings(auth_mode="fingerprint", permitted_peers=["SHA1:" + "00" * 20])
    with pytest.raises(PeerRefusedError, match="no certificate"):
        settings.check_peer(one)


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("loghost.example.org", "LOGHOST.example.org.", True),
        ("*.example.org", "a.example.org", True),
        ("*.example.org", "example.org", False),
        ("*.example.org", "a.b.example.org", False),
        ("web*.example.org", "web12.example.org", True),
        ("web*.example.org", "ftp.example.org", False),
        ("a.example.org", "aXexample.org", False),
        ("*", "a.example.org", False),
        ("::1", "0:0:0:0:0:0:0:1", True),
        ("192.0.2.1", "192.0.2.11", False),
    ],
)
def test_permitted_names(pattern: str, name: str, expected: bool) -> None:
    assert matches(pattern, name) == expected


@given(st.text("ab.*", max_size=8), st.text("ab.", max_size=8))
def test_a_star_never_crosses_a_dot(pattern: str, name: str) -> None:
    if matches(pattern, name):
        assert pattern.rstrip(".").count(".") == name.rstrip(".").count(".")
    if "*" not in pattern:
        assert matches(pattern, name) == (pattern.rstrip(".") == name.rstrip("."))


def test_names_of_a_certificate() -> None:
    certificate = {
        "subject": ((("countryName", "XX"),), (("commonName", "c"),)),
        "subjectAltName": (("DNS", "a"), ("email", "x@y"), ("IP Address", "::1"), ("DNS", "c")),
    }
    assert names_of(certificate) == ["a", "::1", "c"]
    assert names_of({}) == []


@given(st.binary(max_size=40), st.sampled_from(["sha1", "sha256", "sha512"]))
def test_fingerprints(certificate: bytes, kind: str) -> None:
    digest = hashlib.new(kind, certificate).digest()
    written = fingerprint_of(certificate, kind)
    assert parse_fingerprint(written) == (kind, digest)
    assert parse_fingerprint(written.lower().replace(":", "").replace(kind, f"{kind}:")) == (
        kind, digest,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "DIGEST:AB"), ("AB:CD", "DIGEST:AB|one of"), ("MD5:00", "must be one of SHA1"),
     ("SHA256:00:11", "has 2 bytes; SHA256 makes 32"), ("SHA1:0", "DIGEST:AB")],
)  # fmt: skip
def test_fingerprints_say_what_is_wrong(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        parse_fingerprint(text)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"auth_mode": "x"}, "must be one of anon"),
        ({"minimum": "1.1"}, "1.2 or 1.3"),
        ({"minimum": "1.3", "maximum": "1.2", "certificate": Path("x")}, "is above"),
        ({"minimum": "1.3"}, "no anonymous"),
        ({"key": Path("x")}, "without its certificate"),
        ({"auth_mode": "name"}, "file of authorities"),
        ({"permitted_peers": ("a",)}, "ignores permitted peers"),
        ({"auth_mode": "fingerprint"}, "needs the permitted fingerprints"),
    ],
)
def test_settings_say_what_is_missing(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        TlsSettings(**settings)  # type: ignore[arg-type]


def test_files_that_are_of_no_use_are_named(files: Files, tmp_path: Path) -> None:
    rubbish = tmp_path / "rubbish.pem"
    rubbish.write_text("no certificate")
    for settings in (
        TlsSettings(auth_mode="certvalid", ca=rubbish),
        TlsSettings(auth_mode="certvalid", ca=tmp_path / "missing.pem"),
        TlsSettings(certificate=rubbish),
    ):
        with pytest.raises(ConfigurationError, match=str(tmp_path)):
            settings.client_context()
    with pytest.raises(ConfigurationError, match="knows none of them"):
        TlsSettings(ciphers="nonsense").client_context()
    for settings in (
        TlsSettings(auth_mode="certvalid", ca=files.ca),
        TlsSettings(auth_mode="name", ca=files.ca, certificate=files.server),
        TlsSettings(
            auth_mode="fingerprint", certificate=files.server,
            permitted_peers=[fingerprint(files.client, "sha1")],
        ),
    ):  # fmt: skip
        with pytest.raises(ConfigurationError, match="at a receiver"):
            settings.server_context()


def test_an_encrypted_key_does_not_ask_on_the_terminal(files: Files, tmp_path: Path) -> None:
    locked = tmp_path / "locked.pem"
    subprocess.run(
        ["openssl", "ec", "-aes128", "-passout", "pass:secret", "-in", files.server, "-out",
         locked],
        check=True, capture_output=True,
    )  # fmt: skip
    settings = TlsSettings(certificate=files.server, key=locked)
    with pytest.raises(ConfigurationError, match="without a pass phrase"):
        settings.client_context()


def start_pair(
    relpio: Start, output: Path, receive: list[str], send: list[str]
) -> tuple[RelpioProcess, RelpioProcess]:
    receiver = relpio(
        "receive", "--listen", "127.0.0.1:0", "--output", str(output), *receive
    )  # fmt: skip
    event = receiver.wait_event("listening")
    sender = relpio(
        "send", "--target", f"127.0.0.1:{event['port']}", "--backoff", "0.05/0.1", *send,
        stdin=subprocess.PIPE,
    )  # fmt: skip
    return receiver, sender


def test_commands_speak_tls(relpio: Start, files: Files, tmp_path: Path) -> None:
    ca, server, client = (["--tls-ca", str(files.ca)], ["--tls-cert", str(files.server)],
                          ["--tls-cert", str(files.client)])  # fmt: skip
    print_of = fingerprint(files.server, "sha256")
    cases = {
        "anon": (["--tls"], ["--tls"]),
        "name": (
            ["--tls", *ca, *server, "--tls-auth", "name", "--tls-permitted-peer", "web1.*.org"],
            ["--tls", *ca, *client, "--tls-auth", "name"],
        ),
        "fingerprint": (
            ["--tls", *server],
            ["--tls", "--tls-auth", "fingerprint", "--tls-permitted-peer", print_of],
        ),
    }
    for name, (receive, send) in cases.items():
        output = tmp_path / name
        receiver, sender = start_pair(relpio, output, receive, send)
        sender.feed(b"a\nb\n")
        assert sender.wait() == 0, name
        assert output.read_bytes() == b"a\nb\n"
        assert receiver.terminate() == 0


@pytest.mark.parametrize(
    ("receive", "send", "words"),
    [
        ("server", ["--tls-auth", "certvalid", "--tls-ca", "ca"], None),
        ("stranger", ["--tls-auth", "certvalid", "--tls-ca", "ca"], "certificate is not valid"),
        (
            "server",
            ["--tls-auth", "name", "--tls-ca", "ca", "--tls-permitted-peer", "x.example.org"],
            "permitted is x.example.org",
        ),
        (
            "server",
            ["--tls-auth", "fingerprint", "--tls-permitted-peer", "SHA1:" + "00" * 20],
            "not permitted",
        ),
        ("", [], "does not speak TLS"),
    ],
)
def test_a_sender_says_why_it_refuses(
    relpio: Start, files: Files, tmp_path: Path, receive: str, send: list[str], words: str | None
) -> None:
    paths = files._asdict()
    options = [str(paths.get(word, word)) for word in send]
    _, sender = start_pair(
        relpio, tmp_path / "out",
        ["--tls", "--tls-cert", str(paths[receive])] if receive else [], ["--tls", *options],
    )  # fmt: skip
    sender.feed(b"secret\n")
    if words is None:
        assert sender.wait() == 0
        return
    lost = sender.wait_event("session-lost")
    assert lost["reason"] == "tls-failed"
    assert words in lost["detail"]
    assert sender.terminate() == 1
    assert (tmp_path / "out").read_bytes() == b""


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_sender_that_is_refused_says_so(
    relpio: Start, files: Files, tmp_path: Path, version: str
) -> None:
    receive = ["--tls", "--tls-auth", "certvalid", "--tls-cert", str(files.server), "--tls-ca",
               str(files.ca)]  # fmt: skip
    cert = ["--tls-cert", str(files.stranger)]
    receiver, sender = start_pair(
        relpio, tmp_path / "out", receive, ["--tls", *cert, "--tls-max", version]
    )
    sender.feed(b"secret\n")
    lost = sender.wait_event("session-lost")
    # asyncio's server cuts the connection without the alert that would say more.
    assert lost["reason"] in ("tls-failed", "eof", "reset")
    assert "refused" in lost["detail"]
    assert sender.terminate() == 1
    assert receiver.terminate() == 0
