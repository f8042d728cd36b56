"""What a check looks at: the type of a parameter says whether it selects that, or bounds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from halfopen.fields.hosts import HostRef
from halfopen.fields.section import Section, marks


@dataclass(frozen=True)
class Selector:
    """Mark of a parameter that selects what a check looks at, beside its hosts.

    Two expectations with the same check, hosts and selectors are the same expectation: a variant
    replaces the one, and a file that has both is refused.
    """


def selected(section: Section) -> Mapping[str, object]:
    """The hosts and selectors of a section by their key, in the order of its fields.

    Defaults are among them: `fds: { at: receiver }` selects `kind: tcp` too.
    """
    return {
        field.alias or name: getattr(section, name)
        for name, field in type(section).model_fields.items()
        if any(isinstance(mark, HostRef | Selector) for mark in marks(field))
    }
