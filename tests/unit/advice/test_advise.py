"""Advice: whether settings fit, when a dead peer is found, what to set."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from halfopen.advice import Advice, Settings, advise, read_hop
from halfopen.advice.record import as_record
from halfopen.advice.text import print_advice
from halfopen.errors import InputError, UsageError
from halfopen.kernel import HZS, Keepalive, Stack
from halfopen.profiles import all_profiles


def ask(
    *firewalls: str, keepalive: str = "", patience: float | None = None, hz: int = 250
) -> Advice:
    hops = [read_hop(each, all_profiles()) for each in firewalls]
    ka = Keepalive(*map(int, keepalive.split("/"))) if keepalive else None
    return advise(hops, Settings(ka, patience, Stack(hz=hz)))


def text(advice: Advice) -> str:
    out = io.StringIO()
    print_advice(advice, Console(file=out, width=200))
    return out.getvalue()


def test_340_is_unsafe_against_350_because_timers_fire_late() -> None:
    advice = ask("350", keepalive="340/75/9")
    assert not advice.safe
    (hop,) = advice.hops
    assert hop.margin == pytest.approx(350 - 356.384 - 0.5)
    assert "up to 16.4 s at HZ=250" in hop.why
    assert "too close" in hop.why
    assert text(advice).startswith("UNSAFE")
    # What is late by more than ten seconds at one HZ is not at another.
    assert ask("350", keepalive="340/5/9", hz=300).hops[0].margin == pytest.approx(-4.153, abs=0.01)
    assert ask("350", keepalive="330/5/9", hz=300).safe


@pytest.mark.parametrize(
    ("firewall", "keepalive", "patience", "safe", "robust"),
    [
        ("fortigate", "1800/75/9", None, True, True),
        ("fortigate", "7200/75/9", None, False, False),
        ("fortigate", "", None, False, False),
        ("350", "60/75/9", None, True, True),  # the period is 75 s
        ("100", "60/99/9", None, False, False),  # and here it is 99 s, and late
        ("350", "200/300/2", None, True, False),  # the next probe would come too late
        ("350", "175/75/1", None, True, False),  # there is no next one
        ("350", "175/75/9", 200.0, True, False),  # nor here
        ("350", "175/75/1", 400.0, True, True),
        ("linux-conntrack", "7200/75/9", None, True, True),
        ("envoy", "60/10/5", None, False, False),
        ("aws-classic-lb", "10/10/5", None, False, False),
        ("aws-nlb-tls", "60/10/5", None, True, True),  # probes both sides itself
        ("haproxy=50", "10/10/5", None, False, False),
        ("rfc5382", "7200/75/9", None, True, True),
    ],
)
def test_verdicts(
    firewall: str, keepalive: str, patience: float | None, safe: bool, robust: bool
) -> None:
    advice = ask(firewall, keepalive=keepalive, patience=patience)
    assert (advice.safe, advice.robust) == (safe, robust)
    assert advice.hops[0].why in " ".join(text(advice).replace("\n", " ").split())


@pytest.mark.parametrize(("hz", "safe"), [(100, False), (250, True), (300, False), (1000, False)])
def test_two_hours_can_miss_even_the_floor_of_rfc_5382(hz: int, safe: bool) -> None:
    assert ask("rfc5382", keepalive="7200/75/9", hz=hz).safe == safe


def test_several_firewalls_in_a_row_each_for_itself() -> None:
    advice = ask("fortigate", "aws-nlb-tcp", "gcp-vpc", keepalive="400/75/9")
    assert [each.safe for each in advice.hops] == [True, False, True]
    assert advice.suggestion is not None
    assert str(advice.suggestion.settings.keepalive) == "175/75/9"  # by the shortest
    assert advice.suggestion.settings.user_timeout == 850.0


def test_behind_a_proxy_no_probe_arrives() -> None:
    advice = ask("300", "nginx-stream", "300", keepalive="60/10/5")
    assert [each.safe for each in advice.hops] == [True, False, False]
    assert "nginx-stream terminates the connection" in advice.hops[2].why
    assert advice.suggestion is None
    assert "the application itself must send data at least every 150 s" in text(advice)


def test_dead_peers_idle_and_busy_with_and_without() -> None:
    advice = ask("fortigate", keepalive="1800/75/9", patience=2475.0)
    idle, busy = advice.with_these.idle, advice.with_these.busy
    assert idle is not None
    assert idle.earliest == busy.earliest - 0.204 == 2475.0
    assert advice.without.idle is None
    assert 938.5 in advice.without.busy
    assert "never" in text(advice)


def test_keepalive_that_will_do_stays_as_it_is() -> None:
    advice = ask("azure-lb", keepalive="120/30/9")
    assert advice.suggestion is not None
    assert str(advice.suggestion.settings.keepalive) == "120/30/9"
    assert "also set:\n    TCP_USER_TIMEOUT 390000" in text(advice)
    assert "These settings are fine." in text(ask("azure-lb", keepalive="120/30/9", patience=390.0))


def test_unverified_figures_say_so() -> None:
    assert any("is unverified" in note for note in ask("carrier-nat").notes)
    assert not any("is unverified" in note for note in ask("fortigate").notes)


@pytest.mark.parametrize(
    ("firewall", "says"),
    [
        ("fortigate", "drops a flow silently; the next sender gets no answer"),
        ("aws-nat-gateway", "the next sender gets a RST if it is inside"),
        ("f5-fastl4", "sends a RST to both sides"),
        ("aws-classic-lb", "closes an idle connection"),
    ],
)
def test_what_happens_when_it_is_forgotten(firewall: str, says: str) -> None:
    (note,) = (each for each in ask(firewall).notes if each.startswith(firewall))
    assert says in note


def test_nothing_forgotten_nothing_needed(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("profile: mine\nidle timeout: never\n")
    advice = ask(str(path))
    assert advice.safe
    assert advice.suggestion is None
    assert "no keepalive is needed" in text(advice)


@pytest.mark.parametrize(
    ("firewall", "message"),
    [
        ("fortgate", "did you mean 'fortigate'"),
        ("zyx", "unknown profile 'zyx'; use a profile"),
        ("0", "not within 1 s to 10 years"),
        ("350x", "unknown profile '350x'"),
        ("fortigate=soon", "'soon' is not a duration"),
        ("fortigate=10", "use 300 s to 32 d"),
        ("aws-nat-gateway=60", "it is fixed at 350 s"),
        ("haproxy", "give your own timeout, for example haproxy=50"),
    ],
)
def test_bad_firewalls_are_told_what_would_be_right(firewall: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_hop(firewall, all_profiles())


def test_a_profile_that_is_not_there() -> None:
    with pytest.raises(InputError, match="no such file"):
        read_hop("./mine.yaml", all_profiles())


@given(
    st.lists(st.sampled_from([*map(str, (1, 2, 3, 10, 59, 350, 7440, 432000)), "fortigate",
                              "azure-lb", "ipvs"]), min_size=1, max_size=3),
    st.sampled_from(HZS),
)  # fmt: skip
def test_what_is_suggested_is_safe(firewalls: list[str], hz: int) -> None:
    suggestion = ask(*firewalls, hz=hz).suggestion
    shortest = min(h.idle or 1e9 for h in (read_hop(f, all_profiles()) for f in firewalls))
    if shortest < 2:
        assert suggestion is None  # keepalive takes whole seconds
        return
    assert suggestion is not None
    keepalive = suggestion.settings.keepalive
    assert keepalive is not None
    again = advise([read_hop(f, all_profiles()) for f in firewalls], suggestion.settings)
    assert again.safe
    assert again.robust == suggestion.robust
    assert again.robust or shortest < 10
    assert keepalive.idle <= max(1, shortest / 2)
    assert keepalive.interval <= max(1, shortest / 4)


@given(
    st.integers(1, 32767), st.integers(1, 32767), st.integers(1, 127),
    st.one_of(st.none(), st.integers(1, 2**31 - 1)), st.sampled_from(HZS),
)  # fmt: skip
def test_every_answer_can_be_written_both_ways(
    idle: int, interval: int, probes: int, patience: int | None, hz: int
) -> None:
    hops = [read_hop(each, all_profiles()) for each in ("350", "azure-lb", "envoy")]
    seconds = None if patience is None else patience / 1000
    advice = advise(hops, Settings(Keepalive(idle, interval, probes), seconds, Stack(hz=hz)))
    assert json.loads(json.dumps(as_record(advice)))["safe"] is False
    assert "UNSAFE" in text(advice)
    for each in advice.hops:
        assert each.safe or not each.robust
