"""Offers: what the two sides tell each other in `open` and its answer.

    offers = offer *(LF offer)        offer = name ["=" value *("," value)]

The specification writes an LF before each offer; librelp puts one between offers only; teragrep
adds one at both ends. All of these are accepted; relpio sends librelp's form.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from relpio.errors import OfferError
from relpio.version import __version__

__all__ = [
    "HIGHEST_VERSION",
    "MAX_NAME_LENGTH",
    "MAX_VALUES",
    "MAX_VALUE_LENGTH",
    "OWN_VERSION",
    "SOFTWARE",
    "Offers",
    "encode_offers",
    "negotiate_version",
    "own_offers",
    "parse_offers",
    "require_syslog",
]

MAX_NAME_LENGTH = 32
"""Bytes in the name of an offer (RELP specification)."""

MAX_VALUE_LENGTH = 255
"""Bytes in one value of an offer (RELP specification)."""

MAX_VALUES = 64
"""Values of one offer; the limit of librelp."""

OWN_VERSION = 0
"""The protocol version that relpio speaks. The specification calls 0 experimental, yet every
librelp ever deployed says 0, and a librelp client refuses any other answer."""

HIGHEST_VERSION = 1
"""The version that the specification calls the initial one. It differs in nothing but its number,
so a peer that insists on it can be spoken to."""

SOFTWARE = (b"relpio", __version__.encode())

Offers = Mapping[bytes, tuple[bytes, ...]]


def parse_offers(data: bytes) -> dict[bytes, tuple[bytes, ...]]:
    """Read offers, and ignore what no peer can mean.

    Ignored are an offer without a name or with one that is too long, a value that is too long,
    and values beyond the 64th: none of them is anything that this side must know. Names that
    nobody knows are kept; it is for the caller to ignore them.
    """
    offers: dict[bytes, tuple[bytes, ...]] = {}
    for line in data.split(b"\n"):
        if not line:
            continue
        name, equals, text = line.partition(b"=")
        values = tuple(text.split(b",")) if equals else ()
        if not 1 <= len(name) <= MAX_NAME_LENGTH:
            continue
        short = (value for value in values if len(value) <= MAX_VALUE_LENGTH)
        offers[name] = tuple(islice(short, MAX_VALUES))
    return offers


def encode_offers(offers: Offers) -> bytes:
    """Write offers in librelp's form: LF between them, none before the first or after the last."""
    return b"\n".join(
        name + b"=" + b",".join(values) if values else name for name, values in offers.items()
    )


def own_offers(version: int = OWN_VERSION) -> dict[bytes, tuple[bytes, ...]]:
    """What relpio offers, as a client or, with the agreed version, as a server."""
    return {
        b"relp_version": (b"%d" % version,),
        b"relp_software": SOFTWARE,
        b"commands": (b"syslog",),
    }


def negotiate_version(offers: Offers, highest: int = OWN_VERSION) -> int:
    """Return the version that both sides speak: the smaller one; `highest` is this side's.

    An absent version counts as 0: the specification wants it refused, but librelp accepts it.

    Raises:
        OfferError: the version is not a number.
    """
    values = offers.get(b"relp_version")
    if values is None:
        return OWN_VERSION
    if len(values) != 1 or not values[0].isdigit():
        raise OfferError(f"relp_version is not one number: {b','.join(values)!r}")
    return min(highest, int(values[0]))


def require_syslog(offers: Offers, peer: str) -> None:
    """Check that the peer knows the `syslog` command.

    Raises:
        OfferError: it does not, so that no message could ever be sent.
    """
    if b"syslog" not in offers.get(b"commands", ()):
        # The words of librelp, which administrators find in their logs and search for.
        raise OfferError(f"required command not supported by {peer}")
