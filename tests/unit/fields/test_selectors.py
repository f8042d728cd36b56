"""What a check looks at."""

import types
import typing
from typing import Any, Literal

import pytest

from halfopen.checkers import all_checks
from halfopen.fields import HostRef, Selector, marks, selected
from halfopen.ports import Check

CHECKS = all_checks()


def takes_names(annotation: Any) -> bool:
    """Whether a parameter may be a text of any kind, or one of a list of words."""
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        return any(takes_names(each) for each in typing.get_args(annotation))
    return annotation is str or origin is Literal


@pytest.mark.parametrize("check", CHECKS.values(), ids=list(CHECKS))
def test_every_name_in_a_check_says_what_it_is(check: type[Check]) -> None:
    """A host, a selector, or a bound: else two expectations would pass for one."""
    bounds = getattr(check, "bounds", ())
    for name, field in check.model_fields.items():
        marked = any(isinstance(mark, HostRef | Selector) for mark in marks(field))
        assert marked or name in bounds or not takes_names(field.annotation), name


def test_defaults_are_selected_too() -> None:
    fds = CHECKS["fds"].model_validate({"at": "receiver", "at end": 0})
    assert selected(fds) == {"at": "receiver", "sum over": None, "kind": "tcp"}
