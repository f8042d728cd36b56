"""Two runs are compared variant by variant, check by check."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from halfopen.cli.main import app
from halfopen.errors import InputError, UsageError
from halfopen.model.verdict import CheckResult, VariantResult, Verdict
from halfopen.report.comparison import VariantChange, compare, read_results
from halfopen.report.results import write_json


def check(verdict: str, observed: float | None = 0, label: str = "delivery") -> CheckResult:
    return CheckResult(
        "delivery", Verdict(verdict), observed, "lost exactly 0", f"lost {observed}", label=label
    )


def result(
    verdict: str, *checks: CheckResult, variant: str = "default", lab: str = "netns"
) -> VariantResult:
    return VariantResult("a silence", variant, lab, Verdict(verdict), 1, 2.0, 3.0, checks)


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (result("pass"), result("fail"), VariantChange.WORSE),
        (result("reproduced"), result("unknown"), VariantChange.WORSE),
        (result("error"), result("pass"), VariantChange.BETTER),
        (result("pass"), result("reproduced"), VariantChange.CHANGED),
        (result("fail"), result("unknown"), VariantChange.CHANGED),
        (result("pass"), result("unsupported"), VariantChange.GONE),
        (result("unsupported"), result("fail"), VariantChange.NEW),
        (result("unsupported"), result("unsupported"), VariantChange.SAME),
        (result("pass"), None, VariantChange.GONE),
        (None, result("fail"), VariantChange.NEW),
        (result("pass", check("pass")), result("pass", check("pass")), VariantChange.SAME),
        (result("fail", check("fail", 1)), result("fail", check("fail", 9)), VariantChange.CHANGED),
    ],
)
def test_what_became_of_a_variant(
    before: VariantResult | None, after: VariantResult | None, change: VariantChange
) -> None:
    (found,) = compare(filter(None, [before]), filter(None, [after]))
    assert found.change is change


def test_checks_that_say_something_else_are_named() -> None:
    before = result("pass", check("pass"), check("pass", 3, "fds"), check("unknown", None, "cpu"))
    after = result("fail", check("fail", 10), check("pass", 3, "fds"), check("pass", 1, "spool"))
    (found,) = compare([before], [after])
    assert [(each.label, each.before, each.after, each.why) for each in found.checks] == [
        ("delivery", "pass 0", "fail 10", "lost 10"),
        ("cpu", "unknown", "", "lost None"),
        ("spool", "", "pass 1", "lost 1"),
    ]


def test_two_checks_of_a_label_are_two() -> None:
    before = result("pass", check("pass", 1), check("pass", 2))
    (found,) = compare([before], [result("pass", check("pass", 1), check("pass", 5))])
    assert [(each.label, each.after) for each in found.checks] == [("delivery (2)", "pass 5")]


VERDICTS = st.sampled_from(list(Verdict))
RUNS = st.dictionaries(st.sampled_from("abcdef"), VERDICTS)


def run(verdicts: dict[str, Verdict]) -> list[VariantResult]:
    return [result(verdict.value, variant=name) for name, verdict in verdicts.items()]


@given(RUNS, RUNS)
def test_no_variant_is_forgotten_and_the_other_way_round_is_the_opposite(
    before: dict[str, Verdict], after: dict[str, Verdict]
) -> None:
    there = {each.variant: each.change for each in compare(run(before), run(after))}
    back = {each.variant: each.change for each in compare(run(after), run(before))}
    assert there.keys() == before.keys() | after.keys()
    opposite = {VariantChange.WORSE: VariantChange.BETTER, VariantChange.GONE: VariantChange.NEW}
    opposite |= {new: old for old, new in opposite.items()}
    for name, change in there.items():
        if {before.get(name), after.get(name)} <= {None, Verdict.UNSUPPORTED}:
            continue  # it never ran
        assert back[name] is opposite.get(change, change)


def written(directory: Path, name: str, results: Sequence[VariantResult]) -> Path:
    path = directory / name
    write_json(results, path)
    return path


def test_the_command_says_the_worst_first_and_its_status(tmp_path: Path) -> None:
    before = written(
        tmp_path, "before", [result("pass", check("pass")), result("fail", variant="other")]
    )
    after = written(
        tmp_path,
        "after",
        [result("pass", variant="other", lab="warp"), result("fail", check("fail", 2))],
    )
    done = CliRunner().invoke(app, ["compare", str(before), str(after)])
    assert done.exit_code == 1
    assert done.output.splitlines() == [
        "worse    a silence / default: pass [netns] → fail [netns]",
        "         delivery: pass 0 → fail 2: lost 2",
        "better   a silence / other: fail [netns] → pass [warp]",
        "2 variants: 1 worse, 1 better",
    ]
    done = CliRunner().invoke(app, ["compare", str(after), str(after), "--json"])
    assert done.exit_code == 0
    assert {each["change"] for each in json.loads(done.output)["variants"]} == {"same"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{\n nonsense", ":2: is no JSON: "),
        ("[]", ":1: holds no results of `halfopen run --json`"),
        ('{"results": [{}]}', ":1: holds no results of `halfopen run --json`"),
        ('{"results": [{"checks": 3}]}', ":1: holds no results of `halfopen run --json`"),
    ],
)
def test_what_holds_no_results_is_told(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "results.json"
    path.write_text(text)
    with pytest.raises(InputError, match="or the --out directory of a run") as error:
        read_results(path)
    assert f"{path}{said}" in str(error.value)


def test_a_comparison_of_nothing_is_no_success(tmp_path: Path) -> None:
    empty = written(tmp_path, "empty", [])
    done = CliRunner().invoke(app, ["compare", str(empty), str(empty)])
    assert isinstance(done.exception, UsageError)
    assert "there is nothing to compare" in str(done.exception)
