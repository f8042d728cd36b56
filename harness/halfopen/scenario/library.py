"""The scenario library: in a wheel inside the package, else in the checkout beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from halfopen.errors import UsageError
from halfopen.sections import nearest

SUFFIX = ".scenario.yaml"
MARK = "@"
"""Before the name of a scenario, or a directory, of the library."""

_PLACES = (Path(__file__).parents[1] / "library", Path(__file__).parents[3] / "scenarios")
_TITLE = "scenario: "


def directory(places: Sequence[Path] = _PLACES) -> Path:
    """Where the library lies.

    Raises:
        UsageError: it was not installed.
    """
    for place in places:
        if any(place.rglob(f"*{SUFFIX}")):
            return place
    raise UsageError("the scenario library is not installed; install halfopen from its wheel")


def names() -> list[str]:
    """All scenarios, as `incidents/fortigate-idle-relp`, in order."""
    below = directory()
    files = sorted(below.rglob(f"*{SUFFIX}"))
    return [str(each.relative_to(below)).removesuffix(SUFFIX) for each in files]


def title(name: str) -> str:
    """What a scenario says that it is, read from its line alone."""
    lines = file_of(name).read_text(encoding="utf-8").splitlines()
    found = next((line for line in lines if line.startswith(_TITLE)), _TITLE)
    return found.removeprefix(_TITLE).strip()


def file_of(name: str) -> Path:
    """The file of a scenario: `fortigate-idle-relp`, or `incidents/fortigate-idle-relp`.

    Raises:
        UsageError: if there is none, or there are several; with the nearest names.
    """
    known = names()
    found = [each for each in known if name in (each, each.rpartition("/")[2])]
    if len(found) > 1:
        raise UsageError(
            f"{MARK}{name}: there are several; write {' or '.join(MARK + each for each in found)}"
        )
    if not found:
        last = {each.rpartition("/")[2] for each in known}
        choice = known if "/" in name else last
        near = nearest(name, choice)
        remedy = f"did you mean {MARK}{near}?" if near else "`halfopen library` lists them"
        raise UsageError(f"{MARK}{name}: the library has no such scenario; {remedy}")
    return directory() / f"{found[0]}{SUFFIX}"


def path_of(name: str) -> Path:
    """The file of a scenario, or a directory of the library; all of it for an empty name.

    Raises:
        UsageError: as :func:`file_of`.
    """
    below = directory()
    inside = below / name
    if inside.is_dir() and inside.resolve().is_relative_to(below.resolve()):
        return inside
    return file_of(name)
