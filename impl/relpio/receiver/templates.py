"""Paths of files with places: `/var/log/hosts/{host}/{app}-{date}.log`.

What fills a place comes from outside. It becomes a part of one name: it cannot name a directory, a
hidden file or an option, and it is not long.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

from relpio.errors import ConfigurationError
from relpio.receiver.received import Received
from relpio.syslog import NO_HEADER, SyslogHeader

__all__ = ["PLACES", "Template", "has_places", "safe_name"]

PLACES = ("peer", "host", "app", "date")

UNKNOWN = "unknown"
"""Name of a program that a message does not name."""

_PLACE = re.compile(r"\{([^{}/]*)\}")
_UNSAFE = re.compile(r"[^A-Za-z0-9.:_-]")
_MAX_NAME = 64
_MAX_COMPONENT = 255  # bytes of a name (NAME_MAX of Linux)


def safe_name(name: str) -> str:
    """Return `name` as a part of a file name: no directory, not hidden, not long."""
    clean = _UNSAFE.sub("_", name)[:_MAX_NAME]
    return "_" + clean[1:] if clean[:1] in ("", ".", "-") else clean


def has_places(path: str) -> bool:
    """Tell whether a path is a template."""
    return _PLACE.search(path) is not None


class Template:
    """A path with places.

    `{peer}` is the sender's address (`unix` for all clients of Unix sockets), `{host}` and `{app}`
    are what the message's header says, else the address and `unknown`; `{date}` is the day of
    receipt, in local time, as 2026-11-27.

    Attributes:
        makes_directories: a directory has a place in its name.
    """

    def __init__(self, text: str) -> None:
        """Read a template.

        Raises:
            ConfigurationError: it has no place, or one that does not exist, or a name could become
                too long.
        """
        self._text = text
        names = [match[1] for match in _PLACE.finditer(text)]
        if not names:
            raise ConfigurationError(f"{text!r} has no place: write {_places()} in it")
        for name in names:
            if name not in PLACES:
                from difflib import get_close_matches  # for an error only

                close = get_close_matches(name, PLACES, n=1)
                hint = f"did you mean {{{close[0]}}}?" if close else f"write {_places()}"
                raise ConfigurationError(f"{text!r}: unknown place {{{name}}}; {hint}")
        for part in Path(text).parts:
            longest = len(_PLACE.sub("", part).encode()) + _MAX_NAME * len(_PLACE.findall(part))
            if longest > _MAX_COMPONENT:
                raise ConfigurationError(
                    f"{text!r}: the name {part!r} could become longer than {_MAX_COMPONENT} bytes"
                )
        self.makes_directories = has_places(str(Path(text).parent))
        self._of_header = "host" in names or "app" in names

    def split(self, received: Received) -> Iterator[tuple[str, Received]]:
        """Yield the paths that these messages go to, and which of them, in order."""
        if not self._of_header:
            yield self.path(received.peer, received.time), received
            return
        by_path: dict[str, list[int]] = {}
        paths: dict[tuple[str | None, str | None], str] = {}
        for place, header in enumerate(received.headers):
            key = (header.host, header.app)
            if key not in paths:
                paths[key] = self.path(received.peer, received.time, header)
            by_path.setdefault(paths[key], []).append(place)
        for path, places in by_path.items():
            yield path, received.only(places)

    def path(self, peer: str, unix_time: float, header: SyslogHeader = NO_HEADER) -> str:
        """Return the path of a message's file."""
        values = {
            "peer": safe_name(peer),
            "host": safe_name(header.host or peer),
            "app": safe_name(header.app or UNKNOWN),
            "date": time.strftime("%Y-%m-%d", time.localtime(unix_time)),
        }
        return _PLACE.sub(lambda match: values[match[1]], self._text)


def _places() -> str:
    names = [f"{{{name}}}" for name in PLACES]
    return f"{', '.join(names[:-1])} or {names[-1]}"
