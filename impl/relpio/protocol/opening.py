"""What a server makes of a client's `open`."""

from __future__ import annotations

from relpio.protocol.offers import (
    Offers,
    encode_offers,
    negotiate_version,
    own_offers,
    parse_offers,
    require_syslog,
)

__all__ = ["accept_open"]


def accept_open(data: bytes) -> tuple[Offers, bytes]:
    """Return the client's offers, and the offers to answer with.

    Raises:
        OfferError: the two cannot work together; the text is for the client.
    """
    offers = parse_offers(data)
    version = negotiate_version(offers)
    require_syslog(offers, "client")
    return offers, encode_offers(own_offers(version))
