"""TLS from the first byte: who the peer must be, and how that is checked.

RELP has no STARTTLS in practice: a port speaks TLS or it does not. The modes have rsyslog's names.

`anon`
    Nobody is checked: protection against listeners, not against a peer that pretends. Without a
    certificate of its own a side uses anonymous Diffie-Hellman, which exists up to TLS 1.2 only and
    which OpenSSL allows at security level 0 only; a client also takes a server that shows a
    certificate, and looks at none of it.
`certvalid`
    The certificate must be signed by an authority in `ca`. Who it belongs to does not matter.
`name`
    As `certvalid`, and a name in it must be permitted: DNS names and addresses of the
    subjectAltName, and the common name.
`fingerprint`
    The digest of the certificate must be permitted. A client needs no `ca` for this. A server does:
    Python's `ssl` has no way to ask for a client's certificate and not to verify it, so `ca` must
    hold the authority, or the self-signed certificates themselves.
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from relpio.errors import ConfigurationError, PeerRefusedError
from relpio.net.peers import fingerprint_of, matches, names_of, parse_fingerprint

__all__ = ["VERSIONS", "AuthMode", "TlsSettings"]

AuthMode = Literal["anon", "certvalid", "name", "fingerprint"]

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
"""Versions of TLS that may be asked for. Older ones are broken (RFC 8996)."""

_ANONYMOUS = "aNULL:!eNULL:@SECLEVEL=0"
# A server of GnuTLS that has no certificate takes the first suite that the client names, and hangs
# up when that one needs a certificate.
_ANONYMOUS_FIRST = "aNULL:HIGH:!eNULL:@SECLEVEL=0"
_ANONYMOUS_LAST = "HIGH:+aNULL:!eNULL:@SECLEVEL=0"

# The group ffdhe2048 of RFC 7919, appendix A.1: what a server without a certificate proposes.
_FFDHE2048 = """\
-----BEGIN DH PARAMETERS-----
MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
+8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==
-----END DH PARAMETERS-----
"""


@dataclass(frozen=True, kw_only=True)
class TlsSettings:
    """How one side speaks TLS. The same class serves both roles; the contexts differ.

    Attributes:
        auth_mode: what is asked of the peer's certificate.
        ca: file with the certificates of the authorities (PEM).
        crl: file with the revocation lists of these authorities (PEM). Without the list of the one
            that signed a peer's certificate, or with one that has expired, the peer is refused.
        certificate: own certificate, with its chain (PEM).
        key: its private key (PEM); by default it is in the same file.
        permitted_peers: names (mode `name`, with `*` for a part of one label) or fingerprints (mode
            `fingerprint`, such as `SHA256:0A:...`); one must match. A client in mode `name` without
            any permits the name of its target.
        minimum: lowest version, `1.2` or `1.3`.
        maximum: highest version; None for the library's.
        ciphers: OpenSSL cipher list for TLS 1.2; None for the library's. It cannot change those of
            TLS 1.3.
    """

    auth_mode: AuthMode = "anon"
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    crl: Path | None = None
    permitted_peers: Sequence[str] = ()
    minimum: str = "1.2"
    maximum: str | None = None
    ciphers: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot work, or would check less than it seems to."""
        if self.auth_mode not in get_args(AuthMode):
            modes = ", ".join(get_args(AuthMode))
            raise ConfigurationError(f"TLS mode {self.auth_mode!r}: must be one of {modes}")
        for version in filter(None, (self.minimum, self.maximum)):
            if version not in VERSIONS:
                raise ConfigurationError(f"TLS version {version!r}: must be 1.2 or 1.3")
        if self.maximum is not None and self.maximum < self.minimum:
            raise ConfigurationError(
                f"TLS versions: the lowest, {self.minimum}, is above the highest, {self.maximum}"
            )
        if self.key is not None and self.certificate is None:
            raise ConfigurationError("a TLS key was given without its certificate")
        if self.auth_mode in ("certvalid", "name") and self.ca is None:
            raise ConfigurationError(
                f"TLS mode {self.auth_mode} needs a file of authorities to check the peer against"
            )
        if self.crl is not None and self.auth_mode not in ("certvalid", "name"):
            raise ConfigurationError(
                f"TLS mode {self.auth_mode} ignores revocation lists; only certvalid and name use "
                "them"
            )
        if self.permitted_peers and self.auth_mode not in ("name", "fingerprint"):
            raise ConfigurationError(
                f"TLS mode {self.auth_mode} ignores permitted peers; only name and fingerprint "
                "use them"
            )
        if self.auth_mode == "fingerprint":
            if not self.permitted_peers:
                raise ConfigurationError("TLS mode fingerprint needs the permitted fingerprints")
            for text in self.permitted_peers:
                parse_fingerprint(text)
        if self._anonymous and self.minimum == "1.3":
            raise ConfigurationError("TLS 1.3 has no anonymous ciphers: it needs a certificate")

    def client_context(self) -> ssl.SSLContext:
        """Make the context of a sender.

        Raises:
            ConfigurationError: a file or the cipher list is of no use; the text names it.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False  # `check_peer` does, in all modes and with better words
        # Without verification the certificate can be had all the same, so nothing else is needed.
        verified = self.auth_mode in ("certvalid", "name")
        context.verify_mode = ssl.CERT_REQUIRED if verified else ssl.CERT_NONE
        self._set_up(context, _ANONYMOUS_FIRST)
        return context

    def server_context(self) -> ssl.SSLContext:
        """Make the context of a receiver.

        Raises:
            ConfigurationError: a file or the cipher list is of no use, or something is missing
                that a server needs.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if self.auth_mode != "anon":
            if self.certificate is None:
                raise ConfigurationError(
                    f"TLS mode {self.auth_mode} needs a certificate of its own at a receiver"
                )
            if self.ca is None:
                raise ConfigurationError(
                    "TLS mode fingerprint at a receiver needs a file of authorities, or of the "
                    "senders' self-signed certificates"
                )
            context.verify_mode = ssl.CERT_REQUIRED
        if self.auth_mode == "name" and not self.permitted_peers:
            raise ConfigurationError("TLS mode name at a receiver needs the permitted names")
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
        self._set_up(context, _ANONYMOUS if self.certificate is None else _ANONYMOUS_LAST)
        if self._anonymous:
            _load_group(context)
        return context

    def check_peer(self, ssl_object: Any, *, target: str | None = None) -> None:
        """Check the certificate of a peer whose handshake is over.

        Args:
            ssl_object: an `ssl.SSLObject` or `ssl.SSLSocket`.
            target: host that a client wanted; permitted in mode `name` when nothing else is.

        Raises:
            PeerRefusedError: it is not permitted.
        """
        if self.auth_mode == "fingerprint":
            self._check_fingerprint(ssl_object.getpeercert(binary_form=True))
        elif self.auth_mode == "name":
            names = names_of(ssl_object.getpeercert() or {})
            permitted = tuple(self.permitted_peers) or ((target,) if target else ())
            if not any(matches(pattern, name) for pattern in permitted for name in names):
                raise PeerRefusedError(
                    f"the peer's certificate is for {_listed(names)}; "
                    f"permitted is {_listed(permitted)}"
                )
        # In mode certvalid the library has checked all there is to check, in its handshake.

    @property
    def _anonymous(self) -> bool:
        return self.auth_mode == "anon" and self.certificate is None

    def _check_fingerprint(self, certificate: bytes | None) -> None:
        if certificate is None:
            raise PeerRefusedError("the peer presented no certificate")
        permitted = [parse_fingerprint(text) for text in self.permitted_peers]
        if any(hashlib.new(name, certificate).digest() == digest for name, digest in permitted):
            return
        kinds = dict.fromkeys(name for name, _ in permitted)
        shown = ", ".join(fingerprint_of(certificate, kind) for kind in kinds)
        raise PeerRefusedError(f"the peer's certificate has the fingerprint {shown}: not permitted")

    def _set_up(self, context: ssl.SSLContext, anonymous_ciphers: str) -> None:
        context.minimum_version = VERSIONS[self.minimum]
        if self._anonymous:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        elif self.maximum is not None:
            context.maximum_version = VERSIONS[self.maximum]
        ciphers = self.ciphers or (anonymous_ciphers if self.auth_mode == "anon" else None)
        if ciphers is not None:
            try:
                context.set_ciphers(ciphers)
            except ssl.SSLError:
                raise ConfigurationError(
                    f"TLS ciphers {ciphers!r}: OpenSSL knows none of them (see openssl ciphers)"
                ) from None
        if self.ca is not None:
            _load(self.ca, "authorities", lambda: context.load_verify_locations(self.ca))
            # A certificate in the file is trusted as it is, be it an authority's or a peer's own.
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        if self.crl is not None:
            _load_crl(context, self.crl)
        if self.certificate is not None:
            chain, key = self.certificate, self.key
            _load(chain, "certificate", lambda: context.load_cert_chain(chain, key, _no_password))


def _load(path: Path, what: str, load: Any) -> None:
    try:
        load()
    except ssl.SSLError as error:
        reason = error.reason or str(error)
        raise ConfigurationError(f"TLS {what} {path}: {reason.lower().replace('_', ' ')}") from None
    except OSError as error:
        raise ConfigurationError(f"TLS {what} {path}: {error.strerror or error}") from None


def _load_crl(context: ssl.SSLContext, path: Path) -> None:
    _load(path, "revocation list", lambda: context.load_verify_locations(path))
    if not context.cert_store_stats()["crl"]:
        raise ConfigurationError(f"TLS revocation list {path}: there is none in this file")
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF


def _no_password() -> str:
    # OpenSSL would ask on the terminal, which a daemon does not have.
    raise ConfigurationError("the TLS key is encrypted; relpio needs it without a pass phrase")


def _load_group(context: ssl.SSLContext) -> None:
    # The library takes a file only.  Needed here alone, and slow to load.
    import tempfile

    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(_FFDHE2048)
        file.flush()
        context.load_dh_params(file.name)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if names else "nobody"
