"""The arguments of a lab's calls, checked as the values of a scenario are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from halfopen.errors import UsageError
from halfopen.fields import Section
from halfopen.sections import suggest

S = TypeVar("S", bound=Section)


def validated(section: type[S], values: Mapping[str, Any], where: str) -> S:
    """The values as the section that they are for.

    Raises:
        UsageError: if one is wrong, with `where` in front.
    """
    try:
        return section.model_validate(dict(values))
    except ValidationError as error:
        found = error.errors(include_url=False)
        text = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in found)
        raise UsageError(f"{where}: {text}") from None


def unknown(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """That there is nothing of that name, with the nearest one."""
    return UsageError(f"unknown {kind} {name!r}; {suggest(name, known, 'available')}")
