"""Configuration files as text, judged as `halfopen advise --config` does."""

from __future__ import annotations

from collections.abc import Sequence

from halfopen.advice import read_hop
from halfopen.advice.config_files import Configuration, config_readers
from halfopen.advice.config_judge import JudgedConnection, Survival, edited, judge_configuration
from halfopen.advice.config_model import ConfiguredConnection, Source, Sysctls
from halfopen.kernel import Stack
from halfopen.profiles import all_profiles


def read(kind: str, *texts: str) -> list[ConfiguredConnection]:
    """The connections of files `0.conf`, `1.conf` and so on."""
    return list(config_readers()[kind].read(sources(texts)))


def sources(texts: Sequence[str]) -> list[Source]:
    return [Source(f"{number}.conf", text) for number, text in enumerate(texts)]


def judge(
    kind: str, *texts: str, firewalls: str = "350", system: Sysctls | None = None
) -> list[JudgedConnection]:
    """As :func:`read`, judged behind firewalls."""
    hops = [read_hop(each, all_profiles()) for each in firewalls.split()]
    configuration = Configuration(read(kind, *texts), system or Sysctls(), ())
    return judge_configuration(configuration, hops, Stack())


def survivals(kind: str, *texts: str, firewalls: str = "350") -> list[str]:
    return [str(each.survival) for each in judge(kind, *texts, firewalls=firewalls)]


def cured(kind: str, *texts: str, firewalls: str = "350") -> list[str]:
    """The files after the edits of each unsafe connection in turn; then all must be safe."""
    now = list(texts)
    for _ in range(20):
        judged = judge(kind, *now, firewalls=firewalls)
        unsafe = [each for each in judged if each.survival is Survival.UNSAFE]
        if not unsafe:
            return now
        assert unsafe[0].edits, unsafe[0]
        assert unsafe[0].diff
        for number, text in enumerate(now):
            mine = [each for each in unsafe[0].edits if each.source.path == f"{number}.conf"]
            now[number] = edited(text, mine)
    raise AssertionError(f"not cured: {now}")
