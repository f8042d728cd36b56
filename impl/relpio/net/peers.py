"""Names and fingerprints of certificates, as people write them in permitted peers."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from relpio.errors import ConfigurationError

__all__ = ["fingerprint_of", "matches", "names_of", "parse_fingerprint"]

_FORM = re.compile(r"([A-Za-z0-9-]+):((?:[0-9A-Fa-f]{2}:?)+)")


def parse_fingerprint(text: str) -> tuple[str, bytes]:
    """Read `SHA1:AB:CD:...` or `SHA256:abcd...` into the name for `hashlib` and the digest.

    Raises:
        ConfigurationError: it is not of that form, or its length does not fit the digest's.
    """
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise ConfigurationError(f"fingerprint {text!r}: write DIGEST:AB:CD:..., such as SHA256:0A")
    kind, digest = match[1].lower().replace("-", ""), bytes.fromhex(match[2].replace(":", ""))
    known = sorted(n for n in hashlib.algorithms_guaranteed if n.startswith("sha") and "_" not in n)
    if kind not in known:
        names = ", ".join(known).upper()
        raise ConfigurationError(f"fingerprint {text!r}: the digest must be one of {names}")
    size = hashlib.new(kind).digest_size
    if len(digest) != size:
        raise ConfigurationError(
            f"fingerprint {text!r} has {len(digest)} bytes; {kind.upper()} makes {size}"
        )
    return kind, digest


def fingerprint_of(certificate: bytes, kind: str = "sha256") -> str:
    """Write the fingerprint of a certificate (DER), as `parse_fingerprint` reads it."""
    digest = hashlib.new(kind, certificate).digest()
    return f"{kind.upper()}:{digest.hex(':').upper()}"


def names_of(certificate: Mapping[str, Any]) -> list[str]:
    """List the names of a certificate in the form of `ssl.SSLSocket.getpeercert`.

    DNS names and addresses of the subjectAltName come first, then the common name, which RFC 6125
    calls obsolete and many a syslog installation uses.
    """
    names = [
        value for kind, value in certificate.get("subjectAltName", ())
        if kind in ("DNS", "IP Address")
    ]  # fmt: skip
    for part in certificate.get("subject", ()):
        names += [value for kind, value in part if kind == "commonName"]
    return list(dict.fromkeys(names))


def matches(pattern: str, name: str) -> bool:
    """Tell whether a permitted peer stands for a name; capitals do not matter.

    A `*` stands for any part of one label, so `*.example.org` permits `a.example.org` and neither
    `example.org` nor `a.b.example.org`. Addresses are compared as numbers.
    """
    try:
        return ipaddress.ip_address(pattern) == ipaddress.ip_address(name)
    except ValueError:
        pass
    labels, wanted = name.lower().rstrip(".").split("."), pattern.lower().rstrip(".").split(".")
    return len(labels) == len(wanted) and all(map(_label_matches, wanted, labels))


def _label_matches(pattern: str, label: str) -> bool:
    parts = map(re.escape, pattern.split("*"))
    return re.fullmatch("[^.]*".join(parts), label) is not None
