"""The flow table with address translation."""

from __future__ import annotations

from halfopen.middlebox.flowtable import FlowTable
from halfopen.middlebox.nat import HostTranslation, SourceTranslation
from halfopen.middlebox.packet import Endpoint
from halfopen.middlebox.policy import Policy
from halfopen.middlebox.verdict import PacketAction
from tests.unit.middlebox.conversation import CLIENT, IN, OUT, SERVER, SYN, Conversation

PUBLIC = "203.0.113.1"
POLICY = Policy(idle_timeout=100.0, nat="source")


def natted(late: str = "drop", first: int = 1024, last: int = 65535) -> FlowTable:
    policy = Policy(idle_timeout=100.0, nat="source", late_packet=late)
    return FlowTable(policy, SourceTranslation(PUBLIC, first, last))


def test_the_client_gets_the_public_address_and_keeps_its_port() -> None:
    talk = Conversation(natted()).open()
    assert talk.addresses[OUT].destination == Endpoint(PUBLIC, CLIENT.port)
    there = talk.send(IN, length=5).packet
    back = talk.send(OUT, length=5).packet
    assert there is not None and there.addresses.source == Endpoint(PUBLIC, CLIENT.port)
    assert back is not None and back.addresses.destination == CLIENT


def test_two_clients_with_one_port_get_two() -> None:
    table = natted()
    one = Conversation(table).open()
    two = Conversation(table, Endpoint("10.0.0.2", CLIENT.port)).open()
    assert two.addresses[OUT].destination.port == one.addresses[OUT].destination.port + 1
    back = one.send(OUT, length=1).packet
    assert back is not None and back.addresses.destination == CLIENT


def test_no_port_left_is_no_connection() -> None:
    table = natted(first=5000, last=5001)
    talks = [Conversation(table, Endpoint("10.0.0.1", 1 + n)) for n in range(3)]
    assert [each.send(IN, SYN).reason for each in talks] == [
        "opening",
        "opening",
        "no addresses left",
    ]
    other = Conversation(table, CLIENT, Endpoint("192.0.2.2", 514))
    assert other.send(IN, SYN).action is PacketAction.PASS  # to another server they are free


def test_client_first_heals_with_the_same_mapping_and_server_first_is_reset() -> None:
    """As masquerade with loose connection tracking does: measured on Linux 6.18."""
    talk = Conversation(natted("readmit from inside")).open()
    talk.table.forget()
    verdict = talk.send(OUT, length=5)
    assert (verdict.action, [each.to for each in verdict.sent]) == (PacketAction.RESET, [OUT])
    healed = talk.send(IN, length=5)
    assert healed.packet is not None
    assert healed.packet.addresses == talk.addresses[OUT].reverse
    assert talk.send(OUT, length=5).action is PacketAction.PASS


def test_passed_untranslated_it_carries_the_private_address() -> None:
    talk = Conversation(natted("pass untranslated")).open()
    talk.table.forget()
    stray = talk.send(IN, length=5)
    assert stray.packet is not None and stray.packet.addresses.source == CLIENT
    assert stray.flow is None


def test_rebinding_changes_who_the_server_sees() -> None:
    talk = Conversation(natted()).open()
    (flow,) = talk.table.rebind()
    moved = talk.send(IN, length=5)
    assert moved.packet is not None and moved.packet.addresses == flow.outside
    assert talk.send(OUT, length=5).action is PacketAction.DROP  # to where the client was
    assert Conversation(FlowTable(Policy(idle_timeout=5.0))).open().table.rebind() == []


def test_nobody_opens_a_connection_to_the_address_of_a_nat() -> None:
    for late, action in (("drop", PacketAction.DROP), ("rst sender", PacketAction.RESET)):
        talk = Conversation(natted(late), Endpoint(PUBLIC, 1234))
        assert talk.send(OUT, SYN).action is action


def test_one_client_and_one_server_by_way_of_two_services() -> None:
    a, b = (Endpoint(address, SERVER.port) for address in ("10.9.0.1", "10.9.0.2"))
    policy = Policy(idle_timeout=100.0, nat="destination")
    table = FlowTable(policy, HostTranslation({each.address: SERVER.address for each in (a, b)}))
    assert Conversation(table, CLIENT, a).send(IN, SYN).action is PacketAction.PASS
    # The answers of both would carry the same addresses.
    assert Conversation(table, CLIENT, b).send(IN, SYN).reason == "no addresses left"
