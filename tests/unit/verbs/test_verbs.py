"""Every verb names its hosts, and travels as JSON."""

from __future__ import annotations

from dataclasses import fields

import pytest

from halfopen.packet_faults import all_packet_faults
from halfopen.verbs import CutLink, EnableProxy, ForgetFlows, LimitFds, SetRoute, Verb
from halfopen.verbs.base import _HOST_FIELDS, all_verbs

all_packet_faults()  # they are verbs too, once they are imported


@pytest.mark.parametrize("kind", [*all_verbs()], ids=lambda kind: kind.__name__)
def test_every_verb_names_a_host(kind: type[Verb]) -> None:
    assert {field.name for field in fields(kind)} & set(_HOST_FIELDS)


def test_the_hosts_of_a_verb_are_those_that_it_is_done_to() -> None:
    assert ForgetFlows("firewall").hosts == ("firewall",)
    assert LimitFds("receiver", 20).hosts == ("receiver",)
    assert CutLink(("a", "b"), cut=True).hosts == ("a", "b")
    assert SetRoute("router", "receiver", present=False).hosts == ("router",)
    assert EnableProxy("proxy", enabled=False).hosts == ("proxy",)
