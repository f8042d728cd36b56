"""Offers and answers."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relpio import OfferError, RemoteProtocolError
from relpio.protocol.offers import (
    encode_offers,
    negotiate_version,
    own_offers,
    parse_offers,
    require_syslog,
)
from relpio.protocol.responses import encode_response, parse_response

LIBRELP = (
    b"relp_version=0\nrelp_software=librelp,1.11.0,http://librelp.adiscon.com\ncommands=syslog"
)


@pytest.mark.parametrize("octets", [LIBRELP, b"\n" + LIBRELP, b"\n" + LIBRELP + b"\n"])
def test_all_forms_on_the_wire_are_the_same_offers(octets: bytes) -> None:
    offers = parse_offers(octets)
    assert offers[b"relp_version"] == (b"0",)
    assert offers[b"relp_software"][:2] == (b"librelp", b"1.11.0")
    assert offers[b"commands"] == (b"syslog",)


def test_what_relpio_offers_is_what_librelp_wants_to_hear() -> None:
    octets = encode_offers(own_offers())
    assert octets.startswith(b"relp_version=0\nrelp_software=relpio,")
    assert octets.endswith(b"\ncommands=syslog")


def test_limits() -> None:
    at_limit = b"n" * 32 + b"=" + b",".join([b"v" * 255] * 64)
    assert len(parse_offers(at_limit)[b"n" * 32]) == 64


@pytest.mark.parametrize(
    "octets", [b"n" * 33, b"n" * 33 + b"=1", b"=x", b"n=" + b"v" * 256, b"n=" + b"v," * 2000]
)
def test_what_is_too_long_is_ignored_and_the_rest_is_not(octets: bytes) -> None:
    offers = parse_offers(b"relp_version=0\n" + octets + b"\ncommands=syslog")
    assert offers[b"relp_version"] == (b"0",)
    assert offers[b"commands"] == (b"syslog",)
    assert offers.get(b"n", ()) in ((), (b"v",) * 64)


@pytest.mark.parametrize(("octets", "version"), [(b"relp_version=1", 0), (b"relp_version=0", 0),
                                                 (b"", 0), (b"relp_version=00", 0)])  # fmt: skip
def test_the_smaller_version_wins(octets: bytes, version: int) -> None:
    assert negotiate_version(parse_offers(octets)) == version


@pytest.mark.parametrize("octets", [b"relp_version", b"relp_version=x", b"relp_version=1,2"])
def test_a_version_is_a_number(octets: bytes) -> None:
    with pytest.raises(OfferError, match="relp_version"):
        negotiate_version(parse_offers(octets))


def test_syslog_is_required() -> None:
    require_syslog(parse_offers(b"commands=foo,syslog"), "client")
    for octets in (b"", b"commands", b"commands=foo"):
        with pytest.raises(OfferError, match="required command not supported by client"):
            require_syslog(parse_offers(octets), "client")


@given(st.dictionaries(st.from_regex(rb"[a-z_]{1,32}", fullmatch=True),
                       st.lists(st.from_regex(rb"[a-z0-9.:/]{1,20}", fullmatch=True), max_size=5)
                       .map(tuple), max_size=6))  # fmt: skip
def test_offers_round_trip(offers: dict[bytes, tuple[bytes, ...]]) -> None:
    assert parse_offers(encode_offers(offers)) == offers


@given(st.binary(max_size=400))
def test_arbitrary_offers_raise_nothing_but_an_offer_error(octets: bytes) -> None:
    with contextlib.suppress(OfferError):
        negotiate_version(parse_offers(octets))


def test_answers() -> None:
    assert parse_response(b"200 OK") == (200, b"OK", b"")
    assert parse_response(b"200 ") == (200, b"", b"")
    assert parse_response(b"200") == (200, b"", b"")
    assert parse_response(b"500 no\na=b\nc") == (500, b"no", b"a=b\nc")
    assert encode_response(200, "OK") == b"200 OK"
    assert encode_response(200, "OK", b"x=y") == b"200 OK\nx=y"
    assert encode_response(500, "a\nb" + "c" * 100) == b"500 a b" + b"c" * 77
    for bad in (b"", b"20", b"2000 x", b"abc x", b" 200"):
        with pytest.raises(RemoteProtocolError):
            parse_response(bad)
