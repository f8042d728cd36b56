"""The resolver of the lab answers as RFC 1035 says, or fails as it is told to."""

from __future__ import annotations

import ipaddress

import pytest
from dnslib import DNSRecord
from hypothesis import given
from hypothesis import strategies as st

from halfopen.labs.agent.resolver import Resolver, nobody
from halfopen.verbs import Answer

ADDRESSES = {"receiver": "198.18.2.2", "six": "2001:db8::2"}


def ask(name: str, kind: str = "A", answer: Answer = "right") -> tuple[int, list[str]]:
    """(RCODE, addresses) of the reply."""
    resolver = Resolver("sender", ADDRESSES)
    resolver.answer = answer
    question = DNSRecord.question(name, kind)
    data = resolver.reply(bytes(question.pack()))
    assert data is not None
    reply = DNSRecord.parse(data)
    assert reply.header.id == question.header.id
    return reply.header.rcode, [str(each.rdata) for each in reply.rr]


@pytest.mark.parametrize(
    ("name", "kind", "answer", "reply"),
    [
        ("receiver", "A", "right", (0, ["198.18.2.2"])),
        ("RECEIVER.test", "A", "right", (0, ["198.18.2.2"])),
        ("receiver", "AAAA", "right", (0, [])),
        ("six", "AAAA", "right", (0, ["2001:db8::2"])),
        ("six", "A", "right", (0, [])),
        ("nobody", "A", "right", (3, [])),
        ("receiver.example.org", "A", "right", (3, [])),
        ("receiver", "A", "no such name", (3, [])),
        ("receiver", "A", "refused", (5, [])),
        ("receiver", "A", "wrong address", (0, ["198.18.2.250"])),
        ("nobody", "A", "wrong address", (3, [])),
    ],
)
def test_each_answer(name: str, kind: str, answer: Answer, reply: tuple[int, list[str]]) -> None:
    assert ask(name, kind, answer) == reply


@given(st.binary(max_size=80))
def test_no_datagram_breaks_it(data: bytes) -> None:
    reply = Resolver("sender", ADDRESSES).reply(data)
    assert reply is None or reply[:2] == data[:2]


@given(st.integers(0, 253), st.integers(1, 100))
def test_nobody_is_in_the_same_network_and_no_host(last: int, link: int) -> None:
    address = ipaddress.ip_address(f"198.18.{link}.{last % 3}")
    wrong = nobody(address)
    assert wrong != address
    assert wrong in ipaddress.ip_network(f"198.18.{link}.0/24")


def test_questions_that_are_not_answered_rightly_are_counted() -> None:
    resolver = Resolver("sender", ADDRESSES)
    question = bytes(DNSRecord.question("receiver", "A").pack())
    resolver.datagram_received(question, ("127.0.0.1", 5353))
    assert resolver.misled == 0
    resolver.answer = "silent"
    resolver.datagram_received(question, ("127.0.0.1", 5353))
    assert resolver.misled == 1
