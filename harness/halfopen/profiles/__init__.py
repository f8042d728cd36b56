"""Middlebox profiles: what a firewall, NAT or load balancer does to idle connections, as data.

One YAML file a product lies in `data/`; a scenario can also name a file of its own
(`profile: ./my-firewall.yaml`).  Each figure says where it comes from and how sure that is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from halfopen.ports import Profile
from halfopen.profiles._file import ASSUMED, CONFIDENCES, load_profile
from halfopen.profiles._values import MiddleboxValues

__all__ = ["ASSUMED", "CONFIDENCES", "MiddleboxValues", "all_profiles", "load_profile"]

DATA = Path(__file__).parent / "data"


class _Shelf(Mapping[str, Profile]):
    """Profiles by name; a file is read when its profile is asked for: few of them ever are."""

    def __init__(self, directory: Path) -> None:
        self._paths = {path.stem: path for path in sorted(directory.glob("*.yaml"))}
        self._read: dict[str, Profile] = {}

    def __getitem__(self, name: str) -> Profile:
        if name not in self._read:
            self._read[name] = load_profile(self._paths[name])
        return self._read[name]

    def __contains__(self, name: object) -> bool:
        return name in self._paths

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


@cache
def all_profiles() -> Mapping[str, Profile]:
    """Every profile that is shipped, by name.

    Asking for one raises InputError if its file is wrong, which a test rules out.
    """
    return _Shelf(DATA)
