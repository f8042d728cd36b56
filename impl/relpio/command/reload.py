"""What SIGHUP does: the configuration file is read again, and what can change does."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import NamedTuple

from relpio.command.options import Option

__all__ = ["Reload", "Reread"]


class Reread(NamedTuple):
    """How a command reads its options again.

    Attributes:
        known: what options there are.
        read: returns their values from command line and configuration file, as at the start;
            raises ConfigurationError.
    """

    known: Sequence[Option]
    read: Callable[[], argparse.Namespace]


class Reload:
    """Reads the options of a running command again.

    Attributes:
        options: those in use.
    """

    def __init__(
        self,
        options: argparse.Namespace,
        reread: Reread,
        apply: Callable[[argparse.Namespace], None],
    ) -> None:
        """Begin with the `options` of the start.

        Args:
            options: values of all options.
            reread: returns new ones.
            apply: puts new ones in use, or raises and leaves everything as it was.
        """
        self._reread = reread
        self._apply = apply
        self.options = options

    def __call__(self) -> dict[str, object]:
        """Put in use what can change; return what to log.

        Raises:
            ConfigurationError: an option is wrong; nothing has changed.
            OSError: a file cannot be used; nothing has changed.
        """
        new = self._reread.read()
        changed: list[str] = []
        kept: list[str] = []
        for option in self._reread.known:
            before = getattr(self.options, option.field)
            if getattr(new, option.field) == before:
                continue
            if option.live:
                changed.append(option.name)
            else:
                kept.append(option.name)
                setattr(new, option.field, before)
        self._apply(new)
        self.options = new
        fields: dict[str, object] = {"changed": ", ".join(changed) or "nothing"}
        if kept:
            fields["needs_restart"] = ", ".join(kept)
        return fields
