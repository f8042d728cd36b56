"""Units, addresses, verdicts: the plain data that all else rests on."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfopen.model.topology import lay_out
from halfopen.model.units import LONGEST, format_duration, parse_duration
from halfopen.model.verdict import CheckResult, Verdict, judge


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("75 s", 75.0),
        ("90 min", 5400.0),
        ("1 h 30 min", 5400.0),
        ("250ms", 0.25),
        ("0.5 s", 0.5),
        ("2 d", 172800.0),
    ],
)
def test_durations_are_read_as_people_write_them(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "75", "s", "-3 s", "3 parsecs", "1 h and 3 s", "99999 d"])
def test_what_is_no_duration_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"75 s, 90 min|ten years"):
        parse_duration(text)


@given(st.floats(min_value=0.001, max_value=LONGEST))
def test_a_formatted_duration_can_be_read_again_and_is_near(seconds: float) -> None:
    again = parse_duration(format_duration(seconds))
    assert abs(again - seconds) <= max(0.3 * seconds, 0.001)


@given(st.integers(min_value=2, max_value=9))
def test_every_host_of_a_path_can_reach_every_subnet(length: int) -> None:
    path = [f"h{n}" for n in range(length)]
    networks = lay_out(path)
    addresses = [i.address for n in networks.values() for i in n.interfaces]
    assert len(set(addresses)) == len(addresses) == 2 * (length - 1)
    owner = {i.address: name for name, n in networks.items() for i in n.interfaces}
    benchmark = ipaddress.ip_network("198.18.0.0/15")
    assert all(ipaddress.ip_address(address) in benchmark for address in addresses)
    for start in path:
        for address in addresses:
            here, hops = start, 0
            while owner[address] != here:
                network = networks[here]
                near = [i for i in network.interfaces if i.address[:-1] == address[:-1]]
                if near:  # on a link of this host: straight to it
                    here = owner[address]
                    break
                (route,) = [
                    r
                    for r in network.routes
                    if ipaddress.ip_address(address) in ipaddress.ip_network(r.subnet)
                ]
                here, hops = owner[route.gateway], hops + 1
                assert hops <= length


@pytest.mark.parametrize("path", [[], ["one"], ["a", "b", "a"]])
def test_a_path_that_is_none_is_refused(path: list[str]) -> None:
    with pytest.raises(ValueError, match="two to 200 different hosts"):
        lay_out(path)


def result(verdict: Verdict, expected: Verdict = Verdict.PASS) -> CheckResult:
    return CheckResult("x", verdict, 1, "", "because", expected=expected)


@pytest.mark.parametrize(
    ("checks", "verdict"),
    [
        ([], Verdict.UNKNOWN),
        ([result(Verdict.PASS)], Verdict.PASS),
        ([result(Verdict.PASS), result(Verdict.FAIL)], Verdict.FAIL),
        ([result(Verdict.PASS), result(Verdict.UNKNOWN)], Verdict.UNKNOWN),
        ([result(Verdict.UNKNOWN), result(Verdict.FAIL)], Verdict.FAIL),
        ([result(Verdict.UNSUPPORTED)], Verdict.UNKNOWN),
        # A scenario that reproduces a failure: exactly that failure, and no other.
        ([result(Verdict.FAIL, Verdict.FAIL)], Verdict.REPRODUCED),
        ([result(Verdict.PASS, Verdict.FAIL)], Verdict.FAIL),
        ([result(Verdict.UNKNOWN, Verdict.FAIL)], Verdict.UNKNOWN),
        ([result(Verdict.FAIL, Verdict.FAIL), result(Verdict.FAIL)], Verdict.FAIL),
        ([result(Verdict.FAIL, Verdict.FAIL), result(Verdict.UNKNOWN)], Verdict.UNKNOWN),
    ],
)
def test_the_verdict_of_a_variant(checks: list[CheckResult], verdict: Verdict) -> None:
    assert judge(checks)[0] is verdict
