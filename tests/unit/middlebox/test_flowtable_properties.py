"""What holds for a flow table whatever comes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from halfopen.middlebox.flow import State
from halfopen.middlebox.flowtable import FlowTable
from halfopen.middlebox.nat import HostTranslation, SourceTranslation, Translator
from halfopen.middlebox.packet import Addresses, Endpoint, Flags, Packet, Side
from halfopen.middlebox.policy import Policy
from halfopen.middlebox.verdict import PacketAction, PacketVerdict, Sent
from tests.unit.middlebox.conversation import IN, OUT, Conversation

PUBLIC = "203.0.113.1"
CLIENTS = [Endpoint(f"10.0.0.{a}", p) for a in (1, 2) for p in (1024, 1025)]
SERVERS = [Endpoint("192.0.2.1", 514), Endpoint("192.0.2.2", 514)]
FLAGS = [Flags.SYN, Flags.SYN | Flags.ACK, Flags.ACK, Flags.FIN | Flags.ACK, Flags.RST]


@dataclass(frozen=True)
class Event:
    """A packet after a pause; one in answer to what went out before, if there is any."""

    pause: float
    side: Side
    addresses: Addresses
    flags: int
    seq: int
    ack: int
    length: int
    answers: bool


events = st.lists(
    st.builds(
        Event,
        pause=st.sampled_from([0.0, 0.5, 1.0, 4.0, 9.0, 30.0]),
        side=st.sampled_from(Side),
        addresses=st.builds(Addresses, st.sampled_from(CLIENTS), st.sampled_from(SERVERS)),
        flags=st.sampled_from(FLAGS),
        seq=st.sampled_from([0, 1, 2, 2**32 - 1, 100]),
        ack=st.sampled_from([0, 1, 2, 101]),
        length=st.sampled_from([0, 1, 50]),
        answers=st.booleans(),
    ),
    max_size=40,
)

policies = st.builds(
    Policy,
    idle_timeout=st.sampled_from([None, 5.0, 20.0]),
    on_expiry=st.sampled_from(["silent", "rst both", "fin"]),
    late_packet=st.sampled_from(
        [
            "drop",
            "rst sender",
            "rst inside sender",
            "readmit from inside",
            "readmit from anywhere",
            "pass untranslated",
        ]
    ),
    lifetime=st.sampled_from([None, None, 15.0]),
    refreshed_by=st.sampled_from(["both sides", "inside", "outside"]),
    keepalive_refreshes=st.booleans(),
    half_open=st.just(3.0),
    half_closed=st.just(8.0),
    time_wait=st.just(4.0),
    after_rst=st.just(1.0),
    unacknowledged=st.sampled_from([None, 2.0]),
    table_size=st.sampled_from([None, 1, 3]),
    flows_per_source=st.sampled_from([None, 1, 2]),
    eviction=st.sampled_from(["drop new", "oldest", "non-assured first"]),
    nat=st.sampled_from(["none", "source", "destination"]),
)


def table_for(policy: Policy) -> FlowTable:
    translator: Translator | None = None
    if policy.nat == "source":
        translator = SourceTranslation(PUBLIC, 1024, 1026)
    elif policy.nat == "destination":
        translator = HostTranslation({SERVERS[0].address: SERVERS[1].address})
    return FlowTable(policy, translator)


class Player:
    """Plays a script on a table, one packet at a time."""

    def __init__(self, table: FlowTable) -> None:
        self.table = table
        self.now = 0.0
        self.last: tuple[Side, Addresses] | None = None

    def play(self, event: Event) -> tuple[float, Packet, Side, PacketVerdict]:
        self.now += event.pause
        side = event.side
        addresses = event.addresses if side is IN else event.addresses.reverse
        if event.answers and self.last is not None:
            side, addresses = self.last[0].other, self.last[1].reverse
        packet = Packet(addresses, event.flags, event.seq, event.ack, event.length)
        verdict = self.table.handle(packet, side, self.now)
        if verdict.packet is not None:
            self.last = (side, verdict.packet.addresses)
        return self.now, packet, side, verdict


def play(table: FlowTable, script: list[Event]) -> list[tuple[float, Packet, Side, PacketVerdict]]:
    player = Player(table)
    return [player.play(event) for event in script]


@given(policies, events)
def test_all_views_of_the_table_agree(policy: Policy, script: list[Event]) -> None:
    player = Player(table := table_for(policy))
    for event in script:
        now, *_ = player.play(event)
        flows = list(table)
        inside = {flow.inside for flow in flows}
        outside = {flow.outside.reverse for flow in flows}
        # Translation maps one to one: no two flows share addresses on either side.
        assert len(inside) == len(outside) == len(flows) == len(table)
        assert policy.table_size is None or len(table) <= policy.table_size
        assert all(flow.alive(now) for flow in flows)
        if policy.lifetime is not None:
            assert all(now < flow.since + policy.lifetime for flow in flows)
        if policy.flows_per_source is not None:
            sources = Counter(flow.opened.source.address for flow in flows)
            assert max(sources.values(), default=0) <= policy.flows_per_source
        deadlines = [flow.deadline for flow in flows if flow.deadline is not None]
        assert table.next_expiry() == min(deadlines, default=None)


@given(policies, events)
def test_what_goes_out_comes_back(policy: Policy, script: list[Event]) -> None:
    """The answer to a packet that passed reaches whoever sent it, from whom it was sent to."""
    player = Player(table := table_for(policy))
    for event in script:
        now, packet, side, verdict = player.play(event)
        if verdict.flow is None or verdict.packet is None:
            continue
        answer = Packet(verdict.packet.addresses.reverse, Flags.ACK)
        back = table.handle(answer, side.other, now)
        assert back.flow is verdict.flow
        assert back.packet is not None
        assert back.packet.addresses == packet.addresses.reverse


@given(policies, events)
def test_a_verdict_depends_only_on_the_packets_so_far(policy: Policy, script: list[Event]) -> None:
    whole = play(table_for(policy), script)
    part = play(table_for(policy), script[: len(script) // 2])
    for (_, _, _, a), (_, _, _, b) in zip(part, whole, strict=False):
        assert (a.action, a.packet, a.sent, a.reason) == (b.action, b.packet, b.sent, b.reason)


@given(policies, events, st.lists(st.floats(0, 40), max_size=10))
def test_coming_in_time_or_late_changes_no_verdict(
    policy: Policy, script: list[Event], visits: list[float]
) -> None:
    """Whether somebody lets flows expire in time, or nobody does, packets fare the same."""
    lazy, busy = table_for(policy), table_for(policy)
    expected = play(lazy, script)
    told: list[Sent] = []
    said: list[Sent] = []
    now = 0.0
    for (at, packet, side, verdict), wait in zip(
        expected, [*visits, *[0.0] * len(expected)], strict=False
    ):
        between = min(at, now + wait)
        said += busy.expire(between)
        found = busy.handle(packet, side, at)
        # The answer to the packet itself is the last one; a farewell may be the very same packet.
        said += found.sent[: len(found.sent) - (found.action is PacketAction.RESET)]
        told += verdict.sent[: len(verdict.sent) - (verdict.action is PacketAction.RESET)]
        assert (found.action, found.packet, found.reason) == (
            verdict.action,
            verdict.packet,
            verdict.reason,
        )
        now = at
    assert sorted(map(repr, told)) == sorted(map(repr, said))


@given(
    idle=st.floats(1, 10_000),
    gaps=st.lists(st.floats(0, 0.99), max_size=10),
    probes=st.booleans(),
    over=st.floats(0, 2),
)
def test_a_flow_lives_exactly_until_idle_after_its_last_packet(
    idle: float, gaps: list[float], probes: bool, over: float
) -> None:
    talk = Conversation(FlowTable(Policy(idle_timeout=idle))).open()
    for gap in gaps:
        talk.after(gap * idle)
        verdict = talk.probe(OUT) if probes else talk.send(IN, length=1)
        assert verdict.action is PacketAction.PASS
    (flow,) = talk.table
    assert flow.state is State.ESTABLISHED
    last = talk.now
    talk.now = last + over * idle
    alive = talk.now < last + idle
    assert (talk.send(IN, length=1).action is PacketAction.PASS) == alive
    assert len(talk.table) == alive


@given(policies, events)
def test_a_rst_is_never_answered_and_answers_go_to_the_sender(
    policy: Policy, script: list[Event]
) -> None:
    for _, packet, side, verdict in play(table_for(policy), script):
        if verdict.action is PacketAction.RESET:
            answer = verdict.sent[-1]
            assert not packet.flags & Flags.RST
            assert answer.to is side
            assert answer.packet.flags & Flags.RST
            assert answer.packet.addresses == packet.addresses.reverse
        assert (verdict.packet is not None) == (verdict.action is PacketAction.PASS)
