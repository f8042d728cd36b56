"""Faults of flows and paths: what they come to, now, later and when they are healed."""

from __future__ import annotations

import math
from typing import Any

import pytest
from pydantic import ValidationError

from halfopen.faults import all_faults
from halfopen.packet_faults.block import Block
from halfopen.packet_faults.drop_segments import DropSegments
from halfopen.verbs import (
    CutLink,
    DrainServer,
    EndPacketFault,
    ForgetFlows,
    Rebind,
    SetIdleTimeout,
    SetLink,
    SetRoute,
    Verb,
)

PAIR = ("sender", "firewall")

FAULTS: list[tuple[str, dict[str, Any], list[Verb], list[Verb]]] = [
    (
        "forget flows",
        {"at": "f", "of": "sender", "every": 2, "most": 3},
        [ForgetFlows("f", "sender", 2, 3)],
        [],
    ),
    (
        "idle timeout",
        {"at": "f", "becomes": "10 min"},
        [SetIdleTimeout("f", 600.0)],
        [SetIdleTimeout("f", None)],
    ),
    (
        "idle timeout",
        {"at": "f", "becomes": "never"},
        [SetIdleTimeout("f", math.inf)],
        [SetIdleTimeout("f", None)],
    ),
    ("partition", {"between": list(PAIR)}, [CutLink(PAIR, True)], [CutLink(PAIR, False)]),
    (
        "route loss",
        {"at": "firewall", "towards": "sender"},
        [SetRoute("firewall", "sender", False)],
        [SetRoute("firewall", "sender", True)],
    ),
    (
        "mtu black hole",
        {"at": "f", "mtu": 1280},
        [Block("f", "mtu black hole towards both", longer_than=1280)],
        [EndPacketFault("f", "mtu black hole towards both")],
    ),
    (
        "segment drop",
        {"at": "f", "towards": "receiver", "only": "syn", "first": 2},
        [
            DropSegments(
                "f", "segment drop towards receiver only syn", "receiver", only="syn", first=2
            )
        ],
        [EndPacketFault("f", "segment drop towards receiver only syn")],
    ),
    (
        "segment drop",
        {"at": "f", "every": 3},
        [DropSegments("f", "segment drop towards both only any", every=3)],
        [EndPacketFault("f", "segment drop towards both only any")],
    ),
    (
        "connect failure",
        {"at": "f", "towards": "receiver", "with": "time-out"},
        [Block("f", "connect failure towards receiver", "receiver", only_new=True)],
        [EndPacketFault("f", "connect failure towards receiver")],
    ),
    (
        "connect failure",
        {"at": "f"},
        [Block("f", "connect failure towards both", manner="reset", only_new=True)],
        [EndPacketFault("f", "connect failure towards both")],
    ),
    (
        "drain",
        {"at": "f", "server": "receiver"},
        [DrainServer("f", "receiver", out=True)],
        [DrainServer("f", "receiver", out=False)],
    ),
    ("nat rebinding", {"at": "f", "of": "sender"}, [Rebind("f", "sender")], []),
    ("failover", {"at": "f"}, [Block("f", "failover"), ForgetFlows("f")], []),
    ("failover", {"at": "f", "state": "kept"}, [Block("f", "failover")], []),
    (
        "link flap",
        {"between": list(PAIR), "down": "2 s", "up": "3 s"},
        [SetLink(PAIR, False)],
        [SetLink(PAIR, True)],
    ),
]


@pytest.mark.parametrize(("name", "params", "verbs", "heal"), FAULTS)
def test_a_fault_of_a_path_is_compiled_to_verbs(
    name: str, params: dict[str, Any], verbs: list[Verb], heal: list[Verb]
) -> None:
    spec = all_faults()[name]
    read = spec.model_validate(params)
    assert (list(read.verbs()), list(read.heal())) == (verbs, heal)
    assert spec.model_validate(read.model_dump(mode="json")) == read
    assert set(read.every_verb()) >= {*verbs, *heal}


def test_a_link_that_flaps_is_up_in_the_end() -> None:
    spec = all_faults()["link flap"]
    params = {"between": PAIR, "down": "2 s", "up": "3 s", "times": 3}
    later = list(spec.model_validate(params).schedule())
    assert [(at, verb.up) for at, verb in later if isinstance(verb, SetLink)] == [
        (2, True),
        (5, False),
        (7, True),
        (10, False),
        (12, True),
    ]


def test_a_standby_takes_over_by_itself() -> None:
    spec = all_faults()["failover"]
    later = spec.model_validate({"at": "f", "takes": "5 s"}).schedule()
    assert list(later) == [(5.0, EndPacketFault("f", "failover"))]


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("forget flows", {"at": "f", "every": 0}),
        ("forget flows", {"at": "f", "most": 0}),
        ("idle timeout", {"at": "f"}),
        ("idle timeout", {"at": "f", "becomes": "soon"}),
        ("link flap", {"between": PAIR, "down": "0 s", "up": "1 s"}),
        ("link flap", {"between": PAIR, "down": "1 s", "up": "1 s", "times": 0}),
        ("link flap", {"between": ("a", "a"), "down": "1 s", "up": "1 s"}),
        ("partition", {"between": ("a", "a")}),
        ("route loss", {"at": "a", "towards": "a"}),
        ("mtu black hole", {"at": "f"}),
        ("segment drop", {"at": "f"}),
        ("segment drop", {"at": "f", "only": "psh"}),
        ("segment drop", {"at": "f", "first": 0}),
        ("segment drop", {"at": "f", "every": 1}),
        ("segment drop", {"at": "f", "first": 2, "every": 2}),
        ("mtu black hole", {"at": "f", "mtu": 10}),
        ("connect failure", {"at": "f", "with": "love"}),
        ("failover", {"at": "f", "takes": "0 s"}),
        ("failover", {"at": "f", "state": "broken"}),
    ],
)
def test_wrong_parameters_of_a_path_are_refused(name: str, params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        all_faults()[name].model_validate(params)
