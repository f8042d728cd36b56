"""What the faults that impair packets come to, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from halfopen.faults import all_faults
from halfopen.packet_faults.block import Block
from halfopen.packet_faults.impair import Impair
from halfopen.verbs import EndPacketFault, Verb

BOTH = "towards both of all"

IMPAIRMENTS: list[tuple[str, dict[str, Any], Verb, Verb]] = [
    (
        "delay",
        {"by": "200 ms"},
        Impair("firewall", f"delay {BOTH}", delay=0.2),
        EndPacketFault("firewall", f"delay {BOTH}"),
    ),
    (
        "delay",
        {"by": "1 s", "towards": "receiver", "of": "sender"},
        Impair("firewall", "delay towards receiver of sender", "receiver", "sender", delay=1.0),
        EndPacketFault("firewall", "delay towards receiver of sender"),
    ),
    (
        "jitter",
        {"around": "100 ms", "by": "80 ms"},
        Impair("firewall", f"jitter {BOTH}", delay=0.1, jitter=0.08),
        EndPacketFault("firewall", f"jitter {BOTH}"),
    ),
    (
        "reordering",
        {"share": "20 %", "by": "50 ms"},
        Impair("firewall", f"reordering {BOTH}", delay=0.05, reorder=0.2),
        EndPacketFault("firewall", f"reordering {BOTH}"),
    ),
    (
        "duplication",
        {"share": "20 %"},
        Impair("firewall", f"duplication {BOTH}", duplicate=0.2),
        EndPacketFault("firewall", f"duplication {BOTH}"),
    ),
    (
        "corruption",
        {"share": "0.5 %"},
        Impair("firewall", f"corruption {BOTH}", corrupt=0.005),
        EndPacketFault("firewall", f"corruption {BOTH}"),
    ),
    (
        "rate",
        {"limit": "1 Mbit/s", "backlog": 20},
        Impair("firewall", f"rate {BOTH}", rate=125_000.0, backlog=20),
        EndPacketFault("firewall", f"rate {BOTH}"),
    ),
    (
        "loss",
        {"share": "10 %", "bursts of": 5},
        Impair("firewall", f"loss {BOTH} in bursts", loss=0.1, burst=5.0),
        EndPacketFault("firewall", f"loss {BOTH} in bursts"),
    ),
    (
        "loss",
        {"share": "10 %", "of": "sender"},
        Block("firewall", "loss towards both of sender", share=0.1, client="sender"),
        EndPacketFault("firewall", "loss towards both of sender"),
    ),
]


@pytest.mark.parametrize(("name", "params", "verb", "end"), IMPAIRMENTS)
def test_an_impairment_is_compiled_and_healed(
    name: str, params: dict[str, Any], verb: Verb, end: Verb
) -> None:
    spec = all_faults()[name]
    read = spec.model_validate({"at": "firewall", **params})
    assert list(read.verbs()) == [verb]
    assert list(read.heal()) == [end]
    assert spec.model_validate(read.model_dump(mode="json")) == read
    named = {"firewall", *(params[key] for key in ("towards", "of") if key in params)}
    assert set(read.hosts()) == named


@pytest.mark.parametrize(
    ("written", "octets"),
    [
        ("100 kB/s", 100_000.0),
        ("1 Mbit/s", 125_000.0),
        ("8 bit/s", 1.0),
        ("1.5 MiB/s", 1_572_864.0),
        ("2Gbit/s", 250_000_000.0),
    ],
)
def test_rates_have_units(written: str, octets: float) -> None:
    rate = all_faults()["rate"]
    read = rate.model_validate({"at": "firewall", "limit": written})
    assert read.verbs()[0].rate == octets  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "params", "said"),
    [
        ("rate", {"limit": "100"}, "not a rate"),
        ("rate", {"limit": "0 kB/s"}, "not a rate"),
        ("rate", {"limit": "100 kB"}, "not a rate"),
        ("rate", {"limit": "fast"}, "100 kB/s or 1 Mbit/s"),
        ("rate", {"limit": "1 bit/s"}, "greater than or equal to 1"),
        ("rate", {"limit": "1 kB/s", "backlog": -1}, "greater than or equal to 0"),
        ("delay", {"by": "200"}, "not a duration"),
        ("delay", {"by": "0 s"}, "greater than 0"),
        ("delay", {}, "Field required"),
        ("jitter", {"around": "50 ms", "by": "80 ms"}, "before it arrives"),
        ("reordering", {"share": "20 %"}, "Field required"),
        ("loss", {"share": "10 %", "bursts of": 1}, "greater than or equal to 2"),
        ("duplication", {"share": "0 %"}, "not a share"),
        ("corruption", {"share": "200 %"}, "not a share"),
    ],
)
def test_what_makes_no_sense_is_refused(name: str, params: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        all_faults()[name].model_validate({"at": "firewall", **params})
