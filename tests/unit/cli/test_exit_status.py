"""The exit status of `halfopen run`: what scripts and CI systems go by."""

from __future__ import annotations

import pytest

from halfopen.cli.finish import exit_status
from halfopen.model.verdict import VariantResult, Verdict


def result(verdict: Verdict) -> VariantResult:
    return VariantResult("a scenario", "a variant", "netns", verdict, 0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        ("pass reproduced", 0),
        ("pass unsupported", 0),
        ("pass fail", 1),
        ("pass unknown", 1),
        ("reproduced error", 1),
        ("unsupported fail", 1),
        ("unsupported unsupported", 3),
        ("", 1),
    ],
)
def test_the_exit_status_follows_from_all_verdicts(verdicts: str, status: int) -> None:
    assert exit_status([result(Verdict(each)) for each in verdicts.split()]) == status
