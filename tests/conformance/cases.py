"""The cases: what a middlebox does, whoever plays it.

A case says what it needs of the profile; its function is given the street.  Where an engine is
known to differ from the others, the case says so and asserts the difference; where an engine
cannot play it at all, `cannot` names it, and the suite asserts that the lab says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from halfopen.middlebox.policy import Policy
from halfopen.packet_faults.block import Block
from halfopen.verbs import EndPacketFault, ForgetFlows, Rebind, SetIdleTimeout, Verb
from tests.conformance.street import ACK, BOX, FIN, IN, OUT, RST, SYN, Street, Talk

IDLE = 3.0
JUST_BEFORE = 0.8 * IDLE
JUST_AFTER = 1.12 * IDLE
SHORT = 2.0  # half-open, half-closed, time-wait, after RST


@dataclass(frozen=True)
class Case:
    """One case.

    Attributes:
        name: of its function.
        play: the function.
        values: of the profile, seconds of lab time.
        verbs: that are asked of the middlebox.
        cannot: engines that cannot play it, and must say so.
    """

    name: str
    play: Callable[[Street], None]
    values: dict[str, Any]
    verbs: tuple[type[Verb], ...] = ()
    cannot: tuple[str, ...] = field(default=())


CASES: dict[str, Case] = {}


def case(
    *verbs: type[Verb], cannot: tuple[str, ...] = (), **values: Any
) -> Callable[[Callable[[Street], None]], Callable[[Street], None]]:
    """Add the function to the suite."""
    policy = Policy(
        **{
            "idle_timeout": IDLE,
            "half_open": SHORT,
            "half_closed": SHORT,
            "time_wait": SHORT,
            "after_rst": SHORT,
            **values,
        }
    )

    def add(play: Callable[[Street], None]) -> Callable[[Street], None]:
        name = play.__name__
        CASES[name] = Case(name, play, asdict(policy), verbs, cannot)
        return play

    return add


# Life and death of an established flow.


@case()
def known_until_idle(street: Street) -> None:
    talk = Talk(street, 40000).open()
    talk.silent_for(JUST_BEFORE).passes(IN, length=100, before=IDLE)


@case()
def forgotten_after_idle(street: Street) -> None:
    talk = Talk(street, 40000).open()
    talk.silent_for(JUST_AFTER)
    talk.dropped(IN, length=100)
    talk.dropped(OUT, length=100)


@case()
def data_refreshes_from_inside(street: Street) -> None:
    talk = Talk(street, 40000).open()
    talk.silent_for(JUST_BEFORE).passes(IN, length=10, before=IDLE)
    talk.silent_for(JUST_BEFORE).passes(OUT, before=IDLE)


@case()
def data_refreshes_from_outside(street: Street) -> None:
    talk = Talk(street, 40000).open()
    talk.silent_for(JUST_BEFORE).passes(OUT, length=10, before=IDLE)
    talk.silent_for(JUST_BEFORE).passes(IN, before=IDLE)
    talk.silent_for(JUST_AFTER).dropped(OUT, length=1)


@case()
def a_bare_ack_refreshes(street: Street) -> None:
    talk = Talk(street, 40000).open()
    talk.passes(IN, length=10)
    talk.passes(OUT)
    talk.silent_for(JUST_BEFORE).passes(OUT, before=IDLE)
    talk.silent_for(JUST_BEFORE).passes(IN, before=IDLE)


@case()
def a_probe_from_the_client_refreshes(street: Street) -> None:
    talk = Talk(street, 40000).open()
    talk.silent_for(JUST_BEFORE).passes(IN, back=1, before=IDLE)
    talk.silent_for(JUST_BEFORE).passes(OUT, before=IDLE)


@case()
def a_probe_from_the_server_refreshes(street: Street) -> None:
    talk = Talk(street, 40000).open()
    talk.passes(OUT, length=10)
    talk.passes(IN)
    talk.silent_for(JUST_BEFORE).passes(OUT, back=1, before=IDLE)
    talk.silent_for(JUST_BEFORE).passes(IN, before=IDLE)


@case(cannot=("conntrack",), keepalive_refreshes=False)
def probes_that_do_not_count(street: Street) -> None:
    talk = Talk(street, 40000).open()
    talk.passes(OUT, length=10)
    talk.passes(IN)
    begun = talk.last
    talk.silent_for(0.6 * IDLE).passes(OUT, back=1, before=IDLE)
    talk.passes(IN)  # its answer
    street.wait_until(begun + JUST_AFTER)
    talk.dropped(IN, length=1)


@case(idle_timeout=0.4)
def less_than_a_second(street: Street) -> None:
    talk = Talk(street, 40000).open()
    talk.silent_for(0.6)
    if street.engine == "conntrack":
        # The kernel's timers are whole seconds, one at least.
        talk.passes(IN, length=1, before=1.0)
        talk.silent_for(1.2)
    talk.dropped(IN, length=1)


@case(idle_timeout=None)
def never(street: Street) -> None:
    talk = Talk(street, 40000).open()
    talk.silent_for(JUST_AFTER).passes(OUT, length=1)


# Opening.


@case()
def a_handshake_that_is_not_answered(street: Street) -> None:
    talk = Talk(street, 40000)
    talk.passes(IN, SYN)
    talk.silent_for(1.2 * SHORT).dropped(OUT, SYN | ACK)


@case()
def a_syn_that_is_sent_again(street: Street) -> None:
    talk = Talk(street, 40000)
    talk.passes(IN, SYN)
    talk.silent_for(0.7 * SHORT).passes(IN, SYN, back=1, before=SHORT)
    talk.silent_for(0.7 * SHORT)
    if street.engine == "conntrack":
        # Linux 5.14 and later does not give it more time (net/netfilter/nf_conntrack_proto_tcp.c:
        # a client that uses a port again and again would keep an entry alive forever).
        talk.dropped(OUT, SYN | ACK)
    else:
        talk.passes(OUT, SYN | ACK, before=SHORT)


@case()
def nothing_begins_but_with_a_syn(street: Street) -> None:
    Talk(street, 40000).dropped(IN, ACK, length=10)
    Talk(street, 40001).dropped(OUT, SYN | ACK)
    Talk(street, 40002).dropped(IN, FIN | ACK)
    Talk(street, 40003).dropped(IN, RST)


@case()
def the_outside_may_open(street: Street) -> None:
    talk = Talk(street, 40000)
    talk.passes(OUT, SYN)
    talk.passes(IN, SYN | ACK)
    talk.passes(OUT, ACK)
    talk.silent_for(JUST_BEFORE).passes(IN, length=3, before=IDLE)


# Closing.


@case(half_closed=SHORT)
def half_closed_for_a_while(street: Street) -> None:
    talk = Talk(street, 40000).open()
    talk.passes(IN, FIN | ACK)
    talk.passes(OUT, ACK)
    talk.silent_for(0.7 * SHORT).passes(OUT, length=100, before=SHORT)
    talk.passes(IN, ACK)
    talk.silent_for(1.2 * SHORT).dropped(OUT, length=100)


@case()
def closed_by_both_and_opened_again(street: Street) -> None:
    talk = Talk(street, 40000).open()
    talk.passes(IN, FIN | ACK)
    talk.passes(OUT, FIN | ACK)
    talk.passes(IN, ACK)
    talk.silent_for(1.3 * SHORT).dropped(OUT, ACK)
    Talk(street, 40000).open()


@case()
def a_rst_ends_it(street: Street) -> None:
    talk = Talk(street, 40000).open()
    talk.passes(IN, RST)
    talk.silent_for(1.2 * SHORT)
    assert 1.2 * SHORT < IDLE
    talk.dropped(OUT, length=1)


@case()
def a_guessed_rst_does_not(street: Street) -> None:
    talk = Talk(street, 40000).open()
    guess = talk.stray(IN, (talk.next(IN) + 2**31 - 5) % 2**32)
    # The flow table knows no windows: it does not believe such a segment, and passes it on to the
    # end, which does not either.  conntrack takes it for one of no flow.
    inside_window = street.engine != "conntrack"
    found = street.exchange(guess, IN, "pass" if inside_window else "drop")
    assert (found is not None) is inside_window
    talk.silent_for(0.7 * IDLE).passes(OUT, length=1, before=IDLE)


# Late packets.


def _late(street: Street) -> Talk:
    talk = Talk(street, 40000).open()
    talk.passes(IN, length=10)
    talk.passes(OUT)
    return talk.silent_for(JUST_AFTER)


@case(late_packet="rst sender")
def late_and_refused(street: Street) -> None:
    talk = _late(street)
    talk.refused(IN, length=10)
    talk.refused(OUT, length=10)
    talk.dropped(IN, RST)


@case(late_packet="rst inside sender")
def late_and_refused_inside(street: Street) -> None:
    talk = _late(street)
    talk.dropped(OUT, length=10)
    talk.refused(IN, length=10)


@case(late_packet="readmit from inside")
def late_and_readmitted_from_inside(street: Street) -> None:
    talk = _late(street)
    talk.dropped(OUT, length=10)
    talk.passes(IN, length=10)
    talk.passes(OUT)


@case(late_packet="readmit from anywhere")
def late_and_readmitted_from_anywhere(street: Street) -> None:
    talk = _late(street)
    talk.passes(OUT, length=10)
    talk.passes(IN)


@case(late_packet="readmit from anywhere")
def no_end_is_readmitted(street: Street) -> None:
    talk = _late(street)
    talk.dropped(OUT, FIN | ACK)
    talk.dropped(IN, RST)


@case(late_packet="pass untranslated")
def late_and_passed(street: Street) -> None:
    talk = _late(street)
    talk.passes(IN, length=10)
    talk.passes(OUT)


# What the middlebox says when a flow is over.


@case(cannot=("conntrack",), on_expiry="rst both")
def over_with_rst(street: Street) -> None:
    talk = Talk(street, 40000).open()
    talk.passes(IN, length=10)
    talk.passes(OUT)
    talk.silent_for(JUST_AFTER)
    assert talk.told(IN).flags & RST
    assert talk.told(OUT).flags & RST


@case(cannot=("conntrack",), on_expiry="fin", nat="source")
def over_with_fin(street: Street) -> None:
    talk = Talk(street, 40000).open()
    talk.silent_for(JUST_AFTER)
    assert talk.told(IN).flags == FIN | ACK
    assert talk.told(OUT).flags == FIN | ACK


# The table is full.


@case(cannot=("conntrack",), table_size=2, idle_timeout=60.0, half_open=60.0)
def full_and_the_new_one_is_dropped(street: Street) -> None:
    first, second = Talk(street, 40000).open(), Talk(street, 40001).open()
    Talk(street, 40002).dropped(IN, SYN)
    first.passes(IN, length=1)
    second.passes(IN, length=1)


@case(cannot=("conntrack",), table_size=2, idle_timeout=60.0, half_open=60.0, eviction="oldest")
def full_and_the_oldest_goes(street: Street) -> None:
    first, second = Talk(street, 40000).open(), Talk(street, 40001).open()
    first.passes(IN, length=1)
    Talk(street, 40002).open()
    second.dropped(IN, length=1)
    first.passes(OUT)


@case(
    cannot=("conntrack",),
    table_size=2,
    idle_timeout=60.0,
    half_open=60.0,
    eviction="non-assured first",
)
def full_and_who_was_not_answered_goes(street: Street) -> None:
    first, second = Talk(street, 40000).open(), Talk(street, 40001)
    second.passes(IN, SYN)
    third = Talk(street, 40002).open()
    second.dropped(OUT, SYN | ACK)
    Talk(street, 40003).dropped(IN, SYN)
    first.passes(IN, length=1)
    third.passes(IN, length=1)


# Translation.


@case(nat="source")
def clients_are_hidden(street: Street) -> None:
    talk = Talk(street, 40000)
    seen = talk.passes(IN, SYN)
    assert seen.addresses.source == (street.outward, 40000)  # the port is kept (RFC 5382)
    back = talk.passes(OUT, SYN | ACK)
    assert back.addresses.destination == (street.client, 40000)
    talk.passes(IN, ACK)
    talk.passes(OUT, length=1000)
    talk.silent_for(JUST_AFTER).dropped(OUT, length=10)


@case(nat="destination", idle_timeout=60.0)
def an_address_stands_for_the_server(street: Street) -> None:
    talk = Talk(street, 40000, to=street.inward)
    seen = talk.passes(IN, SYN)
    assert seen.addresses.destination.address == street.server
    back = talk.passes(OUT, SYN | ACK)
    assert back.addresses.source.address == street.inward
    talk.passes(IN, ACK)
    talk.passes(OUT, length=1000)
    talk.passes(IN, length=1000)


@case(Rebind, cannot=("conntrack",), nat="source", idle_timeout=60.0)
def a_mapping_is_lost_and_made_anew(street: Street) -> None:
    talk = Talk(street, 40000).open()
    before = talk.addresses[OUT]
    street.do(Rebind(BOX))
    seen = talk.passes(IN, length=10)
    assert seen.addresses.source.port != before.destination.port
    talk.passes(OUT)


# What is done to it.


@case(Block, EndPacketFault, idle_timeout=60.0)
def restarted_with_its_state(street: Street) -> None:
    talk = Talk(street, 40000).open()
    street.do(Block(BOX, "reboot"))
    talk.dropped(IN, length=10)
    street.do(EndPacketFault(BOX, "reboot"))
    talk.passes(IN, length=10)


@case(Block, EndPacketFault, ForgetFlows, idle_timeout=60.0)
def restarted_without_its_state(street: Street) -> None:
    talk = Talk(street, 40000).open()
    street.do(Block(BOX, "reboot"))
    assert len(street.do(ForgetFlows(BOX)).flows) == 1
    street.do(EndPacketFault(BOX, "reboot"))
    talk.dropped(IN, length=10)
    talk.dropped(OUT, length=10)
    Talk(street, 40001).open()


@case(ForgetFlows, idle_timeout=60.0)
def every_second_flow_is_forgotten(street: Street) -> None:
    talks = [Talk(street, 40000 + number).open() for number in range(4)]
    gone = street.do(ForgetFlows(BOX, every=2)).flows
    assert [name.split(" > ")[0].rpartition(":")[2] for name in gone] == ["40000", "40002"]
    for talk in talks[1::2]:
        talk.passes(IN, length=1)
    for talk in talks[::2]:
        talk.dropped(IN, length=1)


@case(ForgetFlows, idle_timeout=60.0)
def the_oldest_flow_is_forgotten(street: Street) -> None:
    first, second = Talk(street, 40000).open(), Talk(street, 40001).open()
    first.passes(IN, length=1)
    street.do(ForgetFlows(BOX, most=1))
    second.passes(IN, length=1)
    first.dropped(IN, length=1)


@case(SetIdleTimeout)
def the_idle_timeout_is_changed(street: Street) -> None:
    talk = Talk(street, 40000).open()
    street.do(SetIdleTimeout(BOX, 1.0))
    # What is known keeps its time until its next packet.
    talk.silent_for(0.6 * IDLE).passes(IN, length=1, before=IDLE)
    talk.silent_for(1.3).dropped(IN, length=1)
    street.do(SetIdleTimeout(BOX, None))
    again = Talk(street, 40001).open()
    again.silent_for(JUST_BEFORE).passes(IN, length=1, before=IDLE)
