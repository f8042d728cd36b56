"""Middlebox profiles: what a firewall, NAT or load balancer does to idle connections, as data.

One YAML file a product lies in `data/`; a scenario can also name a file of its own
(`profile: ./my-firewall.yaml`).  Each figure says where it comes from and how sure that is.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from halfopen.ports import Profile
from halfopen.profiles._file import ASSUMED, CONFIDENCES, load_profile
from halfopen.profiles._values import MiddleboxValues

__all__ = ["ASSUMED", "CONFIDENCES", "MiddleboxValues", "all_profiles", "load_profile"]

DATA = Path(__file__).parent / "data"


@cache
def all_profiles() -> dict[str, Profile]:
    """Every profile that is shipped, by name.

    Raises:
        InputError: if a shipped file is wrong, which a test rules out.
    """
    profiles = {path.stem: load_profile(path) for path in DATA.glob("*.yaml")}
    return dict(sorted(profiles.items()))
