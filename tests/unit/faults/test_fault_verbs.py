"""What each fault comes to."""

from typing import Any

import pytest
from pydantic import ValidationError

from halfopen.faults import all_faults
from halfopen.verbs import ForgetFlows, SignalProgram

FAULTS = [
    ("forget flows", {"at": "firewall"}, [ForgetFlows("firewall", None)], ("firewall",)),
    (
        "forget flows",
        {"at": "firewall", "of": "sender"},
        [ForgetFlows("firewall", "sender")],
        ("firewall", "sender"),
    ),
    ("kill", {"at": "sender"}, [SignalProgram("sender", "KILL")], ("sender",)),
    ("pause", {"at": "sender"}, [SignalProgram("sender", "STOP")], ("sender",)),
    ("resume", {"at": "sender"}, [SignalProgram("sender", "CONT")], ("sender",)),
]


@pytest.mark.parametrize(("name", "params", "verbs", "hosts"), FAULTS)
def test_a_fault_is_compiled_to_verbs(name: str, params: Any, verbs: Any, hosts: Any) -> None:
    spec = all_faults()[name]
    read = spec.params.model_validate(params)
    assert list(spec.verbs(read)) == verbs
    assert spec.hosts(read) == hosts
    assert spec.params.model_validate(read.model_dump(mode="json")) == read


def test_all_are_found_and_described() -> None:
    assert list(all_faults()) == ["forget flows", "kill", "pause", "resume"]
    assert all(spec.summary for spec in all_faults().values())


@pytest.mark.parametrize("name", list(all_faults()))
def test_a_fault_must_say_where(name: str) -> None:
    with pytest.raises(ValidationError):
        all_faults()[name].params.model_validate({})
