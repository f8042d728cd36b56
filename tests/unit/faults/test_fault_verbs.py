"""What each fault comes to."""

from typing import Any

import pytest
from pydantic import ValidationError

from halfopen.faults import all_faults
from halfopen.packet_faults.block import Block
from halfopen.verbs import EndPacketFault, ForgetFlows, LimitFds, LosePower, SetLink, SignalProgram

FAULTS = [
    ("forget flows", {"at": "firewall"}, [ForgetFlows("firewall", None)], ("firewall",)),
    (
        "forget flows",
        {"at": "firewall", "of": "sender"},
        [ForgetFlows("firewall", "sender")],
        ("firewall", "sender"),
    ),
    ("kill", {"at": "sender"}, [SignalProgram("sender", "KILL")], ("sender",)),
    ("power loss", {"at": "sender"}, [LosePower("sender")], ("sender",)),
    ("pause", {"at": "sender"}, [SignalProgram("sender", "STOP")], ("sender",)),
    ("resume", {"at": "sender"}, [SignalProgram("sender", "CONT")], ("sender",)),
    (
        "silent drop",
        {"at": "firewall"},
        [Block("firewall", "silent drop towards both", None, share=1.0, manner="drop")],
        ("firewall",),
    ),
    (
        "silent drop",
        {"at": "firewall", "towards": "sender"},
        [Block("firewall", "silent drop towards sender", "sender", share=1.0, manner="drop")],
        ("firewall", "sender"),
    ),
    (
        "reject",
        {"at": "firewall", "with": "host unreachable"},
        [Block("firewall", "reject towards both", None, share=1.0, manner="unreachable")],
        ("firewall",),
    ),
    (
        "loss",
        {"at": "firewall", "share": "5 %"},
        [Block("firewall", "loss towards both of all", None, share=0.05, manner="drop")],
        ("firewall",),
    ),
    (
        "reboot",
        {"at": "firewall"},
        [Block("firewall", "reboot"), ForgetFlows("firewall")],
        ("firewall",),
    ),
    (
        "reboot",
        {"at": "firewall", "state": "kept"},
        [Block("firewall", "reboot")],
        ("firewall",),
    ),
    (
        "table full",
        {"at": "firewall"},
        [Block("firewall", "table full", only_new=True)],
        ("firewall",),
    ),
    ("fd limit", {"at": "receiver", "limit": 12}, [LimitFds("receiver", 12)], ("receiver",)),
    (
        "link down",
        {"between": ["sender", "firewall"]},
        [SetLink(("sender", "firewall"), up=False)],
        ("sender", "firewall"),
    ),
]

HEALS = [
    (
        "silent drop",
        {"at": "firewall", "towards": "sender"},
        [EndPacketFault("firewall", "silent drop towards sender")],
    ),
    (
        "loss",
        {"at": "firewall", "share": "5 %"},
        [EndPacketFault("firewall", "loss towards both of all")],
    ),
    (
        "link down",
        {"between": ["sender", "firewall"]},
        [SetLink(("sender", "firewall"), up=True)],
    ),
    ("forget flows", {"at": "firewall"}, []),
]


@pytest.mark.parametrize(("name", "params", "verbs"), HEALS)
def test_a_fault_says_how_it_is_healed(name: str, params: Any, verbs: Any) -> None:
    spec = all_faults()[name]
    assert list(spec.model_validate(params).heal()) == verbs


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("loss", {"at": "firewall", "share": "0 %"}),
        ("loss", {"at": "firewall", "share": "101 %"}),
        ("loss", {"at": "firewall", "share": "5"}),
        ("loss", {"at": "firewall"}),
        ("reject", {"at": "firewall", "with": "love"}),
        ("link down", {"between": ["sender", "sender"]}),
        ("link down", {"between": ["sender"]}),
    ],
)
def test_wrong_parameters_are_refused(name: str, params: Any) -> None:
    with pytest.raises(ValidationError):
        all_faults()[name].model_validate(params)


@pytest.mark.parametrize(("name", "params", "verbs", "hosts"), FAULTS)
def test_a_fault_is_compiled_to_verbs(name: str, params: Any, verbs: Any, hosts: Any) -> None:
    spec = all_faults()[name]
    read = spec.model_validate(params)
    assert list(read.verbs()) == verbs
    assert read.hosts() == hosts
    assert spec.model_validate(read.model_dump(mode="json")) == read


def test_all_are_found_and_described() -> None:
    assert {name for name, *_ in FAULTS} <= set(all_faults())
    assert all(spec.summary for spec in all_faults().values())


@pytest.mark.parametrize("name", list(all_faults()))
def test_a_fault_must_say_where(name: str) -> None:
    with pytest.raises(ValidationError):
        all_faults()[name].model_validate({})
