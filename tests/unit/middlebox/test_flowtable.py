"""The flow table: life and death of a flow, one case each."""

from __future__ import annotations

import pytest

from halfopen.errors import UnsupportedError
from halfopen.middlebox.flow import State, TrackedFlow
from halfopen.middlebox.flowtable import FlowTable
from halfopen.middlebox.packet import Addresses, Endpoint, Packet, Side
from halfopen.middlebox.policy import Policy
from halfopen.middlebox.verdict import Cause, PacketAction
from halfopen.profiles import all_profiles
from tests.unit.middlebox.conversation import ACK, FIN, IN, OUT, RST, SYN, Conversation, forged

POLICY = Policy(idle_timeout=100.0, half_open=10.0, half_closed=20.0, time_wait=5.0, after_rst=2.0)


class Ends:
    """Listens to why flows end."""

    def __init__(self) -> None:
        self.causes: list[str] = []

    def created(self, flow: TrackedFlow) -> None:
        pass

    def ended(self, flow: TrackedFlow, cause: Cause) -> None:
        self.causes.append(cause)


def begun(**changes: object) -> Conversation:
    return Conversation(FlowTable(Policy(**{**vars(POLICY), **changes}))).open()


def test_an_idle_flow_is_known_until_the_very_end_of_its_time() -> None:
    talk = begun()
    assert talk.after(99.999).send(IN, length=10).action is PacketAction.PASS
    assert talk.table.next_expiry() == pytest.approx(199.999)
    verdict = talk.after(100).send(OUT, length=10)
    assert (verdict.action, verdict.reason) == (PacketAction.DROP, "no such flow")
    assert len(talk.table) == 0
    assert talk.table.next_expiry() is None


@pytest.mark.parametrize("told", ["silent", "rst both"])
def test_a_flow_with_a_lifetime_is_over_at_that_age_however_busy(told: str) -> None:
    listener = Ends()
    policy = Policy(**{**vars(POLICY), "lifetime": 250.0, "on_expiry": told})
    talk = Conversation(FlowTable(policy, listener=listener)).open()
    for _ in range(24):
        assert talk.after(10).send(IN, length=1).action is PacketAction.PASS
        talk.send(OUT)
    assert talk.table.next_expiry() == 250.0
    verdict = talk.after(10).send(IN, length=1)
    assert (verdict.action, verdict.reason) == (PacketAction.DROP, "no such flow")
    assert listener.causes == ["lifetime"]
    assert len(verdict.sent) == (2 if told == "rst both" else 0)


def test_an_idle_flow_with_a_lifetime_still_expires_of_silence() -> None:
    listener = Ends()
    policy = Policy(**{**vars(POLICY), "lifetime": 250.0})
    talk = Conversation(FlowTable(policy, listener=listener)).open()
    talk.table.expire(100.0)
    assert listener.causes == ["expired"]


@pytest.mark.parametrize(("one", "other"), [(IN, OUT), (OUT, IN)])
def test_only_packets_from_the_side_that_refreshes_begin_the_silence_anew(
    one: Side, other: Side
) -> None:
    talk = begun(refreshed_by=one.value)
    talk.after(60).send(other, length=1)
    assert talk.table.next_expiry() == 100.0
    talk.send(one)
    assert talk.table.next_expiry() == 160.0
    talk.after(60).probe(other)
    assert talk.after(40).send(other, length=1).action is PacketAction.DROP


@pytest.mark.parametrize("one", [IN, OUT])
def test_whoever_opens_or_closes_a_flow_is_heard(one: Side) -> None:
    talk = Conversation(FlowTable(Policy(**{**vars(POLICY), "refreshed_by": one.value})))
    talk.send(one.other, SYN)
    assert talk.table.next_expiry() == 10.0
    talk.send(one, SYN | ACK)
    talk.send(one.other, ACK)
    assert talk.table.next_expiry() == 100.0
    talk.after(50).send(one.other, FIN | ACK)
    assert talk.table.next_expiry() == 70.0


def test_a_source_gets_no_more_flows_than_its_share_and_others_get_theirs() -> None:
    table = FlowTable(Policy(**{**vars(POLICY), "flows_per_source": 2}))
    talks = [Conversation(table, Endpoint("10.0.0.1", port)) for port in (1, 2, 3)]
    talks[0].open()
    talks[1].open()
    verdict = talks[2].send(IN, SYN)
    assert (verdict.action, verdict.reason) == (PacketAction.DROP, "too many flows of a source")
    Conversation(table, Endpoint("10.0.0.2", 3)).open()
    talks[0].send(IN, RST)
    for talk in talks:
        talk.now = 2.5  # the reset one is forgotten
    assert talks[2].send(IN, SYN, back=1).action is PacketAction.PASS
    assert len(table) == 3


@pytest.mark.parametrize("side", [IN, OUT])
def test_a_probe_from_either_side_keeps_it(side: Side) -> None:
    talk = begun()
    for _ in range(5):
        assert talk.after(60).probe(side).action is PacketAction.PASS


def test_where_keepalive_does_not_count_only_data_does() -> None:
    talk = begun(keepalive_refreshes=False)
    talk.send(IN, length=5)
    talk.send(OUT)
    talk.after(60).probe(IN)
    talk.send(OUT)  # the answer says nothing new
    assert talk.table.next_expiry() == 100.0
    talk.send(IN, length=5)
    assert talk.table.next_expiry() == 160.0
    talk.after(10).send(OUT)  # this one acknowledges
    assert talk.table.next_expiry() == 170.0


def test_a_handshake_that_is_not_completed_is_forgotten() -> None:
    talk = Conversation(FlowTable(POLICY))
    talk.send(IN, SYN)
    talk.after(6).send(IN, SYN, back=1)  # sent again
    assert talk.table.next_expiry() == 16.0
    talk.after(5).send(OUT, SYN | ACK)
    assert talk.table.next_expiry() == 21.0
    assert talk.after(10).send(IN, ACK).action is PacketAction.DROP


def test_closing_goes_by_way_of_half_closed_to_time_wait() -> None:
    talk = begun()
    talk.send(IN, FIN | ACK)
    (flow,) = talk.table
    assert (flow.state, talk.table.next_expiry()) == (State.HALF_CLOSED, 20.0)
    talk.after(19).send(OUT, length=100)  # the other half still speaks
    assert talk.table.next_expiry() == 39.0
    talk.send(OUT, FIN | ACK)
    assert (flow.state, talk.table.next_expiry()) == (State.TIME_WAIT, 24.0)
    talk.send(IN, SYN)  # the same port again, before its time is over
    (again,) = talk.table
    assert again is not flow
    assert again.state is State.OPENING


@pytest.mark.parametrize(("end", "kept"), [(FIN | ACK, 5.0), (RST, 2.0)])
def test_where_a_closed_flow_keeps_its_port_a_syn_is_dropped_until_it_is_forgotten(
    end: int, kept: float
) -> None:
    talk = begun(port_reuse="drop")
    talk.send(IN, end)
    if end != RST:
        talk.send(OUT, end)
    (flow,) = talk.table
    talk.after(kept - 0.5)
    verdict = talk.send(IN, SYN)
    assert (verdict.action, verdict.reason) == (PacketAction.DROP, "port of a closed flow")
    assert list(talk.table) == [flow]
    assert talk.table.next_expiry() == kept  # the SYN does not prolong it
    assert talk.after(0.5).send(IN, SYN).action is PacketAction.PASS


def test_a_rst_ends_a_flow_and_a_guessed_one_does_not() -> None:
    talk = begun()
    (flow,) = talk.table
    talk.after(50)
    assert talk.table.handle(forged(talk, OUT, 5), OUT, talk.now).action is PacketAction.PASS
    assert (flow.state, talk.table.next_expiry()) == (State.ESTABLISHED, 100.0)
    assert talk.send(OUT, RST).action is PacketAction.PASS
    assert (flow.state, talk.table.next_expiry()) == (State.RESET, 52.0)


def test_a_syn_in_an_established_flow_passes_and_does_not_count() -> None:
    talk = begun()
    assert talk.after(50).send(IN, SYN, back=1).action is PacketAction.PASS
    assert talk.table.next_expiry() == 100.0


def test_unacknowledged_data_shortens_a_life_where_the_profile_says_so() -> None:
    talk = begun(unacknowledged=30.0)
    talk.send(IN, length=5)
    assert talk.table.next_expiry() == 30.0
    talk.send(OUT)
    assert talk.table.next_expiry() == 100.0


@pytest.mark.parametrize(("on_expiry", "flags"), [("rst both", RST), ("fin", FIN | ACK)])
def test_both_ends_are_told_in_words_that_they_believe(on_expiry: str, flags: int) -> None:
    talk = begun(on_expiry=on_expiry)
    talk.send(IN, length=10)
    talk.send(OUT, length=7)
    talk.send(IN)
    assert talk.after(99).table.expire(talk.now) == ()
    to_client, to_server = talk.after(1).table.expire(talk.now)
    assert (to_client.to, to_server.to) == (IN, OUT)
    for told, side in ((to_client, IN), (to_server, OUT)):
        assert told.packet.flags == flags
        assert told.packet.addresses == talk.addresses[side].reverse
        assert told.packet.seq == talk.heard[side]  # exactly what it waits for


def test_a_late_packet_finds_the_farewell_already_said() -> None:
    talk = begun(on_expiry="rst both")
    verdict = talk.after(500).send(IN, length=1)
    assert verdict.action is PacketAction.DROP
    assert [each.to for each in verdict.sent] == [IN, OUT]


def test_a_half_closed_flow_goes_without_a_word() -> None:
    talk = begun(on_expiry="rst both")
    talk.send(IN, FIN | ACK)
    assert talk.table.expire(1000.0) == ()
    assert len(talk.table) == 0


# late packet: what a client's data, a server's data, a client's FIN and a SYN meet
LATE = {
    "drop": ("drop", "drop", "drop"),
    "rst sender": ("reset", "reset", "reset"),
    "rst inside sender": ("reset", "drop", "reset"),
    "readmit from inside": ("pass", "drop", "drop"),
    "readmit from anywhere": ("pass", "pass", "drop"),
    "pass untranslated": ("pass", "pass", "pass"),
}


@pytest.mark.parametrize("late", LATE)
def test_a_late_packet(late: str) -> None:
    def meets(side: Side, flags: int = ACK, length: int = 5) -> str:
        talk = begun(late_packet=late).after(1000)
        verdict = talk.send(side, flags, length=length)
        if verdict.action is PacketAction.RESET:
            (answer,) = verdict.sent
            assert answer.to is side
            assert answer.packet.addresses == talk.addresses[side].reverse
        return verdict.action.value

    assert (meets(IN), meets(OUT), meets(IN, FIN | ACK, 0)) == LATE[late]
    assert meets(IN, SYN, 0) == "pass"
    assert meets(IN, RST, 0) in ("drop", "pass")  # a RST is never answered
    assert (meets(IN, RST, 0) == "pass") == (late == "pass untranslated")


def test_a_flow_that_was_readmitted_is_young_until_it_is_answered() -> None:
    talk = begun(late_packet="readmit from inside", unacknowledged=30.0).after(1000)
    talk.probe(IN)
    (flow,) = talk.table
    assert (flow.state, flow.picked_up, flow.assured) == (State.ESTABLISHED, True, False)
    assert talk.table.next_expiry() == 1030.0
    talk.send(OUT)
    assert flow.assured
    assert talk.table.next_expiry() == 1100.0


def conversations(table: FlowTable, count: int) -> list[Conversation]:
    return [Conversation(table, Endpoint("10.0.0.1", 40000 + n)) for n in range(count)]


def test_a_full_table_takes_nobody() -> None:
    table = FlowTable(Policy(idle_timeout=100.0, table_size=2))
    a, b, c = conversations(table, 3)
    a.open(), b.open()
    assert c.send(IN, SYN).reason == "table full"
    c.now = 100.0  # both are over now, and make room
    assert c.send(IN, SYN).action is PacketAction.PASS


def test_the_oldest_goes() -> None:
    table = FlowTable(Policy(idle_timeout=100.0, table_size=2, eviction="oldest"))
    a, b, c = conversations(table, 3)
    a.open(), b.open()
    a.after(1).probe(IN)
    c.now = 2.0
    c.open()
    assert {flow.inside.source.port for flow in table} == {40000, 40002}


def test_those_go_first_that_never_had_an_answer() -> None:
    table = FlowTable(Policy(idle_timeout=100.0, table_size=2, eviction="non-assured first"))
    a, b, c = conversations(table, 3)
    a.open()
    b.send(IN, SYN)
    assert c.open().table is table
    assert {flow.inside.source.port for flow in table} == {40000, 40002}
    (d,) = conversations(table, 1)
    d.addresses[IN] = Addresses(Endpoint("10.0.0.2", 1), d.addresses[IN].destination)
    assert d.send(IN, SYN).reason == "table full"  # all were answered


def test_another_idle_timeout_holds_from_the_next_packet_on() -> None:
    """As a lowered sysctl does with connection tracking: measured on Linux 6.18."""
    talk = begun()
    talk.table.policy = Policy(idle_timeout=10.0)
    assert talk.table.next_expiry() == 100.0
    talk.after(50).probe(IN)
    assert talk.table.next_expiry() == 60.0
    talk.table.policy = Policy(idle_timeout=None)
    talk.after(1).probe(IN)
    assert talk.table.next_expiry() is None


def test_forgotten_on_demand_and_nobody_is_told() -> None:
    talk = begun(on_expiry="rst both")
    assert talk.table.forget(lambda flow: flow.opener is OUT) == []
    (flow,) = talk.table.forget()
    assert flow.inside == talk.addresses[IN]
    assert talk.table.expire(1000.0) == ()


def test_ipv6_is_the_same() -> None:
    table = FlowTable(POLICY)
    client, server = Endpoint("2001:db8::1", 40000), Endpoint("2001:db8::2", 514)
    assert str(client) == "[2001:db8::1]:40000"
    assert (
        Conversation(table, client, server).open().send(OUT, length=3).action is PacketAction.PASS
    )


def test_sequence_numbers_wrap() -> None:
    table = FlowTable(Policy(idle_timeout=100.0, unacknowledged=30.0))
    talk = Conversation(table)
    talk.sent = {IN: 2**32 - 3, OUT: 2**32 - 1}
    talk.open().send(IN, length=100)
    assert talk.sent[IN] < 200
    assert table.next_expiry() == 30.0
    talk.send(OUT)
    assert table.next_expiry() == 100.0


@pytest.mark.parametrize("name", sorted(all_profiles()))
def test_every_profile_keeps_what_it_says(name: str) -> None:
    """Each vendor's flow: kept by probes, forgotten after its idle timeout, treated as it says."""
    values = all_profiles()[name].values.model_dump(mode="json")
    if values["terminates_tcp"]:
        with pytest.raises(UnsupportedError, match="proxy"):
            Policy.of(values)
        return
    policy = Policy.of(values)
    idle = policy.idle_timeout
    assert idle is not None
    talk = Conversation(FlowTable(policy)).open()
    assert talk.after(idle * 0.9).probe(OUT).action is PacketAction.PASS
    assert talk.send(IN).action is PacketAction.PASS  # the answer
    talk.after(idle)
    sent = talk.table.expire(talk.now)
    assert {each.packet.flags for each in sent} == (
        {RST} if policy.on_expiry == "rst both" else set()
    )
    client, server, _ = LATE[policy.late_packet]
    assert talk.send(OUT, length=5).action.value == server
    talk.table.forget()
    assert talk.send(IN, length=5).action.value == client

    opening = Conversation(FlowTable(policy))
    opening.send(IN, SYN)
    assert opening.table.next_expiry() == policy.half_open
    closing = Conversation(FlowTable(policy)).open()
    closing.send(IN, FIN | ACK)
    closing.send(OUT)  # acknowledged
    assert closing.table.next_expiry() == policy.half_closed
    closing.send(OUT, FIN | ACK)
    closing.send(IN)
    assert closing.table.next_expiry() == policy.time_wait


def test_a_packet_knows_where_it_ends() -> None:
    pair = Addresses(Endpoint("a", 1), Endpoint("b", 2))
    assert Packet(pair, SYN, seq=2**32 - 1).end == 0
    assert Packet(pair, FIN | ACK, seq=5, length=10).end == 16
    assert not Packet(pair, SYN | ACK).opens
