"""`halfopen try` with words that make no sense, and keepalive as the command line takes it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from halfopen.cli.keepalive import read_keepalive
from halfopen.errors import UsageError
from halfopen.kernel import Keepalive

RIGHT = ["--firewall", "fortigate", "--silence", "2h", "--port", "9000"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([*RIGHT, "--", "a", "b"], "there is no :: in the commands; write them behind --"),
        ([*RIGHT, "--", "a", "::", "b", "::", "c"], "there is 2 times :: in the commands"),
        ([*RIGHT, "--", "::", "b"], "there is no client before ::"),
        ([*RIGHT, "--", "a", "::"], "there is no server behind ::"),
        ([*RIGHT, "--silence", "1x", "--", "a", "::", "b"], "--silence: '1x' is not a duration"),
        ([*RIGHT, "--silence", "0 s", "--", "a", "::", "b"], "--silence: it lasts no time"),
        ([*RIGHT, "--firewall", "fortgate", "--", "a", "::", "b"], "did you mean 'fortigate'?"),
        ([*RIGHT, "--keepalive", "1/2", "--", "a", "::", "b"], "is not IDLE/INTERVAL/PROBES"),
    ],
)
def test_what_makes_no_sense_is_told_and_leaves_nothing(
    tmp_path: Path, words: list[str], said: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "halfopen", "try", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("1800/75/9", (1800, 75, 9)),
        ("30min/75s/9", (1800, 75, 9)),
        ("1 h 30 min / 75 s / 3", (5400, 75, 3)),
        ("on", (7200, 75, 9)),
        ("off", None),
    ],
)
def test_keepalive_is_seconds_or_durations(
    text: str, settings: tuple[int, int, int] | None
) -> None:
    assert read_keepalive(text) == (settings and Keepalive(*settings))


@pytest.mark.parametrize("text", ["", "1/2", "1/2/3/4", "a/b/c", "1.5s/1/1", "1/1/1s", "1/1/²"])
def test_what_is_no_keepalive_is_told_what_would_be(text: str) -> None:
    with pytest.raises(UsageError, match=r"is not IDLE/INTERVAL/PROBES; use .* 30min/75s/9"):
        read_keepalive(text)


def test_what_the_kernel_does_not_take_is_told_as_such() -> None:
    with pytest.raises(UsageError, match=r"^--keepalive 40000/75/9: "):
        read_keepalive("40000/75/9")
