"""A profile's values as rules; that the kernel takes them is seen by the lab tests."""

from __future__ import annotations

from typing import Any

import pytest

from halfopen.errors import UnsupportedError
from halfopen.middlebox.attachment import Attachment
from halfopen.middlebox.ruleset import (
    LONGEST_TIMER,
    compile_rules,
    settings,
    shortest_timer,
    timers,
)
from halfopen.model.topology import Interface
from halfopen.profiles import all_profiles

VALUES: dict[str, Any] = {
    "idle_timeout": 6.0,
    "half_open": 0.2,
    "half_closed": 2.4,
    "on_expiry": "silent",
    "late_packet": "drop",
    "keepalive_refreshes": True,
    "nat": "none",
}


def test_timers_are_whole_seconds_of_at_least_one() -> None:
    found = timers(VALUES)
    assert (found["established"], found["syn_sent"], found["fin_wait"]) == (6, 1, 2)
    assert all(isinstance(value, int) and value >= 1 for value in found.values())
    assert settings(VALUES)["net.netfilter.nf_conntrack_tcp_timeout_established"] == "6"


def test_unacknowledged_data_does_not_shorten_the_life_of_an_entry() -> None:
    found = timers({**VALUES, "idle_timeout": 3600.0})
    assert found["unacknowledged"] == found["max_retrans"] == found["established"] == 3600
    shorter = {**VALUES, "idle_timeout": 3600.0, "unacknowledged": 300.0}
    assert (shortest_timer(VALUES), shortest_timer(shorter)) == (6.0, 300.0)


def test_never_is_longer_than_any_run_and_fits_the_kernel() -> None:
    for long in (None, 1e9):
        found = timers({**VALUES, "idle_timeout": long})
        assert found["established"] == found["unacknowledged"] == LONGEST_TIMER
    assert LONGEST_TIMER * 1000 < 2**31  # ticks at HZ=1000, as an int


@pytest.mark.parametrize(
    ("late_packet", "loose"),
    [
        ("drop", "0"),
        ("rst inside sender", "0"),
        ("pass untranslated", "0"),
        ("readmit from inside", "1"),
        ("readmit from anywhere", "1"),
    ],
)
def test_only_what_readmits_strangers_takes_them_for_flows(late_packet: str, loose: str) -> None:
    found = settings({**VALUES, "late_packet": late_packet})
    assert found["net.netfilter.nf_conntrack_tcp_loose"] == loose


def rules(values: dict[str, Any], chain: str = "let-through") -> list[list[dict[str, Any]]]:
    compiled = compile_rules(values, AT)["nftables"]
    added = [item["add"]["rule"] for item in compiled if "rule" in item["add"]]
    return [rule["expr"] for rule in added if rule["chain"] == chain]


AT = Attachment(
    Interface("left1", "198.18.1.2", 24, "client"),
    Interface("right2", "198.18.2.1", 24, "server"),
    "198.18.2.2",
)
RESET = {"reject": {"type": "tcp reset"}}
COUNTED = {"counter": "late"}


def test_a_late_packet_is_counted_and_dropped_or_rejected() -> None:
    assert rules(VALUES)[-1] == [COUNTED, {"drop": None}]
    rejecting = rules({**VALUES, "late_packet": "rst sender"})
    assert rejecting[-2][-2:] == [COUNTED, RESET]
    assert rejecting[-1] == [COUNTED, {"drop": None}]  # there is no RST for anything but TCP
    assert rules({**VALUES, "late_packet": "pass untranslated"})[-1] == [COUNTED, {"accept": None}]


@pytest.mark.parametrize("late_packet", ["rst inside sender", "readmit from inside"])
def test_what_is_for_those_inside_asks_for_the_inward_interface(late_packet: str) -> None:
    special = rules({**VALUES, "late_packet": late_packet})[-2]
    inward = {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": "left1"}
    assert {"match": inward} in special
    assert special[-1] == (RESET if late_packet.startswith("rst") else {"accept": None})


def test_sources_are_translated_on_the_way_out_and_strangers_not_answered() -> None:
    values = {**VALUES, "nat": "source"}
    (translate,) = rules(values, "translate")
    assert translate[-1] == {"snat": {"family": "ip", "addr": "198.18.2.1"}}
    assert rules(values, "strangers")[0][-2:] == [COUNTED, {"drop": None}]
    rejecting = rules({**values, "late_packet": "rst sender"}, "strangers")
    assert rejecting[0][-1] == RESET
    # Where strangers are passed on untranslated, the box's own TCP answers, as Linux' does.
    assert rules({**values, "late_packet": "pass untranslated"}, "strangers") == []


@pytest.mark.parametrize(("count", "port"), [(1, 1024), (4, {"range": [1024, 1027]})])
def test_a_nat_with_few_ports_uses_no_others(count: int, port: object) -> None:
    (translate,) = rules({**VALUES, "nat": "source", "nat_ports": count}, "translate")
    assert translate[-1]["snat"]["port"] == port


def test_destinations_are_translated_on_the_way_in() -> None:
    values = {**VALUES, "nat": "destination"}
    (translate,) = rules(values, "translate")
    assert translate[-2]["match"]["right"] == "198.18.1.2"
    assert translate[-1] == {"dnat": {"family": "ip", "addr": "198.18.2.2"}}
    assert rules(values, "strangers")[0][1]["match"]["right"] == "left1"


@pytest.mark.parametrize(
    "change",
    [
        {"on_expiry": "rst both"},
        {"on_expiry": "fin"},
        {"keepalive_refreshes": False},
        {"table_size": 10},
    ],
)
def test_what_conntrack_cannot_do_is_unsupported_and_named(change: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedError) as caught:
        compile_rules({**VALUES, **change}, AT)
    (value,) = change.values()
    assert str(value) in str(caught.value) or "keepalive" in str(caught.value)


@pytest.mark.parametrize("name", sorted(all_profiles()))
def test_every_profile_is_compiled_or_unsupported(name: str) -> None:
    values = all_profiles()[name].values.model_dump(mode="json")
    try:
        assert compile_rules(values, AT)["nftables"]
    except UnsupportedError as error:
        assert str(error)
