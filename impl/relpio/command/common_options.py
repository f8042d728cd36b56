"""Options that both commands have: TCP timers, TLS, and how a program behaves."""

from __future__ import annotations

import argparse

from relpio.command import values
from relpio.command.options import Option
from relpio.errors import ConfigurationError
from relpio.net.tls import TlsSettings

__all__ = ["LOG_OPTIONS", "TCP_OPTIONS", "TLS_OPTIONS", "tls_settings"]

TCP_OPTIONS = (
    Option(
        "keepalive", "tcp", values.keepalive, "60/10/6", "IDLE/INTERVAL/PROBES",
        "TCP keepalive in whole seconds; on: the operating system's timers; off",
        live=True,
    ),
    Option(
        "user-timeout", "tcp", values.user_timeout, "off", "S",
        "TCP_USER_TIMEOUT: how long sent data may stay unacknowledged by the peer's kernel; "
        "resolution 1 ms",
        live=True,
    ),
)  # fmt: skip

TLS_OPTIONS = (
    Option("tls", "tls", values.switch, None, None, "speak TLS from the first byte"),
    Option(
        "tls-auth", "tls", values.choice("anon", "certvalid", "name", "fingerprint"), "anon",
        "MODE",
        "what the peer must present: anon: nothing; certvalid: a certificate issued by an "
        "authority in --tls-ca; name: one with a permitted name; fingerprint: a permitted "
        "certificate",
        live=True,
    ),
    Option(
        "tls-ca", "tls", values.path, None, "FILE", "certificates of the authorities (PEM)",
        live=True,
    ),
    Option(
        "tls-crl", "tls", values.path, None, "FILE",
        "revocation lists of these authorities (PEM); a peer whose certificate is in one, or whose "
        "authority has none there that is valid, is refused",
        live=True,
    ),
    Option(
        "tls-cert", "tls", values.path, None, "FILE",
        "own certificate and its chain (PEM); without one, mode anon uses only anonymous "
        "ciphers of TLS 1.2",
        live=True,
    ),
    Option(
        "tls-key", "tls", values.path, None, "FILE",
        "its private key (PEM), not encrypted; by default in the file of the certificate",
        live=True,
    ),
    Option(
        "tls-permitted-peer", "tls", values.text, None, "PEER",
        "a name such as *.example.org, or a fingerprint such as SHA256:0A:... (SHA1 too); send "
        "permits the name of its target when none is given",
        many=True, live=True,
    ),
    Option(
        "tls-min", "tls", values.choice("1.2", "1.3"), "1.2", "VERSION", "lowest version of TLS",
        live=True,
    ),
    Option(
        "tls-max", "tls", values.choice("1.2", "1.3"), None, "VERSION", "highest version of TLS",
        live=True,
    ),
    Option(
        "tls-ciphers", "tls", values.text, None, "LIST",
        "OpenSSL cipher list for TLS 1.2 (see openssl ciphers)",
        live=True,
    ),
)  # fmt: skip

LOG_OPTIONS = (
    Option("log-json", "", values.switch, None, None, "log events as JSON Lines on standard error"),
)


def tls_settings(given: argparse.Namespace) -> TlsSettings | None:
    """Make the TLS settings of a command; None is plain TCP.

    Raises:
        ConfigurationError: the options do not fit together.
    """
    if not given.tls:
        forgotten = [f"--{each.name}" for each in TLS_OPTIONS if _differs(given, each)]
        if forgotten:  # nobody should believe that a connection is protected when it is not
            raise ConfigurationError(f"{', '.join(forgotten)}: no effect without --tls")
        return None
    return TlsSettings(
        auth_mode=given.tls_auth,
        ca=given.tls_ca,
        crl=given.tls_crl,
        certificate=given.tls_cert,
        key=given.tls_key,
        permitted_peers=tuple(given.tls_permitted_peer),
        minimum=given.tls_min,
        maximum=given.tls_max,
        ciphers=given.tls_ciphers,
    )


def _differs(given: argparse.Namespace, option: Option) -> bool:
    return bool(getattr(given, option.field) != option.default_value())
