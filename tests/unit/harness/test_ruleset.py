"""A profile's values as rules; that the kernel takes them is seen by the lab tests."""

from __future__ import annotations

from typing import Any

import pytest

from halfopen.errors import UnsupportedError
from halfopen.middlebox.ruleset import (
    LONGEST_TIMER,
    compile_block,
    compile_rules,
    compile_timers,
    timers,
)
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
    assert "established : 6" in compile_timers(VALUES)


def test_unacknowledged_data_does_not_shorten_the_life_of_an_entry() -> None:
    found = timers({**VALUES, "idle_timeout": 3600.0})
    assert found["unack"] == found["retrans"] == found["established"] == 3600


def test_never_is_longer_than_any_run() -> None:
    assert timers({**VALUES, "idle_timeout": None})["established"] == LONGEST_TIMER
    assert LONGEST_TIMER * 1000 < 2**34  # ticks at HZ=1000 fit the kernel's counter of jiffies


def test_a_late_packet_is_counted_and_dropped_or_rejected() -> None:
    def last_rule(values: dict[str, Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = compile_rules(values)["nftables"][-1]["add"]["rule"]["expr"]
        return found

    assert last_rule(VALUES) == [{"counter": "late"}, {"drop": None}]
    rejecting = last_rule({**VALUES, "late_packet": "rst sender"})
    assert rejecting == [{"counter": "late"}, {"reject": {"type": "tcp reset"}}]


@pytest.mark.parametrize(
    "change",
    [
        {"on_expiry": "rst both"},
        {"on_expiry": "fin"},
        {"late_packet": "readmit from inside"},
        {"late_packet": "pass untranslated"},
        {"keepalive_refreshes": False},
        {"nat": "source"},
    ],
)
def test_what_conntrack_cannot_do_is_unsupported_and_named(change: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedError) as caught:
        compile_rules({**VALUES, **change})
    (value,) = change.values()
    assert str(value) in str(caught.value) or "keepalive" in str(caught.value)


@pytest.mark.parametrize("name", sorted(all_profiles()))
def test_every_profile_is_compiled_or_unsupported(name: str) -> None:
    values = all_profiles()[name].values.model_dump(mode="json")
    try:
        assert compile_rules(values)["nftables"]
    except UnsupportedError as error:
        assert str(error)


def test_a_block_names_what_it_stops() -> None:
    def rule(*given: Any) -> dict[str, Any]:
        ((item,),) = (compile_block(*given)["nftables"],)
        found: dict[str, Any] = item["add"]["rule"]
        return found

    everything = rule("b", None, 1.0, "drop")
    assert everything["comment"] == "b"
    assert everything["expr"] == [{"counter": "blocked"}, {"drop": None}]
    half = rule("b", "198.18.2.2", 0.5, "unreachable")["expr"]
    assert half[0]["match"]["right"] == "198.18.2.2"
    assert half[1]["match"]["right"] == 500
    assert rule("b", None, 1.0, "reset")["expr"][0]["match"]["right"] == "tcp"
    assert rule("b", None, 0.0001, "drop")["expr"][0]["match"]["right"] == 1  # never none
