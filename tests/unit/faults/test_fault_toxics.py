"""The toxics as verbs, in Toxiproxy's own words and units."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from halfopen.faults import all_faults
from halfopen.scenario.scaling import scale_section
from halfopen.verbs import EnableProxy, RemoveToxic, SetToxic, verb_from_json, verb_to_json

TOXICS: list[tuple[str, dict[str, Any], str, dict[str, int]]] = [
    (
        "toxic latency",
        {"latency": "1.5 s", "jitter": "250 ms"},
        "latency",
        {"latency": 1500, "jitter": 250},
    ),
    ("toxic latency", {"latency": "40 ms"}, "latency", {"latency": 40, "jitter": 0}),
    ("toxic bandwidth", {"rate": "64 kB/s"}, "bandwidth", {"rate": 64}),
    ("toxic slow close", {"delay": "2 s"}, "slow_close", {"delay": 2000}),
    ("toxic timeout", {}, "timeout", {"timeout": 0}),
    ("toxic timeout", {"timeout": "3 s"}, "timeout", {"timeout": 3000}),
    ("toxic reset peer", {"timeout": "5 ms"}, "reset_peer", {"timeout": 5}),
    (
        "toxic slicer",
        {"average size": "64 bytes", "size variation": "8 bytes", "delay": "2 ms"},
        "slicer",
        {"average_size": 64, "size_variation": 8, "delay": 2000},
    ),
    ("toxic limit data", {"limit": "2 KiB"}, "limit_data", {"bytes": 2048}),
]


def section(fault: str, params: dict[str, Any]) -> Any:
    return all_faults()[fault].model_validate({"at": "proxy", **params})


@pytest.mark.parametrize(("fault", "params", "kind", "attributes"), TOXICS)
def test_a_toxic_is_set_and_removed(
    fault: str, params: dict[str, Any], kind: Any, attributes: dict[str, int]
) -> None:
    given = section(fault, params)
    assert list(given.verbs()) == [SetToxic("proxy", kind, "downstream", 1.0, attributes)]
    assert list(given.heal()) == [RemoveToxic("proxy", kind, "downstream")]
    assert given.hosts() == ("proxy",)
    for verb in given.every_verb():
        assert verb_from_json(verb_to_json(verb)) == verb


def test_every_toxic_is_here() -> None:
    assert {name for name in all_faults() if name.startswith("toxic ")} == {t[0] for t in TOXICS}


def test_both_directions_are_two_toxics_and_toxicity_is_a_share() -> None:
    given = section("toxic timeout", {"stream": "both", "toxicity": "25 %"})
    assert [(v.stream, v.toxicity) for v in given.verbs() if isinstance(v, SetToxic)] == [
        ("upstream", 0.25),
        ("downstream", 0.25),
    ]
    assert len(given.heal()) == 2


def test_a_proxy_goes_down_and_comes_up() -> None:
    given = section("proxy down", {})
    assert list(given.verbs()) == [EnableProxy("proxy", False)]
    assert list(given.heal()) == [EnableProxy("proxy", True)]


def test_what_waits_for_silence_is_scaled_and_what_delays_data_is_not() -> None:
    latency, _ = scale_section(section("toxic latency", {"latency": "2 s"}), 600)
    timeout, _ = scale_section(section("toxic timeout", {"timeout": "1 h"}), 600)
    (slow,) = all_faults()["toxic latency"].verbs(latency)
    (ends,) = all_faults()["toxic timeout"].verbs(timeout)
    assert isinstance(slow, SetToxic) and isinstance(ends, SetToxic)
    assert slow.attributes["latency"] == 2000
    assert ends.attributes["timeout"] == 6000


def test_no_scale_makes_never_of_a_short_time() -> None:
    timeout, _ = scale_section(section("toxic timeout", {"timeout": "1 s"}), 100_000)
    (verb,) = timeout.verbs()
    assert isinstance(verb, SetToxic)
    assert verb.attributes == {"timeout": 1}, "0 means never"


@pytest.mark.parametrize(
    ("fault", "params", "words"),
    [
        ("toxic latency", {"latency": "200"}, "not a duration"),
        ("toxic latency", {}, "latency"),
        ("toxic bandwidth", {"rate": "100 B/s"}, "1000"),
        ("toxic bandwidth", {"rate": "64 KiB/s"}, "multiple of 1000"),
        ("toxic slicer", {"average size": "9 bytes", "size variation": "9 bytes"}, "vanish"),
        ("toxic limit data", {"limit": "0 bytes"}, "greater than"),
        ("toxic timeout", {"toxicity": "0 %"}, "share"),
        ("toxic timeout", {"stream": "sideways"}, "upstream"),
        ("toxic timeout", {"latency": "1 s"}, "latency"),
    ],
)
def test_a_toxic_that_is_none_is_refused(fault: str, params: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        section(fault, params)
